"""Reader for the HDF5 files of deep-clustering papers: X (counts) and Y (labels)."""

from pathlib import Path

import h5py
import pandas as pd

from scsiameseclu.genes.names import gene_table
from scsiameseclu.io.blocks import dense_to_csr, numbered, strings
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import describe


def load_xy_h5(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read ``X``, and ``Y`` (if present) as ``obs["Y"]``.

    ``X`` has cells in rows unless only its columns are as many as the labels.
    """
    with h5py.File(path, "r") as file:
        n_labels = file["Y"].size if "Y" in file else None
        cells_in_rows = n_labels != file["X"].shape[-1] or n_labels == file["X"].shape[0]
        matrix = dense_to_csr(file["X"], cells_in_rows=cells_in_rows)
        obs = pd.DataFrame(index=pd.Index(numbered("cell", matrix.shape[0]), dtype=object))
        if "Y" in file:
            labels = strings(file["Y"])
            if labels.size != matrix.shape[0]:
                raise ValueError(f"Y has {labels.size} labels for {matrix.shape[0]} cells")
            obs["Y"] = labels
        others = sorted(set(file) - {"X", "Y"})
    var, _, warnings = gene_table(numbered("gene", matrix.shape[1]))
    notes = ["HDF5 with X and Y: cells and genes have no names and were numbered"]
    if not cells_in_rows:
        notes.append("X has as many columns as Y has labels: genes are in rows")
    if others:
        notes.append(f"not read: {list_names(others)}")
    return Loaded(
        matrix=matrix,
        obs=obs,
        var=var,
        format="xy_h5",
        files=[path],
        values=describe(matrix),
        notes=notes,
        warnings=warnings,
    )
