"""Synthetic cells of known clusters, in the shape that the stages exchange."""

from collections.abc import Mapping, Sequence

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

BASE, RAISED = 0.3, 4.0


def expressed(
    sizes: Mapping[str, int],
    raised: Mapping[str, Sequence[str]],
    genes: Sequence[str],
    seed: int = 0,
) -> ad.AnnData:
    """Log-normalised Poisson counts.

    Parameters
    ----------
    sizes
        Number of cells of each cluster, in the order of the cells; ``obs["cluster"]``.
    raised
        Genes that each cluster expresses more than the others.
    genes
        Symbols of all genes; their ids are ``gid0``, ``gid1``, …
    """
    names = np.repeat(list(sizes), list(sizes.values()))
    means = np.full((names.size, len(genes)), BASE)
    for cluster, high in raised.items():
        means[np.ix_(names == cluster, np.isin(genes, list(high)))] = RAISED
    counts = np.random.default_rng(seed).poisson(means)
    totals = np.maximum(counts.sum(axis=1, keepdims=True), 1)
    depth = totals / np.median(totals)
    adata = ad.AnnData(sp.csr_matrix(np.log1p(counts / depth).astype(np.float32)))
    adata.obs_names = [f"c{number}" for number in range(names.size)]
    adata.obs["cluster"] = pd.Categorical(names, categories=list(sizes))
    adata.var_names = list(genes)
    adata.var["gene_symbol"] = list(genes)
    adata.var["gene_id"] = [f"gid{number}" for number in range(len(genes))]
    return adata
