"""The line below the title of a page, which a later run replaces and takes back.

Only the standard library is required, since Snakemake may run on hosts without other dependencies.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from scsiameseclu.store.atomic import write_text

STATE = re.compile(r'(<p class="state">\n)(.*?)(</p>\n</header>)', re.DOTALL)
"""The line, with the badge of a sample or the numbers of samples by status."""
KEPT = re.compile(r"<template>(.*)</template>", re.DOTALL)
"""What the line said before; browsers do not show it."""


def set_state(page: Path, line: str | None) -> None:
    """Replace the line of a page, or, with None, let it say what it said before.

    The time of the file stays the same, so that the page does not count as made again. A page
    without such a line is left as it is.

    Parameters
    ----------
    page
        An HTML page of this package.
    line
        HTML.

    Raises
    ------
    OSError, ValueError
        The page cannot be read or written, or is damaged (no UTF-8).
    """
    text = page.read_bytes().decode("utf-8")  # carriage returns stay

    def replaced(match: re.Match[str]) -> str:
        kept = KEPT.search(match[2])
        original = kept[1] if kept else match[2]
        state = original if line is None else f"{line}<template>{original}</template>\n"
        return match[1] + state + match[3]

    changed = STATE.sub(replaced, text, count=1)
    if changed != text:
        times = page.stat()
        write_text(page, changed)
        os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))
