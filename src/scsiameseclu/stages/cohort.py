"""Write the cohort's page and tables from the samples that are there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

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


def run(*, samples: Path, results: Path, features: Sequence[str] = ()) -> None:
    """Write index.html, cohort.tsv, status.tsv and multiqc/ into ``results``.

    Samples that are not finished are FAIL, with the sentence that the stage left, or with the first
    stage whose file is missing. Finished samples with warnings of any stage are WARN.

    Parameters
    ----------
    samples
        The sample sheet; its order is the order of everything here.
    results
        The folder with ``samples/{sample}/``.
    features
        What the run includes; see :data:`scsiameseclu.store.manifest.FEATURES`.
    """
    from scsiameseclu.report.cohort_page import cohort_page
    from scsiameseclu.report.cohort_samples import read_entries
    from scsiameseclu.report.multiqc import write_multiqc
    from scsiameseclu.stages.sheet import sample_names
    from scsiameseclu.store.atomic import write_table, write_text

    entries = read_entries(results, sample_names(samples), features)
    write_table(results / "status.tsv", status_table(entries))
    write_table(results / "cohort.tsv", cohort_table(entries))
    write_multiqc(entries, results / "multiqc")
    write_text(results / "index.html", cohort_page(entries))


def status_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row per sample: sample, status, stage and reason."""
    import pandas as pd

    rows = [(entry.sample, entry.status, entry.stage, entry.reason) for entry in entries]
    return pd.DataFrame(rows, columns=["sample", "status", "stage", "reason"])


def cohort_table(entries: Sequence[Entry]) -> pd.DataFrame:
    """One row per sample: status and every number; missing where it is not known."""
    import pandas as pd

    rows = [
        {"sample": entry.sample, "status": entry.status}
        | {key: entry.numbers.get(key) for key in NUMBERS}
        for entry in entries
    ]
    return pd.DataFrame(rows, columns=["sample", "status", *NUMBERS])
