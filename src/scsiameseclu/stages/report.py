"""Write the page of one sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, *, label: str | None = None) -> None:
    """Write ``report``, one self-contained HTML page.

    Parameters
    ----------
    folder
        The sample's folder.
    label
        Column of published labels, shown in the comparison panel alone.
    """
    from scsiameseclu.report.sample_page import sample_page
    from scsiameseclu.store.atomic import write_text

    write_text(folder.path("report"), sample_page(folder, label))
