"""Installs the wheel alone into an empty environment and uses it, on one Python after another.

    python tests/wheel/check_wheel.py 3.11 3.13

A Python is a version (found on the PATH or among pyenv's) or a command. On each of them, the wheel
in ``dist/`` is installed with its dependencies, in the versions of ``requirements.lock``, into a
new virtual environment. In an empty folder, a model is then fitted to the built-in data and saved,
and stages run as programs. On the first Python, tests of the unpacked source distribution run
against the installed wheel.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
USE = Path(__file__).with_name("use.py")
TESTS = ("tests/clustering", "tests/genes", "tests/module", "tests/io")


def find_python(wanted: str) -> str:
    """The command of a version such as 3.13, or of a command as it is given."""
    if not wanted[:1].isdigit():
        return wanted
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    installed = sorted(pyenv.glob(f"{wanted}.*/bin/python"))
    for command in (f"python{wanted}", *map(str, reversed(installed))):
        code = "import sys; print('{}.{}'.format(*sys.version_info))"
        try:
            done = subprocess.run([command, "-c", code], capture_output=True, text=True)
        except OSError:
            continue
        if done.stdout.strip() == wanted:
            return command
    sys.exit(f"error: Python {wanted} was not found; install it, or name others in PYTHONS")


def only(pattern: str) -> Path:
    """The one file in ``dist/`` that matches."""
    found = list((ROOT / "dist").glob(pattern))
    if len(found) != 1:
        sys.exit(f"error: dist/ has {len(found)} files {pattern}; run `make dist`")
    return found[0]


def clean_environment() -> dict[str, str]:
    """The environment without what would let the checkout be imported; idle threads sleep."""
    hidden = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHOME")
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return {"OMP_WAIT_POLICY": "PASSIVE"} | kept


def run(*command: object, cwd: Path, **variables: str) -> None:
    """Run a command; its failure ends the check."""
    print("$", *command, flush=True)
    subprocess.run(
        [str(word) for word in command], cwd=cwd, env=clean_environment() | variables, check=True
    )


def install(command: str, folder: Path, wheel: Path) -> Path:
    """A new environment with the wheel and its dependencies; its Python."""
    run(command, "-m", "venv", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    pip = (python, "-m", "pip", "--disable-pip-version-check", "--quiet")
    lock = ROOT / "requirements.lock"
    run(*pip, "install", "--constraint", lock, wheel, cwd=folder.parent)
    return python


def test_source(python: Path, sdist: Path, folder: Path) -> None:
    """Run tests of the unpacked source distribution against the installed wheel."""
    lock = ROOT / "requirements.lock"
    run(python, "-m", "pip", "install", "--quiet", "--constraint", lock, "pytest", cwd=folder)
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (source,) = (path for path in folder.iterdir() if (path / "PKG-INFO").is_file())
    for name in ("Snakefile", "Makefile", "config/config.yaml", "docs/conf.py", "LICENSE"):
        if not (source / name).is_file():
            sys.exit(f"error: {sdist.name} lacks {name}")
    shutil.rmtree(source / "src")  # so that nothing but the wheel can be imported
    run(
        *(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *TESTS),
        cwd=source,
        SCSIAMESECLU_DATA="absent",
    )


def main() -> None:
    """Check the wheel on every Python that was named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pythons", nargs="+", help="versions such as 3.13, or commands")
    commands = [find_python(name) for name in parser.parse_args().pythons]
    wheel, sdist = only("*.whl"), only("*.tar.gz")
    for number, command in enumerate(commands):
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="scsiameseclu-wheel-") as name:
            folder = Path(name)
            python = install(command, folder / "environment", wheel)
            installed = time.monotonic()
            empty = folder / "empty"
            empty.mkdir()
            run(python, "-I", USE, cwd=empty)
            if number == 0:
                test_source(python, sdist, folder)
        print(
            f"{wheel.name} works on {command}: installed in {installed - started:.0f} s, "
            f"checked in {time.monotonic() - installed:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
