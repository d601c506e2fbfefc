"""The summary at the top of a sample page: sentences from the numbers."""

from __future__ import annotations

from itertools import pairwise

import pandas as pd

from scsiameseclu.report.annotation import ABSTENTIONS
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.quality_figures import funnel_steps
from scsiameseclu.report.tables import count, listed, numbered, percent

UNCERTAIN = 0.5


def summary(sample: FinishedSample) -> list[str]:
    """Three sentences: kept cells, clusters, cell types."""
    return [_quality(sample), _clusters(sample), _cell_types(sample)]


def _quality(sample: FinishedSample) -> str:
    steps = funnel_steps(sample)
    first, last = steps[0][1], steps[-1][1]
    sentence = (
        f"{count(last)} of {count(first)} cells ({percent(last, first)}) passed quality control"
    )
    pairs = pairwise(steps)
    losses = sorted(((before[1] - after[1], after[0]) for before, after in pairs), reverse=True)
    if losses and losses[0][0] > 0:
        sentence += f"; the step “{losses[0][1]}” removed the most ({count(losses[0][0])})"
    genes = sample.quality
    medians = sample.cells[["total_counts", "n_genes"]].median()
    return (
        f"{sentence}. Kept cells have a median of {count(medians['total_counts'])} counts and "
        f"{count(medians['n_genes'])} detected genes; {count(genes['genes_after'])} of "
        f"{count(genes['genes_before'])} genes were kept."
    )


def _clusters(sample: FinishedSample) -> str:
    sizes = sample.cells["siamese"].value_counts(sort=False)
    confidence = sample.cells["siamese_confidence"]
    k, n = len(sizes), len(sample.cells)
    how = "as requested" if sample.siamese["n_clusters_given"] else "number estimated from the data"
    if proposed := sample.siamese.get("n_clusters_proposed"):
        how = f"from {proposed}, {how}, by the level or curation.tsv"
    uncertain = int((confidence < UNCERTAIN).sum())
    cells = "no cell"
    if uncertain:
        cells = f"{numbered(uncertain, 'cell')} ({percent(uncertain, n)})"
    spread = f" of {count(sizes.min())} to {count(sizes.max())} cells" if k > 1 else ""
    return (
        f"The cells form {numbered(k, 'cluster')}{spread} ({how}). Mean confidence is "
        f"{confidence.mean():.2f}, with {cells} below {UNCERTAIN}."
    )


def _cell_types(sample: FinishedSample) -> str:
    table = sample.annotation
    known = table[~table["cell_type"].isin(ABSTENTIONS)]
    without = [str(name) for name in table["cluster"][table["cell_type"].isin(ABSTENTIONS)]]
    if known.empty:
        return f"{_by(table)}, no cluster could be assigned a cell type."
    sizes = (
        known.groupby("cell_type", sort=False)["n_cells"]
        .sum()
        .sort_values(ascending=False, kind="stable")
    )
    total = table["n_cells"].sum()
    types = listed([f"{name} ({percent(n, total)})" for name, n in sizes.items()], limit=6)
    rest = (
        f"; cluster{'s' if len(without) > 1 else ''} {listed(without)} remain"
        f"{'' if len(without) > 1 else 's'} unassigned"
        if without
        else ""
    )
    return f"{_by(table)}, the clusters are {types}{rest}."


def _by(table: pd.DataFrame) -> str:
    sources = [name for name in table if str(name).startswith("vote_")]
    return "By marker genes" if len(sources) < 2 else "By the consensus of all sources"
