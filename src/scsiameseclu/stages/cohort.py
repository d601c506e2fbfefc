"""The cohort stage: one page, two tables and MultiQC's content from the samples that there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.store.atomic import write_table, write_text

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.report.cohort_samples import Entry

NUMBERS = (
    *("cells_in", "cells_kept", "genes_in", "genes_kept"),
    *("median_total_counts", "median_n_genes", "median_pct_mito", "doublets"),
    *("n_clusters", "mean_confidence", "silhouette", "graph_purity"),
    *("n_labelled", "ari", "nmi", "acc", "macro_f1"),
    *("leiden_ari", "leiden_nmi", "leiden_acc", "leiden_macro_f1"),
)


def cohort(samples: Path, results: Path, *, trajectory: bool = False) -> None:
    """Write index.html, cohort.tsv, status.tsv and multiqc/ into ``results``.

    Samples that are not finished are FAIL, with the sentence that the stage left in their
    failure.json, or with the first stage whose file is missing. Finished samples with warnings of
    any stage are WARN.

    Parameters
    ----------
    samples
        The sample sheet; its order is the order of everything here.
    results
        The folder with ``samples/{sample}/``.
    trajectory
        Whether each sample is to have one.
    """
    from scsiameseclu.report.cohort_page import cohort_page
    from scsiameseclu.report.cohort_samples import read_entries
    from scsiameseclu.report.multiqc import write_multiqc
    from scsiameseclu.stages.sheet import sample_names

    entries = read_entries(results, sample_names(samples), trajectory)
    write_table(results / "status.tsv", status_table(entries))
    write_table(results / "cohort.tsv", cohort_table(entries))
    write_multiqc(entries, results / "multiqc")
    write_text(results / "index.html", cohort_page(entries))


def status_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row a sample: sample, status, stage and reason."""
    import pandas as pd

    rows = [(entry.sample, entry.status, entry.stage, entry.reason) for entry in entries]
    return pd.DataFrame(rows, columns=["sample", "status", "stage", "reason"])


def cohort_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row a sample: status and every number; missing where it is not known."""
    import pandas as pd

    rows = [
        {"sample": entry.sample, "status": entry.status}
        | {key: entry.numbers.get(key) for key in NUMBERS}
        for entry in entries
    ]
    return pd.DataFrame(rows, columns=["sample", "status", *NUMBERS])
