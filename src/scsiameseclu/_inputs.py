"""What the functions of pp, tl and pl read from an AnnData."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.io.loaded import list_names
from scsiameseclu.preprocess.matrices import log_normalised

CLUSTERING = "scsiameseclu.tl.cluster(adata)"
DEFAULT_KEY = "siamese"


def clusters_of(adata: ad.AnnData, groupby: str) -> pd.Series:
    """A column of clusters as categories of text, all of them in use.

    Raises
    ------
    UserError
        There is no such column, or cells without a cluster.
    """
    if groupby not in adata.obs:
        available = list_names(adata.obs.columns)
        advice = f"call {CLUSTERING} first; " if groupby == DEFAULT_KEY else ""
        raise UserError(
            f"adata.obs has no column {groupby!r} (groupby); {advice}available: {available}"
        )
    column = adata.obs[groupby]
    missing = int(column.isna().sum())
    if missing:
        raise UserError(
            f"{missing} of {adata.n_obs} cells have no cluster in adata.obs[{groupby!r}]; leave "
            "them out"
        )
    if not isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(str).astype("category")
    return column.cat.remove_unused_categories().cat.rename_categories(str)


def prior_of(obs: pd.DataFrame, key: str, clusters: str) -> np.ndarray:
    """A column with a partition of the cells by prior knowledge, as text, (n_cells,).

    Parameters
    ----------
    obs
        Table of the cells.
    key
        Name of the column.
    clusters
        Name of the column of the clusters, which is no prior for itself.

    Raises
    ------
    UserError
        The column does not exist, occurs twice, is made of the clusters, holds numbers with
        fractions, or has missing values, a single value, or one for each cell.
    """
    if not isinstance(key, str) or key not in obs:
        raise UserError(
            f"adata.obs has no column {key!r} (prior_key); call scsiameseclu.tl.annotate first, or "
            f"choose from: {list_names(obs.columns)}"
        )
    where = f"adata.obs[{key!r}] (prior_key)"
    if key == clusters or key.startswith(f"{clusters}_"):
        raise UserError(f"{where} is made of the clusters themselves; name prior knowledge")
    column = obs[key]
    if isinstance(column, pd.DataFrame):
        raise UserError(f"{where} occurs {column.shape[1]} times; rename one")
    if column.isna().any():
        raise UserError(
            f"{where} has no value for {int(column.isna().sum()):,} of {len(obs):,} cells; fill it"
        )
    if pd.api.types.is_float_dtype(column.dtype) or not 1 < column.nunique() < len(obs):
        raise UserError(
            f"{where} is no partition of the cells: it has {column.nunique():,} different values "
            f"({column.dtype}) for {len(obs):,} cells; name a column of cell types or groups"
        )
    return np.asarray(column.astype(str), dtype=str)


def expression_of(adata: ad.AnnData, layer: str | None) -> ad.AnnData:
    """Log-normalised expression with the names of the genes, sharing memory where possible.

    Returns
    -------
    ``X`` (CSR, float32), the columns of ``obs``, and ``gene_id`` and ``gene_symbol`` in ``var``.

    Raises
    ------
    UserError
        As of :func:`scsiameseclu.preprocess.matrices.log_normalised`.
    """
    genes = GeneNames.of(adata.var)
    var = pd.DataFrame({"gene_id": genes.ids, "gene_symbol": genes.symbols}, adata.var_names)
    return ad.AnnData(log_normalised(adata, layer), obs=adata.obs, var=var)


def plain_params(**params: Any) -> dict[str, Any]:
    """Parameters for ``uns[key]["params"]``: those that are None are left out."""
    return {name: value for name, value in params.items() if value is not None}


def slot_of(adata: ad.AnnData, key: str, maker: str, *needed: str) -> dict[str, Any]:
    """``adata.uns[key]``, or an error that names the function that sets it.

    Raises
    ------
    UserError
        There is no such slot, or it lacks an entry in ``needed``.
    """
    slot = adata.uns.get(key)
    if slot is None:
        raise UserError(f"adata.uns has no {key!r}; call {maker} first")
    if not isinstance(slot, Mapping) or not set(needed) <= set(slot):
        raise UserError(f"adata.uns[{key!r}] is not by {maker}; call it, or give another key")
    return dict(slot)


def check_seed(seed: object) -> int:
    """The seed as an integer.

    Raises
    ------
    UserError
        It is not a whole number from 0 to 2**32 - 1.
    """
    if not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise UserError(f"random_state is {seed!r}; it must be a whole number, 0 or more")
    return int(seed)


def check_key(key_added: object) -> None:
    """Check the name of the slots.

    Raises
    ------
    UserError
        It is not a text, or empty.
    """
    if not isinstance(key_added, str) or not key_added:
        raise UserError(f'key_added is {key_added!r}; it must be a name such as "siamese"')


def check_embedding_key(key_added: object, use_rep: str | None) -> None:
    """Check the name of the slots of an embedding computed from ``use_rep`` (``"X_pca"`` if None).

    Raises
    ------
    UserError
        It is not a text, or empty, or the embedding would replace that representation.
    """
    check_key(key_added)
    slot = f"X_{key_added}"
    if slot == (use_rep or "X_pca"):
        raise UserError(
            f'key_added="{key_added}" would replace adata.obsm["{slot}"], from which the embedding '
            "is computed; give another name"
        )
