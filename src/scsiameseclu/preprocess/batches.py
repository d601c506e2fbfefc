"""The batch of each cell, from a column of ``obs``."""

from __future__ import annotations

import anndata as ad
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names


def batches_of(adata: ad.AnnData, batch_key: str | None) -> pd.Series | None:
    """The batch of each cell as categories of text, all of them in use.

    Parameters
    ----------
    batch_key
        Column of ``adata.obs``, or None for no batches.

    Returns
    -------
    Series with the cells' names as index, or None.

    Raises
    ------
    UserError
        There is no such column, or cells have no batch in it.
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
            f"{missing} of {adata.n_obs} cells have no batch in adata.obs[{batch_key!r}]; give "
            "them a batch, or leave them out"
        )
    return column.astype(str).astype("category")
