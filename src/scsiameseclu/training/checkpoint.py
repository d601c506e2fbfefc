"""Checkpoints for interruptible training."""

import hashlib
import logging
import pickle
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import torch

from scsiameseclu.store.atomic import atomic_path

log = logging.getLogger(__name__)

SECONDS = 60.0  # between two checkpoints
TERMINATED = 128 + signal.SIGTERM  # a shell's exit code for a program that SIGTERM ended
State = dict[str, Any]


class Checkpoint:
    """The file that holds the state of a training.

    It is written every minute, when the networks in training are done, and when SIGTERM arrives (a
    time limit or a preemption on a cluster). It is written to a temporary file and renamed, so that
    a crash leaves the last complete one.

    Parameters
    ----------
    path
        The file; None for no checkpoint.
    inputs
        Fingerprint of data, settings and seed: only the state of the same training is restored.
    """

    def __init__(self, path: Path | None, inputs: str) -> None:
        self.path, self.inputs = path, inputs
        self.stop_asked = False
        self._saved = time.monotonic()

    def load(self) -> State | None:
        """The saved state; None if there is none for these inputs."""
        if self.path is None or not self.path.is_file():
            return None
        try:
            kept = torch.load(self.path, map_location="cpu", weights_only=True)
            inputs, state = kept["inputs"], dict(kept["state"])
        except (OSError, EOFError, RuntimeError, KeyError, TypeError, pickle.UnpicklingError) as e:
            log.warning("%s cannot be read (%s); training starts from the beginning", self.path, e)
            return None
        if inputs != self.inputs:
            log.info(
                "%s belongs to other data or settings; training starts from the beginning",
                self.path,
            )
            return None
        return state

    @property
    def due(self) -> bool:
        """Whether it is time to save the state."""
        asked = self.stop_asked or time.monotonic() - self._saved >= SECONDS
        return self.path is not None and asked

    def offer(self, state: Callable[[], State], now: bool = False) -> None:
        """Save the state (tensors and plain values) if it is time to.

        Raises
        ------
        SystemExit
            SIGTERM has arrived; the state is saved, and the exit code is that of SIGTERM.
        """
        if self.path is None:
            return
        if now or self.due:
            self._save(state())
        if self.stop_asked:
            log.warning("SIGTERM: stopped; the same command resumes from %s", self.path)
            raise SystemExit(TERMINATED)

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Within this context, SIGTERM requests a checkpoint and the end."""
        if self.path is None or threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(number: int, frame: FrameType | None) -> None:
            self.stop_asked = True

        previous = signal.signal(signal.SIGTERM, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, previous)

    def _save(self, state: State) -> None:
        assert self.path is not None
        # to a stream of Python's: a path is written by C++, which hides that the disk is full
        with atomic_path(self.path) as temporary, temporary.open("wb") as file:
            torch.save({"inputs": self.inputs, "state": state}, file)
        self._saved = time.monotonic()


def fingerprint(*parts: object) -> str:
    """SHA-256 of arrays (their bytes) and of anything else (its text)."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(str((part.shape, part.dtype)).encode())
            digest.update(np.ascontiguousarray(part).data)
        else:
            digest.update(repr(part).encode())
    return digest.hexdigest()
