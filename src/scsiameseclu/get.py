"""Getters: tables from the slots of an AnnData."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
import pandas as pd

from scsiameseclu._inputs import clusters_of, slot_of
from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names

__all__ = ["markers_df"]


def markers_df(
    adata: ad.AnnData, group: str | Sequence[str] | None = None, *, key: str = "siamese_markers"
) -> pd.DataFrame:
    """Marker genes as a table.

    Parameters
    ----------
    adata
        With the slot that :func:`scsiameseclu.tl.markers` sets.
    group
        One or more clusters; all by default.
    key
        The ``key_added`` of :func:`scsiameseclu.tl.markers`.

    Returns
    -------
    One row per cluster and gene with the columns ``cluster``, ``rank``, ``gene``, ``gene_id``,
    ``score``, ``log2_fold_change``, ``pct_in``, ``pct_out``, ``auc``, ``p_value``, ``adjusted_p``
    and ``flag``.

    Raises
    ------
    UserError
        There are no markers, or no such cluster.
    """
    slot = slot_of(adata, key, "scsiameseclu.tl.markers(adata)", "table", "params")
    table: pd.DataFrame = slot["table"].reset_index(drop=True)
    if group is None:
        return table
    wanted = [str(name) for name in ([group] if isinstance(group, str | int) else group)]
    clusters = sorted(clusters_of(adata, slot["params"]["groupby"]).cat.categories)
    unknown = sorted(set(wanted) - set(clusters))
    if unknown:
        raise UserError(
            f"there is no cluster {list_names(unknown)}; available: {list_names(clusters)}"
        )
    return table[table["cluster"].isin(wanted)].reset_index(drop=True)
