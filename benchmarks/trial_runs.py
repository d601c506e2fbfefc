"""Trials of running stages: killed at any moment, and on a full disk.

A cohort of the demo data with a reference and a trajectory is run by Snakemake once; its log has
the command of every stage.
"""

import hashlib
import json
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from runs import GOOD, ROOT, snakemake, write_inputs

from scsiameseclu.stages.endings import MAY_PASS
from scsiameseclu.store import manifest
from scsiameseclu.store.folder import SampleFolder

CONFIG = {
    "samples": "config/samples.tsv",
    "quality": {"doublets": "off"},
    "model": {"networks": 2, "pretrain_steps": 60},
    "trajectory": {"run": True},
    "reference": {"path": "demo:b", "label": "bulk_labels"},
    "cohort": {"run": "auto"},
}
COMMAND = re.compile(r"&& (python \S+/scripts/(\w+)\.py .*?) 2>&1 \| tee ")
Trial = Callable[[random.Random], tuple[str, str]]


@dataclass(frozen=True)
class Command:
    """A stage of a finished run: its program, its folder and its files."""

    stage: str
    words: list[str]
    folder: Path
    seconds: float

    def outputs(self) -> list[Path]:
        """Its files and folders."""
        if self.stage == "reference":
            return [self.folder / "model", self.folder / "cells.h5ad"]
        names = manifest.STAGES[self.stage].writes
        return [SampleFolder(self.folder, self.folder.name).path(name) for name in names]

    def start(self) -> "subprocess.Popen[str]":
        """Start the stage in a session of its own, as a scheduler does."""
        return subprocess.Popen(
            self.words,
            cwd=_directory(self.folder),
            env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def clear(self) -> None:
        """Remove its files, as Snakemake does before a job."""
        for path in self.outputs():
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)


def _directory(folder: Path) -> Path:
    """The working directory of the run that a folder of results belongs to."""
    return next(parent.parent for parent in folder.parents if parent.name == "results")


def digests(command: Command) -> dict[str, str]:
    """SHA-256 of every file of a stage that exists; pages are compared without times."""
    sums = {}
    for path in command.outputs():
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file() and not file.name.startswith("."):
                content = file.read_bytes()
                if file.suffix == ".html":
                    content = re.sub(
                        rb"<h3>Time and memory</h3>.*?</table>", b"", content, flags=re.S
                    )
                sums[str(file)] = hashlib.sha256(content).hexdigest()
    return sums


def finished_run(work: Path) -> tuple[Path, list[Command]]:
    """The folder of a finished run, and the commands of its stages."""
    directory = work / "run"
    log = directory / "commands"
    if not log.is_file():
        shutil.rmtree(directory, ignore_errors=True)
        write_inputs(directory, GOOD, CONFIG)
        done = snakemake(directory, "--printshellcmds")
        if done.returncode:
            sys.exit(done.stdout[-5000:])
        log.write_text(done.stdout)
    commands = []
    for text, stage in COMMAND.findall(log.read_text()):
        script = str(ROOT / "scripts" / f"{stage}.py")
        words = [sys.executable, script, *shlex.split(text)[2:]]
        if stage not in (*manifest.STAGES, "reference"):
            continue
        named = words[words.index("--folder") + 1] if "--folder" in words else "results/reference"
        folder = directory / named
        usage = json.loads((folder / manifest.USAGE.format(stage=stage)).read_text())
        commands.append(Command(stage, words, folder, usage["seconds"]))
    if missing := [p for c in commands for p in c.outputs() if not p.exists()]:
        sys.exit(f"{missing[0]} is missing; remove {directory} and start again")
    return directory, commands


def killed_stage(work: Path) -> Trial:
    """A stage that is killed at a random moment, and run again."""
    _, commands = finished_run(work)
    whole = {id(command): digests(command) for command in commands}

    def trial(rng: random.Random) -> tuple[str, str]:
        command = rng.choice(commands)
        what = f"{command.stage} of {command.folder.name}"
        expected = whole[id(command)]
        command.clear()
        process = command.start()
        time.sleep(rng.uniform(0, 1.1 * command.seconds))
        if process.poll() is None:
            alone = rng.random() < 0.3
            kill = os.kill if alone else os.killpg
            kill(process.pid, rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
        process.communicate()
        time.sleep(0.2)  # a child whose parent was killed is killed by the kernel
        for path, digest in digests(command).items():
            if expected.get(path) != digest:
                return "partial", f"{what}: {path}"
        command.clear()
        again = command.start()
        _, said = again.communicate()
        if again.returncode or digests(command) != expected:
            return "lost", f"{what}: exit code {again.returncode}: {said[-300:]}"
        return "same", what

    return trial


def full_disk(work: Path) -> Trial:
    """A stage of which the disk is full, and that is run again with space."""
    directory, commands = finished_run(work)
    own = [command for command in commands if command.stage not in ("reference", "pages")]
    whole = {id(command): digests(command) for command in own}
    small = work / "small"

    def trial(rng: random.Random) -> tuple[str, str]:
        command = rng.choice(own)
        what = f"{command.stage} of {command.folder.name}"
        small.mkdir(exist_ok=True)
        mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(small)]
        if subprocess.run(mount, capture_output=True).returncode:
            return "not run", "no permission to mount a file system"
        try:
            copy = small / "run"
            shutil.copytree(directory, copy, symlinks=True)
            folder = copy / command.folder.relative_to(directory)
            moved = Command(command.stage, command.words, folder, command.seconds)
            moved.clear()
            filler = small / "filler"
            with suppress(OSError), filler.open("wb", buffering=0) as stream:
                while True:
                    stream.write(bytes(1 << 20))
            with filler.open("r+b") as stream:  # room for the notes, not for the results
                stream.truncate(max(filler.stat().st_size - rng.choice([8192, 32768]), 0))
            process = moved.start()
            _, said = process.communicate()
            if process.returncode == 0:
                return "fitted", what
            if process.returncode != MAY_PASS or "no space left" not in said:
                return "unsaid", f"{what}: {process.returncode}: {said[-300:]}"
            filler.unlink()
            moved.clear()
            again = moved.start()
            _, said = again.communicate()
            relative = {k.replace(str(copy), str(directory)): v for k, v in digests(moved).items()}
            if again.returncode or relative != whole[id(command)]:
                return "lost", f"{what}: {again.returncode}: {said[-300:]}"
            return "said", what
        finally:
            subprocess.run(["umount", str(small)], capture_output=True)

    return trial
