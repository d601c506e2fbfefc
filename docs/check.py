"""Checks the built documentation: it works offline, and every setting and public name can be found.

python docs/check.py docs/_build/html
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import sys
from pathlib import Path

import scsiameseclu

ROOT = Path(__file__).resolve().parent.parent
REMOTE = re.compile(
    r"""<(?:script|img|iframe|source)[^>]+src=["']https?:|<link[^>]+rel=["'](?:stylesheet|preload|preconnect)["'][^>]+href=["']https?:"""
)
NAMESPACES = ("pp", "tl", "pl", "datasets")


def remote_assets(site: Path) -> list[str]:
    """Pages that load something from the network."""
    return [
        f"{page.relative_to(site)} loads {match[0]} from the network"
        for page in site.rglob("*.html")
        for match in REMOTE.finditer(page.read_text(encoding="utf-8"))
    ]


def searchable(site: Path) -> set[str]:
    """Names of the objects that the search finds."""
    text = (site / "searchindex.js").read_text(encoding="utf-8")
    objects = json.loads(text.removeprefix("Search.setIndex(").removesuffix(")"))["objects"]
    return {
        f"{prefix}.{entry[4]}" if prefix else entry[4]
        for prefix, entries in objects.items()
        for entry in entries
    }


def missing_settings(site: Path) -> list[str]:
    """Keys of config/README.md without anchor, line in the index or entry of the search."""
    keys = re.findall(r"^\| `(\w+)` \|", (ROOT / "config/README.md").read_text(), re.MULTILINE)
    page = (site / "reference/configuration.html").read_text(encoding="utf-8")
    index = (site / "reference/settings.html").read_text(encoding="utf-8")
    search = searchable(site)
    missing = []
    for key in sorted(set(keys)):
        anchors = re.findall(rf'id="(setting-(?:[a-z_-]+-)?{key})"', page)
        if not anchors:
            missing.append(f"setting {key} has no anchor")
        if not any(f"configuration.html#{anchor}" in index for anchor in anchors):
            missing.append(f"setting {key} is not in the index of settings")
        if not any(name.rpartition(".")[2].endswith(key) for name in search):
            missing.append(f"setting {key} is not found by the search")
    return missing


def public_names() -> list[str]:
    """Full names of all public classes and functions."""
    names = [f"scsiameseclu.{name}" for name in scsiameseclu.__all__ if not name.startswith("_")]
    found = []
    for name in names:
        value = getattr(scsiameseclu, name.rpartition(".")[2])
        if inspect.ismodule(value):
            module = importlib.import_module(value.__name__)
            found += [f"{name}.{member}" for member in module.__all__]
        else:
            found.append(name)
    return found


def missing_names(site: Path) -> list[str]:
    """Public names without an entry in the API reference."""
    pages = "".join(
        page.read_text(encoding="utf-8") for page in (site / "reference").rglob("*.html")
    )
    return [f"{name} is not documented" for name in public_names() if f'id="{name}"' not in pages]


def main() -> None:
    """Print what is wrong; the exit code says whether anything is."""
    site = Path(sys.argv[1])
    wrong = [*remote_assets(site), *missing_settings(site), *missing_names(site)]
    print("\n".join(wrong) or f"The documentation is complete: open {site / 'index.html'}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
