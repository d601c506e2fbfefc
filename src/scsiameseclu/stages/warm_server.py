"""The warm process of a run: imports the libraries once, and forks the stages from there.

``python -P -m scsiameseclu.stages.warm_server FOLDER LISTENER``

It inherits a socket in the folder that listens (the number of its file descriptor), and ends,
removing the folder, when its standard input is closed, whose other end only the process that
started it holds. See ``stages.warm`` for the other side.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from scsiameseclu.stages.notes import peak_mb
from scsiameseclu.stages.program import main
from scsiameseclu.stages.threads import THREAD_VARIABLES, set_variables
from scsiameseclu.stages.warm import STREAMS, place, read_line
from scsiameseclu.stages.watching import end_with_parent

MODULES = (
    "anndata",
    "scsiameseclu.io.sample",
    "sklearn.neighbors",
    "scanpy",
    "leidenalg",
    "scsiameseclu.preprocess.quality",
    "scsiameseclu.preprocess.integration",
    "torch",
    "torch_geometric",
    "scsiameseclu.model.fitting",
    "scsiameseclu.model.slots",
    "scranpy",
    "scsiameseclu.preprocess.layout",
    "scsiameseclu.curation.level",
    "scsiameseclu.annotation.split_markers",
    "decoupler",
    "scsiameseclu.annotation.by_markers",
    "scsiameseclu.annotation.by_celltypist",
    "scsiameseclu.metrics",
    "scsiameseclu.report.sample_page",
    "matplotlib.backends.backend_svg",
)
"""What every sample's stages import, in the order of the stages; what only some settings need is
left to the stages."""
UNTIL = 0
"""Standard input, which is never written to: it is ready to be read when it is closed."""
NO_THREADS = {
    **dict.fromkeys(THREAD_VARIABLES, "1"),
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
}
"""Variables that keep libraries from starting threads, which would not exist in a fork."""


def serve(folder: str, listener: int, modules: Sequence[str] = MODULES) -> None:
    """Import the modules, and run stages meanwhile and afterwards, until standard input is closed.

    Parameters
    ----------
    folder
        Folder of the socket, which only this user may enter.
    listener
        File descriptor of the socket.
    modules
        Names of modules.
    """
    process = os.getpid()
    connection = None
    try:
        where = place()
        os.environ |= NO_THREADS
        set_variables()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel forgets keepers that ended
        with socket.socket(fileno=listener) as listening:
            connection = _accepted(listening, modules)
    finally:
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)
    if connection is not None:
        request = _keep(connection, where)
        _take_over(request)
        main(request["stage"], request["argv"][1:], watched=True, shared_mb=peak_mb())
        _end()


def _accepted(listener: socket.socket, modules: Sequence[str]) -> socket.socket | None:
    """A connection, in a process forked for it; None in this one, when it has to end."""
    for module in (*modules, None):
        if module is not None:
            importlib.import_module(module)
            gc.freeze()  # collections in the forks would copy what all of them share
        if len(os.listdir("/proc/self/task")) > 1:
            return None  # a thread may hold a lock, which no one would release in a fork
        while True:
            wait = None if module is None else 0
            ready, _, _ = select.select([listener.fileno(), UNTIL], [], [], wait)
            if UNTIL in ready:
                return None
            if not ready:
                break
            connection, _ = listener.accept()
            if os.fork() == 0:
                return connection
            connection.close()
    return None


def _keep(connection: socket.socket, where: dict[str, Any]) -> dict[str, Any]:
    """Fork the process of a stage, and report how it ends; kill it when its program is gone.

    Only the stage's process returns, with what its program sent.
    """
    line = b""
    streams: list[int] = []
    with suppress(OSError):
        connection.sendall(json.dumps(where).encode() + b"\n")
        _, streams, _, _ = socket.recv_fds(connection, 1, len(STREAMS))
        line = read_line(connection)
    if not line or len(streams) != len(STREAMS):
        os._exit(0)  # the program goes on by itself, or is gone
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    keeper = os.getpid()
    stage = os.fork()
    if stage == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        end_with_parent(keeper)
        request: dict[str, Any] = json.loads(line)
        # kept open: the connection then closes for the program when all these processes are gone
        return request | {"streams": streams, "connection": connection}
    for stream in streams:
        os.close(stream)
    while True:
        ready, _, _ = select.select([connection, woken], [], [])
        if woken in ready:
            woken.recv(1)
            ended, status = os.waitpid(stage, os.WNOHANG)
            if ended:
                with suppress(OSError):
                    connection.sendall(b"%d\n" % os.waitstatus_to_exitcode(status))
                os._exit(0)
        if connection in ready:
            number = _received(connection)
            os.kill(stage, number or signal.SIGKILL)
            if not number:
                os._exit(0)


def _received(connection: socket.socket) -> int:
    """The number of a signal; 0 if the program is gone."""
    with suppress(OSError):
        return int.from_bytes(connection.recv(1))
    return 0


def _take_over(request: dict[str, Any]) -> None:
    """Become the process that the program of a stage would be."""
    import random
    import tempfile

    for number, stream in zip(STREAMS, request["streams"], strict=True):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdout.reconfigure(line_buffering=os.isatty(1))  # type: ignore[union-attr]
    os.umask(request["umask"])
    os.chdir(request["directory"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv[:], sys.path[:] = request["argv"], request["path"]
    tempfile.tempdir = None  # of TMPDIR
    random.seed()
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed()


def _end() -> None:
    """End this process as Python does, but without taking all modules apart: that takes 0.4 s."""
    import atexit
    import threading

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
