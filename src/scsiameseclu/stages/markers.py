"""Find the marker genes of each cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scsiameseclu.settings import MarkerSettings
from scsiameseclu.store.manifest import CORRECT

if TYPE_CHECKING:
    import anndata as ad
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, *, settings: MarkerSettings) -> None:
    """Write ``markers_table`` (filtered), ``markers_full``, ``splits_table`` and ``markers``.

    ``splits_table`` contains the top genes of every split in the tree of clusters.

    With a single cluster, both tables consist of the header only. In runs that estimate ambient RNA
    without correcting it, they have the column ``ambient``: whether ambient RNA explains the
    marker. ``markers`` contains the warnings and the provenance of the stage.
    """
    from scsiameseclu.annotation.markers import filter_markers, find_markers

    cells = folder.read("expression", without=["layers", "varm"])
    clusters = folder.obs("clusters")["siamese"]
    table, notes = find_markers(cells, clusters)
    if folder.has("ambient") and CORRECT not in folder.features:
        table = _with_ambient(folder, table, cells, clusters, settings)
    folder.write_table("markers_full", table)
    folder.write_table("splits_table", _of_splits(folder, cells, settings))
    folder.write_table("markers_table", filter_markers(table, settings))
    folder.write(
        "markers",
        folder.cells,
        stage="markers",
        seed=None,
        settings=settings.to_dict(),
        warnings=notes,
    )


def _of_splits(folder: SampleFolder, cells: ad.AnnData, settings: MarkerSettings) -> pd.DataFrame:
    """Top genes of the splits of the tree of clusters."""
    import numpy as np

    from scsiameseclu.annotation.split_markers import split_markers

    tree = folder.uns("levels", "levels")
    return split_markers(
        cells.X,
        cells.var,
        folder.obs("levels")["leaf"].to_numpy(),
        np.asarray(tree["groups"]),
        [str(name) for name in tree["clusters"]],
        [str(name) for name in tree["leaves"]],
        settings,
    )


def _with_ambient(
    folder: SampleFolder,
    table: pd.DataFrame,
    cells: ad.AnnData,
    clusters: pd.Series,
    settings: MarkerSettings,
) -> pd.DataFrame:
    from scsiameseclu.annotation.ambient_markers import flag_ambient
    from scsiameseclu.store.align import positions
    from scsiameseclu.store.files import read_parts

    genes = read_parts(folder.path("ambient"), ["var"])["var"]
    rows = positions(genes.index, cells.var_names, "ambient.h5ad", "expression.h5ad")
    return flag_ambient(
        table,
        cells,
        clusters,
        profile=genes["ambient"].to_numpy(float)[rows],
        contamination=folder.obs("ambient")["contamination"].to_numpy(float),
        cell_total=float(cells.uns["median_total"]),
        min_log2_fold_change=settings.min_log2_fold_change,
    )
