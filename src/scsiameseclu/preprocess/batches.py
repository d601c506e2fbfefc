"""Batches of cells, from a column of ``obs``."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names
from scsiameseclu.io.obs import missing_labels

UNKNOWN_CAPTURE = "unknown"
BATCH = "batch"


def batches_of(adata: ad.AnnData, batch_key: str | None) -> pd.Series | None:
    """The batch of each cell as text categories without unused ones.

    Parameters
    ----------
    batch_key
        Column of ``adata.obs``, or None for no batches.

    Returns
    -------
    Categorical Series indexed by cell name, or None.

    Raises
    ------
    UserError
        The column does not exist, or has missing values.
    """
    if batch_key is None:
        return None
    if batch_key not in adata.obs:
        raise UserError(
            f"adata.obs has no column {batch_key!r} (batch_key); available: "
            f"{list_names(adata.obs.columns)}"
        )
    column = adata.obs[batch_key]
    missing = int(column.isna().sum())
    if missing:
        raise UserError(
            f"{missing} of {adata.n_obs} cells have no batch in adata.obs[{batch_key!r}]; assign "
            "them a batch or remove them"
        )
    return column.astype(str).astype("category")


def captures_of(adata: ad.AnnData, capture_key: str) -> pd.Series:
    """The capture of each cell as text categories; cells without one are in ``"unknown"``.

    Parameters
    ----------
    capture_key
        Column of ``adata.obs``.

    Raises
    ------
    UserError
        The column does not exist.
    """
    if capture_key not in adata.obs:
        raise UserError(
            f"adata.obs has no column {capture_key!r} (capture_key); available: "
            f"{list_names(adata.obs.columns)}"
        )
    column = adata.obs[capture_key]
    missing = missing_labels(column)
    return column.astype(object).mask(missing, UNKNOWN_CAPTURE).astype(str).astype("category")


def capture_names(adata: ad.AnnData) -> np.ndarray:
    """Names of the captures of ingested cells, or of their batches without captures, (n_cells,).

    Batches that are the hashtags of one capture are no captures.

    Parameters
    ----------
    adata
        Cells with ``uns["source"]``, which names the column of the captures, if there is one.
    """
    column = adata.uns["source"].get("capture")
    if column is not None:
        return np.asarray(captures_of(adata, column), dtype=str)
    batches = np.asarray(batches_of(adata, BATCH), dtype=str)
    hashtags = "hashtags" in adata.uns and np.asarray(adata.obs["hashtag"], dtype=str)
    return np.full(adata.n_obs, "") if np.array_equal(batches, hashtags) else batches
