"""Comparison of conditions, with the replicate as the unit."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import anndata as ad
import pandas as pd
import scipy.sparse as sp

from scsiameseclu._inputs import clusters_of
from scsiameseclu.cohort.composition import compare_composition, count_cells
from scsiameseclu.cohort.pseudobulk import add_counts, compare_expression
from scsiameseclu.cohort.replicates import Replicates, replicates_of
from scsiameseclu.preprocess.matrices import check_unique, find_counts
from scsiameseclu.settings import ConditionSettings

log = logging.getLogger(__name__)
BLOCK_CELLS = 20_000


def composition(
    adata: ad.AnnData,
    sample_key: str,
    condition_key: str,
    *,
    groupby: str = "siamese",
    donor_key: str | None = None,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    min_cells: int = ConditionSettings.min_cells,
) -> pd.DataFrame:
    """Compare the abundance of clusters or cell types between conditions.

    The unit is the replicate: the samples of one donor in one condition, or each sample. Counts are
    compared as centred log-ratios by a linear model with moderated variances, relative to the
    typical group, so that the growth of one group is not a decrease of all others.

    Parameters
    ----------
    adata
        Cells of several samples.
    sample_key, condition_key
        Columns of ``obs`` with the sample and its condition. Samples without a condition are left
        out.
    groupby
        Column of ``obs`` with clusters or types.
    donor_key
        Column of ``obs`` with the donor. Donors in several conditions are blocks of the design.
    covariates
        Columns of ``obs`` to adjust for, constant within each sample, such as a batch. Numbers are
        used as such.
    reference
        Condition that the others are compared with; by default one named ``control``, ``healthy``
        or similar, otherwise the first in alphabetical order.
    min_cells
        Groups with fewer cells are not tested.

    Returns
    -------
    One row per group and condition: ``group``, ``condition``, ``reference``, the numbers of
    replicates ``n_condition`` and ``n_reference``, ``n_cells``; mean shares ``share`` and
    ``share_reference`` with their ``difference`` and ``log2_ratio``; the estimate ``log2_change``
    with its 95 % interval (``low``, ``high``), ``t``, ``df``, ``p_value`` and ``adjusted_p``
    (Benjamini and Hochberg); and ``reason``, why a group is not tested.

    Raises
    ------
    UserError
        A column does not exist or varies within a sample, or there are no two conditions.

    Examples
    --------
    >>> import numpy as np
    >>> import scsiameseclu as ssc
    >>> adata = ssc.datasets.pbmc()
    >>> adata.obs["mouse"] = np.arange(700) % 6  # a made cohort without any difference
    >>> adata.obs["diet"] = np.where(adata.obs["mouse"] < 3, "control", "fat")
    >>> table = ssc.tl.composition(adata, "mouse", "diet", groupby="bulk_labels")
    >>> bool((table["adjusted_p"].dropna() > 0.05).all())
    True
    """
    groups = clusters_of(adata, groupby)
    replicates = _replicates(adata, sample_key, condition_key, donor_key, covariates, reference)
    table, design = compare_composition(
        replicates, count_cells(replicates, groups), min_cells=min_cells
    )
    for sentence in design.notes:
        log.warning("%s", sentence)
    return table


def pseudobulk(
    adata: ad.AnnData,
    sample_key: str,
    condition_key: str,
    *,
    groupby: str = "siamese",
    donor_key: str | None = None,
    covariates: Sequence[str] = (),
    reference: str | None = None,
    layer: str | None = None,
    min_cells: int = ConditionSettings.min_cells,
) -> pd.DataFrame:
    """Compare gene expression between conditions, within clusters or cell types.

    The counts of all cells of a replicate and a group are added, and the sums are tested with
    DESeq2's model in PyDESeq2; p-values are of t distributions, since the dispersions are estimated
    from few replicates. The unit is the replicate, as in
    :func:`scsiameseclu.tl.composition`.

    Parameters
    ----------
    adata
        Raw counts of the cells of several samples.
    sample_key, condition_key, groupby, donor_key, covariates, reference
        See :func:`scsiameseclu.tl.composition`.
    layer
        Layer of the counts; by default ``layers["counts"]`` if it exists, otherwise ``X``.
    min_cells
        Replicates with fewer cells of a group do not take part in its tests; a condition needs two
        replicates.

    Returns
    -------
    One row per tested gene, group and condition, most significant first: ``group``, ``condition``,
    ``reference``, ``gene``, and DESeq2's ``baseMean``, ``log2FoldChange``, ``lfcSE``, ``pvalue``
    and ``padj`` (adjusted within group and condition; NaN for genes with outliers or too low
    counts). ``attrs["summary"]`` is a table of all groups: numbers of replicates and genes, or the
    reason why a group is not tested.

    Raises
    ------
    UserError
        A column does not exist or varies within a sample, there are no two conditions, or no
        counts.

    Examples
    --------
    >>> import numpy as np
    >>> import scsiameseclu as ssc
    >>> adata = ssc.datasets.pbmc()
    >>> adata.obs["mouse"] = np.arange(700) % 4  # a made cohort without any difference
    >>> adata.obs["diet"] = np.where(adata.obs["mouse"] < 2, "control", "fat")
    >>> cells = adata[adata.obs["bulk_labels"] == "CD19+ B"].copy()
    >>> table = ssc.tl.pseudobulk(cells, "mouse", "diet", groupby="bulk_labels")
    >>> table.columns[3:].tolist()
    ['gene', 'baseMean', 'log2FoldChange', 'lfcSE', 'pvalue', 'padj']
    >>> table.attrs["summary"][["group", "n_condition", "n_reference"]].values.tolist()
    [['CD19+ B', 2, 2]]
    """
    groups = clusters_of(adata, groupby)
    check_unique(adata.var_names)
    counts = find_counts(adata, layer)
    replicates = _replicates(adata, sample_key, condition_key, donor_key, covariates, reference)
    sums = add_counts(_blocks(counts), replicates, groups, adata.var_names)
    table, summary, notes = compare_expression(replicates, sums, min_cells=min_cells)
    for sentence in notes:
        log.warning("%s", sentence)
    table.attrs["summary"] = summary
    return table


def _replicates(
    adata: ad.AnnData,
    sample_key: str,
    condition_key: str,
    donor_key: str | None,
    covariates: Sequence[str],
    reference: str | None,
) -> Replicates:
    replicates = replicates_of(
        adata.obs,
        sample_key=sample_key,
        condition_key=condition_key,
        donor_key=donor_key,
        covariates=[covariates] if isinstance(covariates, str) else list(covariates),
        reference=reference,
    )
    for sentence in replicates.notes:
        log.warning("%s", sentence)
    return replicates


def _blocks(counts: sp.csr_matrix) -> Iterator[sp.csr_matrix]:
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        yield counts[first : first + BLOCK_CELLS]
