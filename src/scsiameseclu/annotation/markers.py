"""Marker genes: Wilcoxon rank-sum of each cluster against all other cells."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
from scipy import stats
from scipy.sparse import csc_matrix

from scsiameseclu.annotation.profiles import ClusterProfile, cluster_profiles
from scsiameseclu.genes.gene_classes import ribosomal_genes
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.genes.organism import mitochondrial_genes
from scsiameseclu.settings import MarkerSettings

COLUMNS = [
    "cluster",
    "rank",
    "gene",
    "gene_id",
    "score",
    "log2_fold_change",
    "pct_in",
    "pct_out",
    "auc",
    "p_value",
    "adjusted_p",
    "flag",
]
PSEUDOCOUNT = 0.01
"""Added to both means of a fold change, in normalised counts, so that it stays finite."""
GENES_AT_ONCE = 2_000
"""Genes tested at once; the tests are independent, and this bounds memory."""


def find_markers(expression: ad.AnnData, clusters: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Test every gene in every cluster.

    Ranks come from ``scanpy.tl.rank_genes_groups`` (Wilcoxon); the correction of the variance for
    ties is applied here, once per gene. With :math:`R` the rank sum of a cluster of :math:`n` cells
    among :math:`N` and :math:`U = R - n(n+1)/2`, the area under the ROC curve is
    :math:`U / (n (N - n))` (Mann and Whitney 1947).

    Parameters
    ----------
    expression
        Log-normalised values in ``X`` (sparse). Genes are named as
        :meth:`scsiameseclu.genes.matching.GeneNames.of` says.
    clusters
        Categorical cluster of each cell, in the order of the cells.

    Returns
    -------
    table
        One row per cluster and gene, by decreasing ``score`` (z of the rank sum); ``pct_in`` and
        ``pct_out`` in percent; ``adjusted_p`` by Benjamini and Hochberg within the cluster;
        ``flag`` is ``"ribosomal"``, ``"mitochondrial"`` or empty. Empty if there is nothing to
        compare.
    warnings
        Clusters that were left out, and why.
    """
    profiles = cluster_profiles(expression.X, clusters)
    notes = []
    if len(profiles.clusters) < 2:
        notes.append("there is only one cluster, so there are no marker genes")
        return pd.DataFrame(columns=COLUMNS), notes
    pairs = list(zip(profiles.clusters, profiles.sizes, strict=True))
    single = [name for name, size in pairs if size < 2]
    if single:
        notes.append(f"there are no marker genes for clusters of one cell ({', '.join(single)})")
    tested = [name for name, size in pairs if size >= 2]
    if not tested:
        return pd.DataFrame(columns=COLUMNS), notes
    z, auc = _rank_sums(expression, clusters, tested)
    names = GeneNames.of(expression.var)
    genes = pd.DataFrame(
        {
            "gene": expression.var_names.astype(str),
            "gene_id": names.ids,
            "flag": gene_flags(names.symbols, names.ids),
        }
    )
    others = profiles.rest()
    parts = [
        _cluster_table(genes, name, z[i], auc[i], profiles.row(name), others.row(name))
        for i, name in enumerate(tested)
    ]
    return pd.concat(parts, ignore_index=True)[COLUMNS], notes


def filter_markers(table: pd.DataFrame, settings: MarkerSettings) -> pd.DataFrame:
    """The rows that pass the settings; ``rank`` stays that of the full table."""
    keep = (
        (table["adjusted_p"] <= settings.max_adjusted_p)
        & (table["log2_fold_change"] >= settings.min_log2_fold_change)
        & (table["pct_in"] >= settings.min_pct_in)
    )
    return table[keep]


def gene_flags(symbols: Sequence[str], ids: Sequence[str]) -> list[str]:
    """``"ribosomal"``, ``"mitochondrial"`` or ``""`` for each gene."""
    mitochondrial, _ = mitochondrial_genes(symbols, ids)
    return [
        "mitochondrial" if mito else "ribosomal" if ribo else ""
        for mito, ribo in zip(mitochondrial, ribosomal_genes(symbols), strict=True)
    ]


