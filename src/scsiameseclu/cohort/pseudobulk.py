"""Differential expression between conditions, within clusters or types, by pseudobulk.

The counts of all cells of a replicate and a group are added, and the sums are tested by the
negative binomial model of DESeq2 (Love et al. 2014, doi:10.1186/s13059-014-0550-8) in its Python
implementation (Muzellec et al. 2023, doi:10.1093/bioinformatics/btad547). Its Wald statistics are
compared with t distributions, not with the normal one, since the dispersions are estimated from few
replicates; see :func:`degrees_of_freedom`.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from scipy import stats

from scsiameseclu.cohort.design import Design, design_of
from scsiameseclu.cohort.moderation import inverse_trigamma
from scsiameseclu.cohort.replicates import CONDITION, Replicates

COLUMNS = (
    *("group", "condition", "reference", "gene"),
    *("baseMean", "log2FoldChange", "lfcSE", "pvalue", "padj"),
)
"""Columns of the table of tests."""
SUMMARY_COLUMNS = (
    *("group", "condition", "reference", "n_condition", "n_reference"),
    *("n_genes", "n_up", "n_down", "design", "reason"),
)
"""Columns of the table of groups."""
MIN_COUNTS = 10
"""Smallest sum of the counts of a gene in a replicate that counts as expressed."""
MIN_VARIABLE_SHARE = 1e-3
"""Smallest share of the dispersion in the variance; below it, the normal distribution holds."""
MIN_GENES = 10
"""Smallest number of genes from which the trend of the dispersions is estimated."""


@dataclass(frozen=True)
class Pseudobulk:
    """Sums of counts over the cells of each group and replicate.

    Attributes
    ----------
    counts
        (n_groups, n_replicates, n_genes), float64 with integral values.
    cells
        Numbers of cells, (n_groups, n_replicates).
    groups, genes
        Names.
    """

    counts: np.ndarray
    cells: np.ndarray
    groups: list[str]
    genes: pd.Index


def add_counts(
    blocks: Iterable[sp.csr_matrix], replicates: Replicates, groups: pd.Series, genes: pd.Index
) -> Pseudobulk:
    """Add the counts of the cells of each group and replicate.

    Memory is one block and (n_groups, n_replicates, n_genes) numbers.

    Parameters
    ----------
    blocks
        Consecutive rows of the counts (n_cells, n_genes), such as those of
        :func:`scsiameseclu.store.files.read_blocks`.
    replicates
        The replicates.
    groups
        Cluster or type of each cell, a category, (n_cells,); cells without one are left out.
    genes
        Names of the genes, (n_genes,).
    """
    names, n_replicates = list(groups.cat.categories), len(replicates.table)
    codes = groups.cat.codes.to_numpy(int)
    pair = np.where((codes < 0) | (replicates.codes < 0), -1, codes * n_replicates)
    pair = np.where(pair < 0, -1, pair + replicates.codes)
    sums = np.zeros((len(names) * n_replicates, len(genes)))
    first = 0
    for block in blocks:
        of = pair[first : first + block.shape[0]]
        first += block.shape[0]
        cells = np.flatnonzero(of >= 0)
        shape = (len(sums), block.shape[0])
        members = sp.csr_matrix((np.ones(cells.size), (of[cells], cells)), shape)
        part = (members @ block).tocoo()
        np.add.at(sums, (part.row, part.col), part.data)
    if first != len(pair):
        raise ValueError(f"the blocks have {first} rows in total, but there are {len(pair)} cells")
    number = np.bincount(pair[pair >= 0], minlength=len(sums))
    return Pseudobulk(
        sums.reshape(len(names), n_replicates, len(genes)),
        number.reshape(len(names), n_replicates),
        [str(name) for name in names],
        pd.Index(genes),
    )


def compare_expression(
    replicates: Replicates, sums: Pseudobulk, *, min_cells: int = 10, fdr: float = 0.05
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Test every gene between conditions, group by group.

    Parameters
    ----------
    replicates
        The replicates.
    sums
        Sums by :func:`add_counts`.
    min_cells
        Replicates with fewer cells of a group do not take part in its tests.
    fdr
        False discovery rate for the numbers of genes, and for which DESeq2's filter of genes with
        low counts is optimised.

    Returns
    -------
    tests
        One row per tested gene, with :data:`COLUMNS`: mean of the normalised counts, log2 fold
        change against the reference with its standard error, p-value (NaN for genes with an
        outlier), and p-value adjusted within group and condition (NaN also for genes with too low
        counts).
    summary
        One row per group and condition, with :data:`SUMMARY_COLUMNS`: numbers of replicates, of
        tested genes and of genes with an adjusted p-value of at most ``fdr``, and why a group is
        not tested.
    notes
        Sentences about terms of the design that were left out.
    """
    tests, summary, notes = [], [], []
    for place, group in enumerate(sums.groups):
        enough = sums.cells[place] >= max(min_cells, 1)
        design = design_of(replicates, enough)
        counts = _expressed(sums, place, design, replicates)
        reason = ""
        if design.columns and counts.shape[1] < MIN_GENES:
            reason = (
                f"{counts.shape[1]} genes have at least {MIN_COUNTS} counts in as many replicates "
                f"as the smaller condition has; at least {MIN_GENES} are required"
            )
        tables = _deseq(counts, design, fdr) if design.columns and not reason else {}
        notes += [f"{group}: {note}" for note in design.notes]
        for condition in replicates.conditions[1:]:
            names = {"group": group, "condition": condition, "reference": replicates.reference}
            of = replicates.table[CONDITION].to_numpy()
            row = names | {
                "n_condition": int((enough & (of == condition)).sum()),
                "n_reference": int((enough & (of == replicates.reference)).sum()),
            }
            table = tables.get(condition)
            why = reason or _with_cells(design.untested.get(condition, ""), min_cells)
            summary.append(row | _outcome(table, design, fdr, why))
            if table is not None:
                tests.append(table.assign(**names)[list(COLUMNS)])
    empty = pd.DataFrame(columns=list(COLUMNS))
    return (
        pd.concat(tests, ignore_index=True) if tests else empty,
        pd.DataFrame(summary, columns=list(SUMMARY_COLUMNS)),
        list(dict.fromkeys(notes)),
    )


