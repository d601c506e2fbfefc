"""The page of all samples while a run changes its results, and after one that was killed."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

STATE = re.compile(r'(<p class="state">\n)(.*?)(</p>\n</header>)', re.DOTALL)
"""The line below the title of the page, with the numbers of samples by status."""
KEPT = re.compile(r"<template>(.*)</template>", re.DOTALL)
"""What the line said before; browsers do not show it."""


def say_running(page: Path) -> None:
    """Let the page, if there is one, say that it is of the run before, until that is taken back.

    The page of a run that was killed keeps saying so. The time of the file stays the same, so that
    the page does not count as made again.
    """
    now = time.strftime("%Y-%m-%d %H:%M")
    line = f"A run began at {now} and has not ended; this page is of the run before."
    _replace(page, lambda state: f"{line}<template>{_before(state)}</template>\n")


def say_ended(page: Path) -> None:
    """Let the page say what it said before :func:`say_running`, unless results are newer.

    A run that ended with a stage (``--until``) has not made the page again.
    """
    if _is_behind(page):
        line = "The last run made results again, but not the pages, which are of the run before."
        _replace(page, lambda state: f"{line}<template>{_before(state)}</template>\n")
    else:
        _replace(page, _before)


def _is_behind(page: Path) -> bool:
    """Whether a result of a sample or cohort was made after the page."""
    try:
        made = page.stat().st_mtime
        results = (
            f for kind in ("samples", "cohorts") for f in page.parent.glob(f"{kind}/*/*.h5ad")
        )
        return any(result.stat().st_mtime > made for result in results)
    except OSError:
        return False


def _before(state: str) -> str:
    kept = KEPT.search(state)
    return kept[1] if kept else state


def _replace(page: Path, change: Callable[[str], str]) -> None:
    try:
        text = page.read_bytes().decode("utf-8")
        changed = STATE.sub(lambda m: m[1] + change(m[2]) + m[3], text, count=1)
        if changed != text:
            times = page.stat()
            part = page.with_name(f".{page.name}.part")
            part.write_bytes(changed.encode("utf-8"))
            os.utime(part, ns=(times.st_atime_ns, times.st_mtime_ns))
            part.replace(page)
    except (OSError, ValueError):  # no page, no space, or a damaged page, which is made again
        return