def tie_correction(x: csc_matrix) -> np.ndarray:
    """The factor by which ties shrink the variance of the rank sum, shape (n_genes,).

    :math:`T = 1 - \\sum_t (t^3 - t) / (N^3 - N)` over the groups of :math:`t` equal values; 0 for a
    constant gene. ``x`` holds no explicit zeros.
    """
    n_cells = float(x.shape[0])
    zeros = n_cells - np.diff(x.indptr)
    ties = zeros**3 - zeros
    for gene in range(x.shape[1]):
        values = x.data[x.indptr[gene] : x.indptr[gene + 1]]
        counts = np.unique(values, return_counts=True)[1].astype(float)
        ties[gene] += (counts**3 - counts).sum()
    factor: np.ndarray = np.clip(1 - ties / (n_cells**3 - n_cells), 0, None)
    return factor


def _rank_sums(
    expression: ad.AnnData, clusters: pd.Series, tested: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Tie-corrected z and AUC, each of shape (len(tested), n_genes)."""
    labels = clusters.astype(str).to_numpy()
    n_genes = expression.n_vars
    z, auc = np.zeros((2, len(tested), n_genes))
    for first in range(0, n_genes, GENES_AT_ONCE):
        genes = slice(first, min(first + GENES_AT_ONCE, n_genes))
        x = expression.X[:, genes].tocsc()
        x.eliminate_zeros()
        z[:, genes], auc[:, genes] = _rank_sums_of(x, labels, tested)
    return z, auc


def _rank_sums_of(
    x: csc_matrix, labels: np.ndarray, tested: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """z and AUC for some of the genes, each of shape (len(tested), n_genes)."""
    import scanpy as sc

    work = ad.AnnData(
        x,
        obs=pd.DataFrame(
            {"cluster": pd.Categorical(labels)}, index=[str(cell) for cell in range(len(labels))]
        ),
        var=pd.DataFrame(index=[str(gene) for gene in range(x.shape[1])]),
    )
    # scanpy's own tie correction repeats the same sorting for every cluster.
    sc.tl.rank_genes_groups(
        work, "cluster", groups=tested, method="wilcoxon", tie_correct=False, use_raw=False
    )
    ranked = work.uns["rank_genes_groups"]
    correction = tie_correction(x)
    z, auc = np.zeros((2, len(tested), x.shape[1]))
    for i, name in enumerate(tested):
        raw = np.zeros(x.shape[1])
        raw[ranked["names"][name].astype(int)] = ranked["scores"][name]
        inside = float((labels == name).sum())
        outside = len(labels) - inside
        deviation = np.sqrt(inside * outside * (len(labels) + 1) / 12)
        auc[i] = np.clip(0.5 + raw * deviation / (inside * outside), 0, 1)
        np.divide(raw, np.sqrt(correction), out=z[i], where=correction > 0)
    return z, auc


def _cluster_table(
    genes: pd.DataFrame,
    cluster: str,
    z: np.ndarray,
    auc: np.ndarray,
    inside: ClusterProfile,
    outside: ClusterProfile,
) -> pd.DataFrame:
    p = 2 * stats.norm.sf(np.abs(z))
    means = np.expm1(inside.mean), np.expm1(outside.mean)
    table = genes.assign(
        cluster=cluster,
        score=z,
        log2_fold_change=np.log2((means[0] + PSEUDOCOUNT) / (means[1] + PSEUDOCOUNT)),
        pct_in=100 * inside.share,
        pct_out=100 * outside.share,
        auc=auc,
        p_value=p,
        adjusted_p=stats.false_discovery_control(p),
    )
    # Equal scores are common among rare genes; sorting by name too makes the order reproducible.
    table = table.sort_values(["score", "gene"], ascending=[False, True], kind="stable")
    table.insert(1, "rank", np.arange(1, len(table) + 1))
    return table