def _with_cells(reason: str, min_cells: int) -> str:
    """The reason of an untested condition, with the number of cells that a replicate needs."""
    return f"{reason} (replicates with at least {min_cells} cells count)" if reason else ""


def _outcome(table: pd.DataFrame | None, design: Design, fdr: float, reason: str) -> dict:
    if table is None:
        return {"n_genes": 0, "n_up": 0, "n_down": 0, "design": "", "reason": reason}
    significant = table["padj"] <= fdr
    return {
        "n_genes": len(table),
        "n_up": int((significant & (table["log2FoldChange"] > 0)).sum()),
        "n_down": int((significant & (table["log2FoldChange"] < 0)).sum()),
        "design": design.formula,
        "reason": "",
    }


def _expressed(
    sums: Pseudobulk, place: int, design: Design, replicates: Replicates
) -> pd.DataFrame:
    """Counts of the design's replicates, of genes expressed in enough of them.

    A gene needs :data:`MIN_COUNTS` counts in as many replicates as the smallest condition has, so
    that genes of one condition only are tested, too. The rule does not look at which replicates
    these are, hence it does not favour any outcome of the test.
    """
    counts = sums.counts[place][design.rows]
    conditions = replicates.table[CONDITION].iloc[design.rows]
    least = int(conditions.value_counts().min()) if len(conditions) else 0
    kept = (counts >= MIN_COUNTS).sum(axis=0) >= max(least, 1)
    names = replicates.table.index[design.rows]
    return pd.DataFrame(counts[:, kept].astype(np.int64), names, sums.genes[kept])


def _deseq(counts: pd.DataFrame, design: Design, fdr: float) -> dict[str, pd.DataFrame]:
    """DESeq2's Wald tests of every condition against the reference."""
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.default_inference import DefaultInference
    from pydeseq2.ds import DeseqStats

    names = [f"x{place}" for place in range(design.matrix.shape[1])]
    matrix = pd.DataFrame(design.matrix, counts.index, names)
    always = (counts > 0).all(axis=0).any()
    tables = {}
    with _quiet():
        inference = DefaultInference(n_cpus=1)
        data = DeseqDataSet(
            counts=counts,
            metadata=pd.DataFrame({"replicate": counts.index}, counts.index),
            design=matrix,
            size_factors_fit_type="ratio" if always else "poscounts",
            inference=inference,
            quiet=True,
        )
        data.deseq2()
        df = degrees_of_freedom(
            data.var["dispersions"].to_numpy(float),
            data.var["_normed_means"].to_numpy(float),
            prior_variance=float(data.uns["prior_disp_var"]),
            residual=len(counts) - len(names),
            unmoderated=data.var["_outlier_genes"].to_numpy(bool),
        )
        for condition, column in design.columns.items():
            contrast = np.zeros(len(names))
            contrast[column] = 1
            test = DeseqStats(data, contrast, alpha=fdr, inference=inference, quiet=True)
            test.run_wald_test()
            test.p_values[:] = 2 * stats.t.sf(np.abs(test.statistics), df)
            test.summary()  # filters and adjusts these p-values
            table = test.results_df.rename_axis("gene").reset_index()
            tables[condition] = table.sort_values(["pvalue", "gene"], kind="stable")
    return tables


def degrees_of_freedom(
    dispersion: np.ndarray,
    mean: np.ndarray,
    *,
    prior_variance: float,
    residual: int,
    unmoderated: np.ndarray,
) -> np.ndarray:
    r"""Degrees of freedom of the Wald statistics of genes.

    DESeq2 shrinks log dispersions towards a trend, around which they vary with the variance
    :math:`\sigma_d^2`. Like a moderated variance, such a dispersion has :math:`d_0 + d` degrees of
    freedom, with :math:`\psi'(d_0 / 2) = \sigma_d^2` and :math:`d` those of the residuals. It
    accounts for the share :math:`f = \alpha \mu / (1 + \alpha \mu)` of the variance of a count
    with mean :math:`\mu`; the rest is of the Poisson distribution and known. By Satterthwaite's
    approximation, the statistic has :math:`(d_0 + d) / f^2` degrees of freedom.

    Parameters
    ----------
    dispersion, mean
        Dispersion :math:`\alpha` and mean normalised count :math:`\mu`, (n_genes,).
    prior_variance
        :math:`\sigma_d^2`.
    residual
        :math:`d`.
    unmoderated
        Genes whose dispersion is too far above the trend to be shrunken, (n_genes,).

    Examples
    --------
    >>> few, many = degrees_of_freedom(
    ...     np.array([0.1, 0.1]), np.array([10.0, 1e6]), prior_variance=0.25, residual=6,
    ...     unmoderated=np.array([False, False]),
    ... )
    >>> round(few), round(many)
    (60, 15)
    """
    prior = 2 * inverse_trigamma(prior_variance)
    df = residual + np.where(unmoderated, 0.0, prior)
    share = dispersion * mean / (1 + dispersion * mean)
    return np.asarray(df / np.maximum(share, MIN_VARIABLE_SHARE) ** 2)


@contextmanager
def _quiet() -> Iterator[None]:
    """Hide warnings about fits of single genes, which DESeq2 repeats with another optimiser."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
