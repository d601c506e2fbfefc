"""Pages of an earlier run: a page whose sample has failed since must not say that all is well."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from markupsafe import escape

from scsiameseclu.report.cohort_samples import Entry
from scsiameseclu.store.atomic import write_text
from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)

STATE = re.compile(r'(<p class="state">\n)(.*?)(</p>\n</header>)', re.DOTALL)
"""The line below the title of a page, with its badge."""
KEPT = re.compile(r"<template>(.*)</template>", re.DOTALL)
"""What the line said before; browsers do not show it."""


def mark_earlier_pages(entry: Entry, folder: SampleFolder) -> None:
    """Let the pages of a failed sample or cohort say so, and those of another what they said.

    The times of the files stay the same, so that no page counts as made again. A page that cannot
    be written is left as it is, with a warning in the log.
    """
    pages = [folder.path("report"), *sorted(folder.path("pages").glob("*.html"))]
    for page in pages:
        try:
            if page.is_file():
                _mark(page, entry)
        except (OSError, ValueError) as error:  # damaged text is no UTF-8
            log.warning("page %s cannot be updated (%s)", page, error)


def _mark(page: Path, entry: Entry) -> None:
    text = page.read_bytes().decode("utf-8")  # carriage returns stay
    if (state := STATE.search(text)) is None:
        return
    kept = KEPT.search(state[2])
    original = kept[1] if kept else state[2]
    marked = STATE.sub(lambda _: state[1] + _state(entry, original) + state[3], text, count=1)
    if marked != text:
        times = page.stat()
        write_text(page, marked)
        os.utime(page, ns=(times.st_atime_ns, times.st_mtime_ns))


def _state(entry: Entry, original: str) -> str:
    if entry.status != "FAIL":
        return original
    return (
        f'<span class="badge fail">FAIL</span> This page is of an earlier run. At '
        f"{escape(entry.stage)}: {escape(entry.reason)}<template>{original}</template>\n"
    )
