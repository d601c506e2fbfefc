"""Write requirements.lock, docs/requirements.txt and envs/environment.yaml from `pip freeze`.

What `pip freeze` says comes on standard input. Packages that docs/requirements.txt lists stay
there; all others are requirements of the pipeline.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = """\
# Exact versions of all that the pipeline, its tests and its lint use (Python 3.11 or newer).
# To renew: install newer versions into .venv by pip, run `make test`, then `make lock`.
"""
DOCS = """\
# Exact versions of what `make docs` needs beyond requirements.lock, and installs.
# To renew: install newer versions into .venv by pip, run `make docs`, then `make lock`.
"""
ENVIRONMENT = """\
# Conda environment for sites without containers: the versions of requirements.lock.
# `snakemake --sdm conda` makes it by itself. Written by `make lock`; not edited by hand.
name: scsiameseclu
channels:
  - conda-forge
dependencies:
  - python=3.11
  - pip
  - pip:
"""


def name_of(pin: str) -> str:
    """The package's name in its normal form."""
    return re.sub(r"[-_.]+", "-", pin.partition("==")[0]).strip().lower()


def main() -> None:
    pins = [line.strip() for line in sys.stdin if "==" in line]
    pins.sort(key=str.lower)
    docs = ROOT / "docs" / "requirements.txt"
    listed = {name_of(line) for line in docs.read_text(encoding="utf-8").splitlines()}
    for_docs = [pin for pin in pins if name_of(pin) in listed]
    pins = [pin for pin in pins if name_of(pin) not in listed]
    docs.write_text(DOCS + "".join(f"{pin}\n" for pin in for_docs), encoding="utf-8")
    lock = LOCK + "".join(f"{pin}\n" for pin in pins)
    environment = ENVIRONMENT + "".join(f"      - {pin}\n" for pin in pins)
    (ROOT / "requirements.lock").write_text(lock, encoding="utf-8")
    (ROOT / "envs" / "environment.yaml").write_text(environment, encoding="utf-8")


if __name__ == "__main__":
    main()
