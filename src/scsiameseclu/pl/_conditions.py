"""Plot of the composition of samples."""

from __future__ import annotations

import anndata as ad
from matplotlib.axes import Axes

from scsiameseclu._inputs import clusters_of
from scsiameseclu.cohort.composition import count_cells, shares_of
from scsiameseclu.cohort.replicates import CONDITION, replicates_of
from scsiameseclu.palette import colour
from scsiameseclu.pl._axes import new_axes
from scsiameseclu.plotting.conditions import composition_height, draw_composition
from scsiameseclu.plotting.inks import Inks
from scsiameseclu.plotting.markers import drawable

LINE = 64
"""Number of characters in a line of the legend."""


def composition(
    adata: ad.AnnData,
    sample_key: str,
    condition_key: str,
    *,
    groupby: str = "siamese",
    donor_key: str | None = None,
    reference: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Stacked bars of the shares of clusters or types in each replicate, grouped by condition.

    Parameters
    ----------
    adata
        Cells of several samples.
    sample_key, condition_key, groupby, donor_key, reference
        See :func:`scsiameseclu.tl.composition`.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    UserError
        A column does not exist or varies within a sample, or there are no two conditions.
    """
    groups = clusters_of(adata, groupby)
    replicates = replicates_of(
        adata.obs,
        sample_key=sample_key,
        condition_key=condition_key,
        donor_key=donor_key,
        reference=reference,
    )
    shares = shares_of(count_cells(replicates, groups)).fillna(0)
    conditions = replicates.table[CONDITION].tolist()
    given = [str(value) for value in adata.uns.get(f"{groupby}_colors", ())]
    names = [str(name) for name in shares]
    inks = given if len(given) == len(names) else [colour(place) for place in range(len(names))]
    ax = new_axes(6.4, composition_height(conditions)) if ax is None else ax
    draw_composition(ax, shares, conditions, inks, Inks())
    columns = max(1, min(6, LINE // (4 + max(map(len, names)))))
    keys = [ax.barh([0], [0], color=ink) for ink in inks]
    ax.legend(
        keys, [drawable(name) for name in names], title=groupby, frameon=False, fontsize=8,
        title_fontsize=8, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=columns,
    )  # fmt: skip
    return ax
