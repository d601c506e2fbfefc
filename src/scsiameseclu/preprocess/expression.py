"""From counts to principal components: size factors, log-normalisation, variable genes, PCA.

All matrices stay sparse: scaling to unit variance preserves zeros, and the PCA centres implicitly.
"""

from __future__ import annotations

import logging
import warnings

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import incr_mean_variance_axis, mean_variance_axis

from scsiameseclu.errors import UserError
from scsiameseclu.limits import BLOCK_VALUES
from scsiameseclu.one_thread import one_thread
from scsiameseclu.settings import ExpressionSettings

log = logging.getLogger(__name__)

Moments = tuple[np.ndarray, np.ndarray]
"""Mean and variance of each gene, (n_genes,)."""

MIN_BATCH_CELLS = 50
"""Minimum number of cells per batch for variable genes to be selected within batches."""
BATCH = "_batch"
N_BINS, MIN_MEAN = 20, 1e-12
"""Number of bins of mean expression in which dispersions are standardised, and the mean of a gene
without counts."""
BLOCK_CELLS = 20_000
"""Number of cells whose values are in double precision at once."""


def log_normalise(counts: sp.csr_matrix) -> tuple[sp.csr_matrix, np.ndarray]:
    """Divide the counts of each cell by its size factor and apply ``log(1 + x)``.

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).

    Returns
    -------
    values : csr_matrix
        Log-normalised values, float32; shares its indices with ``counts``.
    size_factors : np.ndarray
        Total count of each cell divided by the median total of non-empty cells, (n_cells,).
    """
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    size_factors = np.where(totals > 0, totals / median_total(counts), 1.0)
    return divide_and_log(counts, size_factors), size_factors.astype(np.float32)


def median_total(counts: sp.csr_matrix) -> float:
    """Median total count of the non-empty cells, which corresponds to a size factor of 1."""
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    return float(np.median(totals[totals > 0])) if (totals > 0).any() else 1.0


def divide_and_log(counts: sp.csr_matrix, size_factors: np.ndarray) -> sp.csr_matrix:
    """Compute ``log(1 + counts / size factor)`` in double precision, block by block.

    The result is float32 and shares its indices with ``counts``.
    """
    values = np.empty(counts.data.size, dtype=np.float32)
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        last = min(first + BLOCK_CELLS, counts.shape[0])
        part = slice(counts.indptr[first], counts.indptr[last])
        lengths = np.diff(counts.indptr[first : last + 1])
        factors = np.repeat(1.0 / size_factors[first:last], lengths)
        values[part] = np.log1p(factors * counts.data[part])
    return sp.csr_matrix((values, counts.indices, counts.indptr), counts.shape)


def choose_variable_genes(
    adata: ad.AnnData,
    settings: ExpressionSettings,
    batches: pd.Series | None = None,
    moments: Moments | None = None,
) -> None:
    """Select highly variable genes by their dispersion, as scanpy does (Satija et al. 2015).

    If there are at most ``n_top_genes`` genes, all genes that vary are selected.

    Parameters
    ----------
    adata
        AnnData with log-normalised ``X``.
    settings
        ``n_top_genes``.
    batches
        Categorical batch of each cell. Genes are selected within batches if there are at least two
        batches, each with at least 50 cells.
    moments
        :func:`gene_moments` of X, if they are known.

    Returns
    -------
    None. Sets the following field:

    ``adata.var["highly_variable"]``
        Mask of the selected genes.
    """
    _, variances = moments or gene_moments(adata.X)
    if adata.n_vars <= settings.n_top_genes or not (variances > 0).any():
        adata.var["highly_variable"] = variances > 0
    elif batches is not None and _large_enough(batches):
        _choose_within_batches(adata, settings.n_top_genes, batches)
        adata.var["highly_variable"] &= variances > 0
    else:
        dispersions = normalised_dispersions(*gene_moments(adata.X, linear=True))
        known = np.sort(dispersions[~np.isnan(dispersions)])[-settings.n_top_genes :]
        chosen = variances > 0
        if known.size:  # none if all genes of each bin have the same dispersion
            chosen &= dispersions >= known[0]
        adata.var["highly_variable"] = chosen


