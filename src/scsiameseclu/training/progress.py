"""Progress of the training: a bar on a terminal, one line per minute in a log."""

from __future__ import annotations

import logging
import sys
import threading
import time
from types import TracebackType

from tqdm import tqdm

log = logging.getLogger(__name__)

SECONDS_BETWEEN_LINES = 60.0


class Progress:
    """Counts mini-batches; shows loss, cells per second and the time left.

    Parameters
    ----------
    n_steps
        Largest number of mini-batches.
    batch_size
        Cells in each.
    done
        Mini-batches that an interrupted run has done.
    bar
        Show a bar instead of log lines; by default on a terminal and in a notebook.
    """

    def __init__(
        self, n_steps: int, batch_size: int, done: int = 0, bar: bool | None = None
    ) -> None:
        self.n_steps, self.batch_size, self.done = n_steps, batch_size, done
        self._began_at, self._began = done, time.monotonic()
        self._last_line = self._began
        self._bar, self._lock = None, threading.Lock()
        if _interactive() if bar is None else bar:
            self._bar = tqdm(
                desc="training",
                total=n_steps * batch_size,
                initial=done * batch_size,
                unit=" cells",
                unit_scale=True,
                leave=False,
            )

    def advance(self, n_steps: int, loss: float, what: str) -> None:
        """Count mini-batches that are done; ``what`` names the network and the phase.

        Networks that train beside each other call it from their threads.
        """
        with self._lock:
            self._advance(n_steps, loss, what)

    def _advance(self, n_steps: int, loss: float, what: str) -> None:
        self.done += n_steps
        if self._bar is not None:
            self._bar.set_postfix_str(f"{what}, loss {loss:.4f}", refresh=False)
            self._bar.update(n_steps * self.batch_size)
            return
        now = time.monotonic()
        if now - self._last_line < SECONDS_BETWEEN_LINES:
            return
        self._last_line = now
        rate = (self.done - self._began_at) / (now - self._began)
        left = (self.n_steps - self.done) / rate
        log.info(
            "%s: step %d of at most %d, loss %.4f, %d cells/s, %d s left at most",
            what,
            self.done,
            self.n_steps,
            loss,
            rate * self.batch_size,
            left,
        )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()


def _interactive() -> bool:
    return sys.stderr.isatty() or "ipykernel" in sys.modules
