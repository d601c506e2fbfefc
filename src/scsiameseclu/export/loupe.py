"""Tables that Loupe Browser imports: clusters and a projection, by barcode."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from scsiameseclu.store.atomic import write_text

CATEGORIES = {
    "siamese": "Cluster",
    "cell_type_predicted": "Cell type",
    "siamese_coarse": "Coarse cluster",
    "siamese_fine": "Fine cluster",
}


def write_loupe(directory: Path, obs: pd.DataFrame, umap: np.ndarray, separator: str) -> None:
    """Write ``clusters.csv`` and ``umap.csv``; of a cohort, a pair per sample.

    Parameters
    ----------
    directory
        Folder to write to.
    obs
        Cells, with the columns of the pipeline; of a cohort, their names are the sample's, followed
        by ``separator`` and the barcode.
    umap
        Coordinates, (n_cells, 2).
    separator
        Between sample and barcode; empty for a single sample.
    """
    names = pd.Index(obs.index.astype(str))
    if not separator:
        _write(directory, "", names, obs, umap)
        return
    for sample in obs["sample"].astype(str).unique():
        inside = (obs["sample"].astype(str) == sample).to_numpy()
        barcodes = names[inside].str.removeprefix(f"{sample}{separator}")
        _write(directory, f"{sample}_", barcodes, obs[inside], umap[inside])


def _write(
    directory: Path, prefix: str, barcodes: pd.Index, obs: pd.DataFrame, umap: np.ndarray
) -> None:
    clusters = pd.DataFrame({"Barcode": barcodes})
    for column, title in CATEGORIES.items():
        if column in obs:
            clusters[title] = obs[column].astype(str).to_numpy()
    places = pd.DataFrame({"Barcode": barcodes, "X Coordinate": umap[:, 0]})
    places["Y Coordinate"] = umap[:, 1]
    for name, table in (("clusters", clusters), ("umap", places)):
        text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        write_text(directory / f"{prefix}{name}.csv", text)
