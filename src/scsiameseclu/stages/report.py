"""Write the HTML report of a sample or a cohort."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(
    folder: SampleFolder,
    *,
    label: str | None = None,
    design: dict[str, dict[str, str]] | None = None,
) -> None:
    """Write ``report``, a self-contained HTML page.

    Parameters
    ----------
    folder
        Folder of the sample.
    label
        Column with published labels, shown in the comparison panel only.
    design
        Condition, donor and other metadata of each sample of a cohort.
    """
    from scsiameseclu.report.sample_page import sample_page
    from scsiameseclu.store.atomic import write_text

    write_text(folder.path("report"), sample_page(folder, label, design))
