"""Rows of count matrices that are not genes: counter summaries, antibodies and spike-ins.

Summary rows, antibodies and sums of all genes or cells are left out with a note. Spike-ins are left
out too, but their share of the counts of each cell is kept in ``obs["pct_counts_spike_in"]``.
"""

from __future__ import annotations

import re

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.genes.gene_classes import SPIKE_INS
from scsiameseclu.io.loaded import Loaded, list_names

SUMMARY = re.compile(
    r"__\w+|N_(unmapped|multimapping|noFeature|ambiguous)|(Una|A)ssigned(_\w+)?"
    r"|no_feature|ambiguous|too_low_aQual|not_aligned|alignment_not_unique|[Uu]nmapped|\*"
)
"""Rows of htseq-count, STAR, featureCounts and the pipelines that use them."""
ANTIBODY = re.compile(
    r".+\|pAbO|(ADT|HTO|AbSeq)[_-].+|(adt|hto)[_-](?!\d+$).+|.+[_-]Total[_-]?Seq[_-]?[A-D]?"
    r"|(.*[ _-])?[Hh]ash_?[Tt]ag[ _-]?[A-Z]?\d+([ _-].*)?"
)
"""BD AbSeq (``CD3:UCHT1|CD3E|AHS0231|pAbO``), and prefixes, suffixes and names used in merged
tables; adt-1 to adt-3 are genes of worms."""
SPIKE_IN = re.compile(
    r"(.*[_-])?ERCC[-_.]?\d{5}|SIRV\w*\d\w*|(.*[_-])?spike[-_]?in.*", re.IGNORECASE
)
"""ERCC-00002 and SIRV101; the human genes ERCC1 to ERCC8 have one digit."""
MIN_SUMMED = 10
"""Minimum numbers of cells and of genes for sums to be recognised."""


def leave_out(loaded: Loaded) -> None:
    """Remove what is not a gene, and sums of all genes or cells, from a matrix, in place."""
    _leave_out_sums(loaded)
    if _leave_out_by_name(loaded):
        _leave_out_sums(loaded)


def _leave_out_by_name(loaded: Loaded) -> bool:
    """Remove features with the name of something else than a gene; whether there were any."""
    symbols = loaded.var["gene_symbol"].tolist()
    summary, antibody, spike = (
        np.array([bool(pattern.fullmatch(name)) for name in symbols], dtype=bool)
        for pattern in (SUMMARY, ANTIBODY, SPIKE_IN)
    )
    if not (summary | antibody | spike).any():
        return False
    if summary.any():
        loaded.notes.append(
            f"{int(summary.sum())} summary rows of a read counter are not genes and were left out: "
            f"{list_names(loaded.var.index[summary])}"
        )
    if antibody.any():
        loaded.notes.append(
            f"{int(antibody.sum())} antibodies were left out: "
            f"{list_names(loaded.var.index[antibody])}"
        )
    if spike.any() and loaded.values.are_counts:
        _set_share(loaded, spike, ~(summary | antibody))
    genes = np.flatnonzero(~(summary | antibody | spike))
    loaded.matrix = loaded.matrix[:, genes]
    loaded.var = loaded.var.iloc[genes]
    return True


def _leave_out_sums(loaded: Loaded) -> None:
    """Remove a gene (or cell) whose counts are the sums of all others, in every cell (or gene)."""
    if not loaded.values.are_counts or min(loaded.matrix.shape) < MIN_SUMMED:
        return
    gene, cell = _sum_of_columns(loaded.matrix), _sum_of_columns(loaded.matrix.T)
    if gene is not None:
        loaded.notes.append(f"{loaded.var.index[gene]!r} is the sum of all genes: left out")
        kept = np.delete(np.arange(loaded.matrix.shape[1]), gene)
        loaded.matrix, loaded.var = loaded.matrix[:, kept], loaded.var.iloc[kept]
    if cell is not None:
        loaded.notes.append(f"{loaded.obs.index[cell]!r} is the sum of all cells: left out")
        kept = np.delete(np.arange(loaded.matrix.shape[0]), cell)
        loaded.matrix, loaded.obs = loaded.matrix[kept], loaded.obs.iloc[kept]
        if loaded.hashtags is not None:
            loaded.hashtags = loaded.hashtags.iloc[kept]


def _sum_of_columns(matrix: csr_matrix) -> int | None:
    """The column that is the sum of all others, in every row."""
    by_row, by_column = (
        np.asarray(matrix.sum(axis=axis, dtype=np.float64)).ravel() for axis in (1, 0)
    )
    total = by_row.sum()
    for column in np.flatnonzero(2 * by_column == total).tolist() if total else ():
        if np.array_equal(2 * matrix[:, [column]].toarray().ravel(), by_row):
            return int(column)
    return None


def _set_share(loaded: Loaded, spike: np.ndarray, counted: np.ndarray) -> None:
    """Set the percentage of spike-ins among the counts of genes and spike-ins."""
    spikes, totals = (
        np.asarray(loaded.matrix[:, np.flatnonzero(mask)].sum(axis=1, dtype=np.float64)).ravel()
        for mask in (spike, counted)
    )
    share = np.divide(100 * spikes, totals, out=np.zeros_like(totals), where=totals > 0)
    if SPIKE_INS in loaded.obs.columns:
        loaded.notes.append(f"cell metadata column {SPIKE_INS!r} was replaced")
    loaded.obs = loaded.obs.assign(**{SPIKE_INS: share})
    loaded.notes.append(
        f"{int(spike.sum())} spike-ins were left out of the genes; their share of the counts "
        f"({share.mean():.1f} % on average) is in cell metadata column {SPIKE_INS!r}"
    )
