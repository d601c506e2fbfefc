"""Plot of the droplets among which cells were called."""

from __future__ import annotations

import anndata as ad
from matplotlib.axes import Axes

from scsiameseclu._inputs import slot_of
from scsiameseclu.pl._axes import new_axes
from scsiameseclu.plotting.inks import Inks
from scsiameseclu.plotting.ranks import draw_barcode_ranks

CALLING = "scsiameseclu.pp.call_cells(adata)"


def barcode_ranks(adata: ad.AnnData, *, ax: Axes | None = None) -> Axes:
    """Barcode rank plot: total counts of each barcode by rank, with knee and inflection.

    Coloured points are ranks at which most barcodes were called cells; grey ones are empty
    droplets.

    Parameters
    ----------
    adata
        With ``uns["droplets"]``.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    UserError
        No cells were called.
    """
    summary = slot_of(adata, "droplets", CALLING, "curve", "knee", "inflection")
    ax = new_axes(4.6, 3.2) if ax is None else ax
    draw_barcode_ranks(ax, summary, Inks())
    return ax
