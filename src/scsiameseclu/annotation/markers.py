"""Marker genes: Wilcoxon rank-sum of each cluster against all other cells."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import numpy as np
import pandas as pd
from scipy import stats

from scsiameseclu.annotation.profiles import ClusterProfile, cluster_profiles
from scsiameseclu.annotation.rank_sums import rank_sums
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


def find_markers(expression: ad.AnnData, clusters: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """Test every gene in every cluster.

    The test is that of ``scanpy.tl.rank_genes_groups`` with ``method="wilcoxon"`` and
    ``tie_correct=True``; see :class:`scsiameseclu.annotation.rank_sums.RankSums`.

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
    codes = pd.Categorical(clusters.astype(str), categories=profiles.clusters).codes
    assigned = codes >= 0
    values = expression.X if assigned.all() else expression.X[assigned]
    ranked = rank_sums(values, codes[assigned].astype(np.intp), len(profiles.clusters))
    z, auc = ranked.z, ranked.auc
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
        for i, name in enumerate(profiles.clusters)
        if name in tested
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
