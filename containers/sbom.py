"""Write a software bill of materials (CycloneDX 1.5) from `pip inspect` on standard input."""

import json
import re
import sys


def component(package: dict) -> dict:
    """CycloneDX component of an installed distribution."""
    metadata = package["metadata"]
    name, version = metadata["name"], metadata["version"]
    entry = {
        "type": "library",
        "name": name,
        "version": version,
        "purl": f"pkg:pypi/{re.sub(r'[-_.]+', '-', name).lower()}@{version}",
    }
    if licence := metadata.get("license_expression") or metadata.get("license"):
        entry["licenses"] = [{"license": {"name": licence.splitlines()[0]}}]
    return entry


def main() -> None:
    """Write the components sorted by name, so that lists can be compared."""
    inspected = json.load(sys.stdin)
    environment = inspected["environment"]
    components = sorted(
        (component(package) for package in inspected["installed"]),
        key=lambda entry: entry["name"].lower(),
    )
    python = {
        "type": "platform",
        "name": "python",
        "version": environment["python_full_version"],
    }
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "container", "name": "scsiameseclu"}},
        "components": [python, *components],
    }
    json.dump(bill, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
