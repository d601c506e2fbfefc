"""The warm process of a run, from which the stages are forked (``scsiameseclu.stages.warm``)."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from socket import AF_UNIX, socket

from scsiameseclu.stages.warm import VARIABLE

MIN_JOBS = 4
"""Fewer jobs save less time than the imports of the warm process take."""
SERVER = ("-m", "scsiameseclu.stages.warm_server")


@dataclass(frozen=True)
class WarmProcess:
    """A warm process, the path of its socket, and the end of a pipe.

    It ends when that end is closed, as the system does when this process ends in whatever way.
    """

    process: "subprocess.Popen[bytes]"
    socket: str
    until: int


_held: list[WarmProcess] = []


def start(source: Path, n_jobs: int) -> None:
    """Start a warm process, and tell its socket to the jobs by an environment variable.

    Nothing happens for few jobs, without Linux, or if the variable is set: by a user who does not
    want it, or by the run that started this one.

    Parameters
    ----------
    source
        Folder of the package.
    n_jobs
        Number of jobs to run.
    """
    if n_jobs < MIN_JOBS or VARIABLE in os.environ or not sys.platform.startswith("linux"):
        return
    try:
        folder = tempfile.mkdtemp(prefix="scsiameseclu-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)  # if the process was killed
        warm = launch(source, folder)
    except OSError:  # such as a full disk, or a path too long for a socket
        return
    _held.append(warm)
    os.environ[VARIABLE] = warm.socket


def launch(source: Path, folder: str, server: Sequence[str] = SERVER) -> WarmProcess:
    """Start a warm process, which removes the folder of its socket at its end.

    Its environment is that of the jobs.
    """
    path = os.path.join(folder, "socket")
    sources = os.pathsep.join(filter(None, [str(source), os.environ.get("PYTHONPATH")]))
    with socket(AF_UNIX) as listener:  # listens before the process does, so no job is too early
        listener.bind(path)
        listener.listen(128)
        number = listener.fileno()
        read_end, until = os.pipe()
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", *server, folder, str(number)],
                stdin=read_end,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[number],
                process_group=0,  # Ctrl-C at the terminal is for the jobs
                env=os.environ | {"PYTHONPATH": sources},
            )
        finally:
            os.close(read_end)
    return WarmProcess(process, path, until)
