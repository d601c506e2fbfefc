"""Write the report and the tables of the cohort from the available samples."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.report.cohort_samples import Entry

NUMBERS = (
    "cells_in", "cells_kept", "genes_in", "genes_kept",
    "median_total_counts", "median_n_genes", "median_pct_mito", "median_pct_ribo", "median_pct_hb",
    "median_pct_spike_in", "pct_cycling", "doublets",
    "pct_ambient", "n_clusters", "doublet_clusters", "mean_confidence", "silhouette",
    "graph_purity",
    "n_labelled", "ari", "nmi", "acc", "macro_f1",
    "leiden_ari", "leiden_nmi", "leiden_acc", "leiden_macro_f1",
)  # fmt: skip
"""The numeric columns of ``cohort.tsv``."""
JOINT_NUMBERS = (
    "n_samples", "cells_kept", "genes_kept", "n_clusters", "mean_confidence",
    "mixing_before", "mixing_after", "n_labelled", "ari", "nmi",
)  # fmt: skip
"""The numeric columns of ``cohorts.tsv``."""


def run(
    *,
    samples: Path,
    results: Path,
    features: Sequence[str] = (),
    cohorts: Sequence[str] = (),
    cohort_features: Sequence[str] = (),
) -> None:
    """Write index.html, cohort.tsv, status.tsv, cohorts.tsv and multiqc/ into ``results``.

    Unfinished samples have status FAIL, with the error message of the failed stage or the first
    stage that has not finished. Finished samples with warnings have status WARN. Pages of an
    earlier run, of samples and cohorts that have failed since, are marked as such.

    Parameters
    ----------
    samples
        Sample sheet, which determines the order of the samples.
    results
        Folder that contains ``samples/{sample}/`` and ``cohorts/{cohort}/``.
    features
        Features of the run; see :data:`scsiameseclu.store.manifest.FEATURES`.
    cohorts
        Names of the cohorts, in ``cohorts/{cohort}/``.
    cohort_features
        Features of their folders.

    Raises
    ------
    UserError
        The sample sheet is invalid, or there is no results folder.
    """
    from scsiameseclu.report.cohort_page import cohort_page
    from scsiameseclu.report.cohort_samples import read_cohorts, read_entries
    from scsiameseclu.report.earlier_pages import mark_earlier_pages
    from scsiameseclu.report.multiqc import write_multiqc
    from scsiameseclu.stages.sheet import sample_names
    from scsiameseclu.store.atomic import write_table, write_text
    from scsiameseclu.store.folder import SampleFolder

    if not results.is_dir():
        raise UserError(f"there is no results folder {results}; check --results")
    entries = read_entries(results, sample_names(samples), features)
    joint = read_cohorts(results, cohorts, cohort_features)
    write_table(results / "status.tsv", status_table(entries))
    write_table(results / "cohort.tsv", cohort_table(entries))
    write_table(results / "cohorts.tsv", joint_table(joint))
    write_multiqc(entries, results / "multiqc", joint)
    write_text(results / "index.html", cohort_page(entries, joint))
    for kind, listed in (("samples", entries), ("cohorts", joint)):
        for entry in listed:
            mark_earlier_pages(entry, SampleFolder(results / kind / entry.sample, entry.sample))


def status_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Table of sample, status, stage and reason, with one row per sample."""
    import pandas as pd

    rows = [(entry.sample, entry.status, entry.stage, entry.reason) for entry in entries]
    return pd.DataFrame(rows, columns=["sample", "status", "stage", "reason"])


def joint_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Table of status, reason and numbers, with one row per cohort."""
    import pandas as pd

    rows = [
        {"cohort": e.sample, "status": e.status, "stage": e.stage, "reason": e.reason}
        | {key: e.numbers.get(key) for key in JOINT_NUMBERS}
        for e in entries
    ]
    return pd.DataFrame(rows, columns=["cohort", "status", "stage", "reason", *JOINT_NUMBERS])


def cohort_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """Table of status and all numbers (missing if unknown), with one row per sample."""
    import pandas as pd

    rows = [
        {"sample": entry.sample, "status": entry.status}
        | {key: entry.numbers.get(key) for key in NUMBERS}
        for entry in entries
    ]
    return pd.DataFrame(rows, columns=["sample", "status", *NUMBERS])
