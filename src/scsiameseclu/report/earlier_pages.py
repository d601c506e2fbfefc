"""Pages of an earlier run: a page whose sample has failed since must not say that all is well."""

from __future__ import annotations

import logging

from markupsafe import escape

from scsiameseclu.report.cohort_samples import Entry
from scsiameseclu.report.page_state import set_state
from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def mark_earlier_pages(entry: Entry, folder: SampleFolder) -> None:
    """Let the pages of a failed sample or cohort say so, and those of another what they said.

    A page that cannot be written is left as it is, with a warning in the log.
    """
    line = None
    if entry.status == "FAIL":
        line = (
            '<span class="badge fail">FAIL</span> This page is of an earlier run. At '
            f"{escape(entry.stage)}: {escape(entry.reason)}"
        )
    for page in [folder.path("report"), *sorted(folder.path("pages").glob("*.html"))]:
        try:
            if page.is_file():
                set_state(page, line)
        except (OSError, ValueError) as error:
            log.warning("page %s cannot be updated (%s)", page, error)
