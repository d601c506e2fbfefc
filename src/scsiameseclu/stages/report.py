"""The report stage: one self-contained page for a sample."""

from pathlib import Path

from scsiameseclu.store.atomic import write_text


def report(
    directory: Path, output: Path, *, sample: str, label: str | None, trajectory: bool = False
) -> None:
    """Write the page of a sample.

    Parameters
    ----------
    directory
        Where the earlier stages wrote the sample's files, under their fixed names.
    output
        The page to write; self-contained HTML.
    sample
        Name of the sample.
    label
        Column of the user's labels in counts.h5ad, shown in the comparison panel alone; None when
        there are none.
    trajectory
        Whether there is one.
    """
    from scsiameseclu.report.sample_page import sample_page

    write_text(output, sample_page(directory, sample, label, trajectory))
