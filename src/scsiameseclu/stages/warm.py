"""Hands a stage over to the warm process of a run, which has imported the libraries already.

A run starts that process (``stages.warm_server``) and tells its jobs the path of its socket by the
environment variable ``SCSIAMESECLU_WARM``. For each connection it forks a *keeper*, which forks the
stage. This process sends the keeper what the stage inherits, passes on signals, and ends as the
stage does. Without such a process, or where anything about it is in doubt, the stage runs here.

What is sent: the keeper greets with a line of JSON (:func:`place` of the warm process); this
process answers with its standard streams and a line of JSON; from then on it sends one byte per
signal, and the keeper one line with the exit code. Whatever ends this process closes the
connection, upon which the keeper kills the stage.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from socket import socket

VARIABLE = "SCSIAMESECLU_WARM"
"""Environment variable with the path of the socket; any other text, such as ``off``, is ignored."""
PATIENCE_S = 5.0
"""How long a warm process that is importing a library may let a stage wait for its greeting."""
FORWARDED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)
"""Signals that are passed on to a stage."""
STREAMS = (0, 1, 2)
FREE = frozenset({"PWD", "OLDPWD", "SHLVL", "_", "TMPDIR", "TMP", "TEMP", "TEMPDIR", "MPLBACKEND"})
"""Environment variables that may differ, since they matter only when a stage runs."""
OWN = "SCSIAMESECLU_"
"""Prefix of the workflow's own variables, which no stage reads."""
PIECE = 65536


def hand_over(stage: str, argv: Sequence[str]) -> None:
    """Run a stage in the warm process, and end this process as the stage ends.

    Returns if there is no warm process that does what this one would do, or if it was killed
    together with the stage.

    Parameters
    ----------
    stage
        Name of the stage.
    argv
        ``sys.argv`` of this process.
    """
    path = os.environ.get(VARIABLE, "")
    if not os.path.isabs(path) or not sys.platform.startswith("linux"):
        return
    code = None
    with suppress(OSError, ValueError, KeyError):
        code = _run(stage, argv, path)
    if code is None:
        return
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _run(stage: str, argv: Sequence[str], path: str) -> int | None:
    """The exit code of the stage, negative for a signal; None if it must run here."""
    import json
    import socket

    if os.stat(path).st_uid != os.getuid():
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        if connection.fileno() in STREAMS:  # a stream is closed, and the stage would inherit this
            return None
        connection.settimeout(PATIENCE_S)
        connection.connect(path)
        greeting = read_line(connection)
        if not greeting or json.loads(greeting) != place():
            return None
        request = {
            "stage": stage,
            "argv": list(argv),
            "path": sys.path,
            "directory": os.getcwd(),
            "umask": _umask(),
            "environment": dict(os.environ),
        }
        socket.send_fds(connection, [b"\n"], STREAMS)
        connection.sendall(json.dumps(request).encode() + b"\n")
        return _wait(connection)


def _wait(connection: socket) -> int | None:
    """The exit code, passing on signals meanwhile; None if all processes of the stage are gone."""
    import select

    connection.setblocking(False)
    # Python then writes the number of each signal that has a handler to the connection
    signal.set_wakeup_fd(connection.fileno(), warn_on_full_buffer=False)
    kept = {n: handler for n in FORWARDED if (handler := signal.getsignal(n)) != signal.SIG_IGN}
    for number in kept:
        signal.signal(number, lambda *_: None)
    try:
        select.select([connection], [], [])
    finally:
        signal.set_wakeup_fd(-1)
        connection.setblocking(True)
    answer = read_line(connection)
    if answer:
        return int(answer)
    for number, handler in kept.items():
        signal.signal(number, handler)
    return None


def read_line(connection: socket) -> bytes:
    """All bytes up to the end of a line; none if the other side closed the connection before it."""
    content = b""
    while not content.endswith(b"\n"):
        piece = connection.recv(PIECE)
        if not piece:
            return b""
        content += piece
    return content


def place() -> dict[str, Any]:
    """What must be the same for this process and the warm one, as it decides results and limits.

    Python, package, environment, user, namespaces (containers), control group (jobs of a batch
    system) and cores.
    """
    with open("/proc/self/cgroup", encoding="utf-8") as file:
        group = file.read()
    spaces = "/proc/self/ns"
    return {
        "python": [sys.executable, sys.version],
        "package": __file__,
        "environment": settled(os.environ),
        "user": [os.getuid(), os.getgid(), sorted(os.getgroups())],
        "namespaces": {name: os.readlink(f"{spaces}/{name}") for name in os.listdir(spaces)},
        "group": group,
        "cores": sorted(os.sched_getaffinity(0)),
    }


def settled(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that libraries may read when they are imported.

    >>> settled({"LANG": "C", "OMP_NUM_THREADS": "4", "PWD": "/"})
    {'LANG': 'C'}
    """
    return {
        name: value
        for name, value in environment.items()
        if not (name in FREE or name.startswith(OWN))
        and not name.endswith("_NUM_THREADS")
        and "MAXIMUM_THREADS" not in name
    }


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
