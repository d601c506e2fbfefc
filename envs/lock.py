"""Write requirements.lock and envs/environment.yaml from `pip freeze` on standard input."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCK = """\
# Exact versions of all that the pipeline, its tests and its lint use (Python 3.11 or newer).
# To renew: install newer versions into .venv by pip, run `make test`, then `make lock`.
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


def main() -> None:
    pins = [line.strip() for line in sys.stdin if "==" in line]
    pins.sort(key=str.lower)
    lock = LOCK + "".join(f"{pin}\n" for pin in pins)
    environment = ENVIRONMENT + "".join(f"      - {pin}\n" for pin in pins)
    (ROOT / "requirements.lock").write_text(lock, encoding="utf-8")
    (ROOT / "envs" / "environment.yaml").write_text(environment, encoding="utf-8")


if __name__ == "__main__":
    main()
