"""A process that watches the process of a stage, and records how it ended if a signal ended it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from scsiameseclu.stages.warm import FORWARDED

PR_SET_PDEATHSIG = 1
"""Option of prctl(2): the signal that a process gets when its parent ends."""
KB_PER_MB = 1024


@dataclass(frozen=True)
class Death:
    """The signal that ended a process, its peak memory in MB, and whether memory was lacking."""

    number: int
    peak_mb: float
    out_of_memory: bool


def watch(on_death: Callable[[Death], int]) -> None:
    """Go on in a child process; this process waits, and ends as the child does.

    Only the child returns. If a signal ends the child, or it exits as a shell reports a signal,
    ``on_death`` is called, and this process exits with the code that it returns. The child is
    killed if this process is. Without Linux, nothing happens.

    Call it before threads are started, and before large modules are imported.
    """
    if not sys.platform.startswith("linux"):
        return
    killed = _killed_for_memory()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        end_with_parent(parent)
        return
    for number in FORWARDED:
        signal.signal(number, lambda received, _: _send(child, received))
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    received = -code if code < 0 else code - 128
    if received in signal.valid_signals():
        memory = _killed_for_memory() > killed and received == signal.SIGKILL
        code = on_death(Death(received, usage.ru_maxrss / KB_PER_MB, memory))
    sys.stdout.flush()
    os._exit(code)


def end_with_parent(parent: int) -> None:
    """Let the kernel kill this process when its parent, which forked it, ends."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # ended meanwhile
        os._exit(128 + signal.SIGKILL)


def _send(process: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(process, number)


def _killed_for_memory() -> int:
    """How many processes of this control group the kernel has killed for lack of memory."""
    try:
        group = Path("/proc/self/cgroup").read_text().splitlines()[-1].rpartition(":")[2]
        lines = Path(f"/sys/fs/cgroup{group}/memory.events").read_text().splitlines()
    except (OSError, IndexError):
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))
