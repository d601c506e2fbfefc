"""The page of all samples while a run changes its results, and after one that was killed."""

import time
from contextlib import suppress
from pathlib import Path

from scsiameseclu.report.page_state import set_state


def say_running(page: Path) -> None:
    """Let the page, if there is one, say that it is of the run before, until that is taken back.

    The page of a run that was killed keeps saying so.
    """
    now = time.strftime("%Y-%m-%d %H:%M")
    _set(page, f"A run began at {now} and has not ended; this page is of the run before.")


def say_ended(page: Path) -> None:
    """Let the page say what it said before :func:`say_running`, unless results are newer.

    A run that ended with a stage (``--until``) has not made the page again.
    """
    behind = "The last run made results again, but not the pages, which are of the run before."
    _set(page, behind if _is_behind(page) else None)


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


def _set(page: Path, line: str | None) -> None:
    """Set the line; without a page, or space, or if it is damaged, it will be made again."""
    with suppress(OSError, ValueError):
        set_state(page, line)