def _choose_within_batches(adata: ad.AnnData, n_top_genes: int, batches: pd.Series) -> None:
    import scanpy as sc

    adata.obs[BATCH] = batches
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.highly_variable_genes(adata, n_top_genes=n_top_genes, batch_key=BATCH)
    del adata.obs[BATCH]


def normalised_dispersions(mean: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Log dispersions of genes, standardised among genes of similar mean expression.

    Satija et al. (2015), doi:10.1038/nbt.3192, as ``scanpy.pp.highly_variable_genes`` with
    ``flavor="seurat"``, which copies the whole matrix to compute the moments: the dispersion of a
    gene is :math:`\\log(s^2 / m)`, and its mean and standard deviation are those of the genes in
    the same one of 20 bins of :math:`\\log(1 + m)`. A gene alone in its bin has the value 1.

    Parameters
    ----------
    mean, variance
        Moments of the normalised counts, not of their logarithms, each (n_genes,).

    Returns
    -------
    (n_genes,); NaN for genes that do not vary.
    """
    positive = np.maximum(mean, MIN_MEAN)
    with np.errstate(divide="ignore"):
        dispersion = pd.Series(np.log(variance / positive)).replace(-np.inf, np.nan)
    within = dispersion.groupby(pd.cut(np.log1p(positive), N_BINS), observed=True)
    centre, deviation = within.transform("mean"), within.transform("std")
    alone = deviation.isna()
    deviation = deviation.where(~alone, centre)
    return ((dispersion - centre.where(~alone, 0.0)) / deviation).to_numpy()


def _large_enough(batches: pd.Series) -> bool:
    """Whether genes can be selected within batches; warns if a batch is too small."""
    sizes = batches.cat.remove_unused_categories().value_counts()
    if len(sizes) > 1 and sizes.min() < MIN_BATCH_CELLS:
        log.warning(
            "variable genes are selected across batches, not within: batch %s has %d cells, fewer "
            "than %d",
            sizes.index[-1],
            sizes.min(),
            MIN_BATCH_CELLS,
        )
    return len(sizes) > 1 and int(sizes.min()) >= MIN_BATCH_CELLS


def gene_moments(matrix: sp.csr_matrix, *, linear: bool = False) -> Moments:
    """Mean and unbiased variance of each gene, each (n_genes,), block by block.

    Parameters
    ----------
    matrix
        (n_cells, n_genes).
    linear
        Whether ``matrix`` is logarithmic, and the moments are those of ``exp(x) - 1``.
    """
    n_cells = matrix.shape[0]
    mean, variance = mean_variance_axis(_double(matrix[:BLOCK_CELLS], linear), axis=0)
    seen = np.full(matrix.shape[1], float(min(BLOCK_CELLS, n_cells)))
    for first in range(BLOCK_CELLS, n_cells, BLOCK_CELLS):
        mean, variance, seen = incr_mean_variance_axis(
            _double(matrix[first : first + BLOCK_CELLS], linear),
            axis=0,
            last_mean=mean,
            last_var=variance,
            last_n=seen,
        )
    return mean, variance * n_cells / max(n_cells - 1, 1)


def _double(matrix: sp.csr_matrix, linear: bool) -> sp.csr_matrix:
    block = sp.csr_matrix(matrix, dtype=np.float64)
    return block.expm1() if linear else block


def scale_sparse(
    matrix: sp.csr_matrix,
    mean: np.ndarray,
    deviation: np.ndarray,
    max_value: float,
    *,
    copy: bool = True,
) -> sp.csr_matrix:
    """Divide genes by their standard deviation, with the clipping of centred scaling.

    A value ``x`` with ``(x - mean) / deviation > max_value`` becomes
    ``max_value + mean / deviation``. Subtracting ``mean / deviation`` from the result gives that of
    ``scanpy.pp.scale(max_value=...)``, but zeros remain zero and the matrix sparse. Without a copy,
    ``matrix`` is overwritten.
    """
    scaled = sp.csr_matrix(matrix, dtype=np.float32, copy=copy)
    highest = max_value + mean / deviation
    for first in range(0, scaled.nnz, BLOCK_VALUES):
        part = slice(first, first + BLOCK_VALUES)
        genes = scaled.indices[part]
        scaled.data[part] = np.minimum(scaled.data[part] / deviation[genes], highest[genes])
    return scaled


@one_thread()
def principal_components(
    adata: ad.AnnData, settings: ExpressionSettings, seed: int, moments: Moments | None = None
) -> None:
    """Compute principal components of the scaled variable genes.

    The number of components is at most the number of cells or variable genes, minus one.

    Parameters
    ----------
    adata
        AnnData with log-normalised ``X`` and ``var["highly_variable"]``.
    settings
        ``n_pcs`` and ``max_value``.
    seed
        Seed for the PCA.
    moments
        :func:`gene_moments` of X, if they are known.

    Returns
    -------
    None. Sets the following fields:

    ``adata.obsm["X_pca"]``
        Scores, (n_cells, n_pcs).
    ``adata.var["pca_mean"]``, ``adata.var["pca_deviation"]``
        The scaling of the genes; ``var["mean"]`` would be overwritten by ``scanpy.pp.scale``.
    ``adata.varm["PCs"]``
        Loadings, (n_genes, n_pcs); 0 for genes that are not variable.
    ``adata.uns["pca"]``
        ``variance_ratio``, ``params`` and ``centre``.
    """
    import scanpy as sc

    mean, variance = moments or gene_moments(adata.X)
    deviation = np.sqrt(variance)
    deviation[deviation == 0] = 1.0
    adata.var["pca_mean"], adata.var["pca_deviation"] = mean, deviation
    chosen = adata.var["highly_variable"].to_numpy()
    genes = sp.csr_matrix(adata.X[:, chosen])  # a copy already
    scaled = scale_sparse(genes, mean[chosen], deviation[chosen], settings.max_value, copy=False)
    n_pcs = min(settings.n_pcs, min(scaled.shape) - 1)
    if n_pcs < 1:
        raise UserError("only one gene varies between the cells; give counts of more genes")
    scores, loadings, ratio, _ = sc.pp.pca(
        scaled, n_comps=n_pcs, random_state=seed, return_info=True, dtype="float32"
    )
    adata.obsm["X_pca"] = np.ascontiguousarray(scores, dtype=np.float32)
    adata.varm["PCs"] = np.zeros((adata.n_vars, n_pcs), dtype=np.float32)
    adata.varm["PCs"][chosen] = loadings.T
    adata.uns["pca"] = {"variance_ratio": ratio, "params": {"max_value": settings.max_value}}
    # scores of a cell with mean expression, subtracted from projections of new cells
    centre = gene_moments(scaled)[0] @ loadings.T
    adata.uns["pca"]["centre"] = centre.astype(np.float32)


def project(
    matrix: sp.csr_matrix,
    mean: np.ndarray,
    deviation: np.ndarray,
    loadings: np.ndarray,
    centre: np.ndarray,
    max_value: float,
) -> np.ndarray:
    """Project new cells onto fitted components; scores are (n_cells, n_pcs).

    Parameters
    ----------
    matrix
        Log-normalised variable genes of the new cells, (n_cells, n_variable_genes).
    mean, deviation
        Fitted scaling of these genes.
    loadings
        (n_variable_genes, n_pcs).
    centre
        Scores of the mean of the fitted cells, (n_pcs,).
    max_value
        Fitted clipping value.
    """
    scaled = scale_sparse(matrix, mean, deviation, max_value)
    return np.asarray(scaled @ loadings - centre, dtype=np.float32)
