"""Write the pages of the samples of a cohort, with its clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(
    folder: SampleFolder,
    *,
    members: Sequence[str],
    labels: dict[str, str] | None = None,
    member_features: Sequence[str] = (),
) -> None:
    """Write ``pages``: the page of each sample with the clusters of the cohort, ``SAMPLE.html``.

    Parameters
    ----------
    folder
        Folder of the cohort.
    members
        The samples; those that could not be joined get no page.
    labels
        Column with published labels of the samples that have one.
    member_features
        Features of the samples' folders; see :data:`scsiameseclu.store.manifest.FEATURES`.
    """
    import shutil

    from scsiameseclu.report.joint_cells import joint_cells
    from scsiameseclu.report.sample_page import sample_page
    from scsiameseclu.store.atomic import write_text
    from scsiameseclu.store.folder import SampleFolder

    directory = folder.path("pages")
    shutil.rmtree(directory, ignore_errors=True)  # pages of samples that have left the cohort
    directory.mkdir(parents=True)
    samples = folder.directory.parent.parent / "samples"
    joined = set(folder.obs("counts", ["sample"])["sample"].cat.categories)
    for name in (name for name in members if name in joined):
        sample = SampleFolder(samples / name, name, tuple(member_features))
        page = sample_page(sample, (labels or {}).get(name), joint=joint_cells(folder, sample))
        write_text(directory / f"{name}.html", page)
