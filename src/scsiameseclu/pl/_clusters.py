"""Plots of the slots that a clustering sets."""

from __future__ import annotations

import anndata as ad
import numpy as np
from matplotlib.axes import Axes

from scsiameseclu._inputs import CLUSTERING, clusters_of, slot_of
from scsiameseclu.errors import UserError
from scsiameseclu.palette import colour
from scsiameseclu.pl._axes import new_axes
from scsiameseclu.plotting.clusters import draw_confidence, draw_evidence, draw_stability
from scsiameseclu.plotting.inks import Inks

ROW_HEIGHT = 0.24


def evidence(adata: ad.AnnData, *, key: str = "siamese", ax: Axes | None = None) -> Axes:
    """Score of each number of clusters that was tried, with the chosen one marked.

    Parameters
    ----------
    adata
        With ``uns["siamese"]``.
    key
        The ``key_added`` of :func:`scsiameseclu.tl.cluster`.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    UserError
        There is no clustering.
    """
    record = slot_of(adata, key, CLUSTERING, "evidence", "n_clusters")
    tried = record["evidence"]
    ax = new_axes(4.6, 2.8) if ax is None else ax
    k, score = np.asarray(tried["k"]).tolist(), np.asarray(tried["score"]).tolist()
    draw_evidence(ax, k, score, int(record["n_clusters"]), Inks())
    return ax


def confidence(adata: ad.AnnData, *, key: str = "siamese", ax: Axes | None = None) -> Axes:
    """Spread of the cells' confidence within each cluster.

    The line spans 5 to 95 % of the cells and the bar the middle half; the tick is the median and
    the diamond the mean.

    Parameters
    ----------
    adata
        With ``obs["siamese"]`` and ``obs["siamese_confidence"]``.
    key
        The ``key_added`` of :func:`scsiameseclu.tl.cluster`.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    UserError
        There is no clustering.
    """
    if f"{key}_confidence" not in adata.obs:
        raise UserError(f"adata.obs has no '{key}_confidence'; call {CLUSTERING} first")
    clusters = clusters_of(adata, key)
    values = adata.obs[f"{key}_confidence"].to_numpy(dtype=float)
    names = list(clusters.cat.categories)
    groups = [values[(clusters == name).to_numpy()] for name in names]
    ax = new_axes(3.4, 1.0 + ROW_HEIGHT * len(names)) if ax is None else ax
    draw_confidence(ax, names, groups, _colours(adata, key, names), Inks())
    return ax


def stability(adata: ad.AnnData, *, key: str = "siamese", ax: Axes | None = None) -> Axes:
    """Stability of each cluster: its mean best Jaccard index over the ensemble's clusterings.

    Parameters
    ----------
    adata
        With ``uns["siamese"]``.
    key
        The ``key_added`` of :func:`scsiameseclu.tl.cluster`.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    UserError
        There is no clustering.
    """
    values = np.asarray(slot_of(adata, key, CLUSTERING, "stability")["stability"], dtype=float)
    names = [str(number) for number in range(len(values))]
    ax = new_axes(3.4, 1.0 + ROW_HEIGHT * len(names)) if ax is None else ax
    draw_stability(ax, names, values.tolist(), _colours(adata, key, names), Inks())
    return ax


def _colours(adata: ad.AnnData, key: str, names: list[str]) -> list[str]:
    """The clusters' colours in ``uns``, as scanpy uses them, else those of the palette."""
    given = [str(value) for value in adata.uns.get(f"{key}_colors", ())]
    return given if len(given) == len(names) else [colour(row) for row in range(len(names))]
