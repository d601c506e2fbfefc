"""Loom files: a dense genes x cells matrix, read in blocks straight into a sparse one."""

from __future__ import annotations

from pathlib import Path

import h5py
import pandas as pd

from scsiameseclu.genes.names import genes_of_table
from scsiameseclu.io.blocks import as_strings, dense_to_csr, numbered
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import describe

CELL_NAMES = ("CellID", "obs_names", "cell_id", "cell_names", "barcode", "Barcode")
GENE_NAMES = ("var_names", "Gene", "gene", "GeneName", "gene_names", "Symbol", "Accession")


def load_loom(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read a loom file's matrix, or the layer that the request names.

    Raises
    ------
    UserError
        The layer named does not exist.
    """
    with h5py.File(path, "r") as file:
        layers = sorted(file["layers"]) if "layers" in file else []
        dataset = file["matrix"]
        if request.layer is not None:
            if request.layer not in layers:
                raise origin.error(f"has no layer {request.layer!r}; it has: {list_names(layers)}")
            dataset = file["layers"][request.layer]
        matrix = dense_to_csr(dataset, cells_in_rows=False)
        cells, left_out = _attributes(file["col_attrs"], matrix.shape[0])
        genes, _ = _attributes(file["row_attrs"], matrix.shape[1])
    notes = [f"loom, {f'layer {request.layer}' if request.layer else 'the main matrix'}"]
    if left_out:
        notes.append(f"column attributes of several columns were left out: {list_names(left_out)}")
    if not _take_names(cells, CELL_NAMES):
        cells.index = numbered("cell", len(cells))
        notes.append("cells have no names and were numbered")
    if not _take_names(genes, GENE_NAMES):
        genes.index = numbered("gene", len(genes))
        notes.append("genes have no names and were numbered")
    var, told, warnings = genes_of_table(genes)
    return Loaded(
        matrix=matrix,
        obs=cells,
        var=var,
        format="loom",
        files=[path],
        values=describe(matrix),
        notes=[*notes, *told],
        warnings=warnings,
        place=f"layer {request.layer} of" if request.layer else "",
    )


def _attributes(group: h5py.Group, length: int) -> tuple[pd.DataFrame, list[str]]:
    """Attributes of one value per cell (or gene) as a table, and the names of the others."""
    columns, left_out = {}, []
    for name in sorted(group):
        values = group[name][()]
        if values.size != length or values.shape[0] != length:
            left_out.append(name)
        else:
            columns[name] = as_strings(values) if values.dtype.kind in "SO" else values.ravel()
    return pd.DataFrame(columns, index=pd.RangeIndex(length)), left_out


def _take_names(table: pd.DataFrame, known: tuple[str, ...]) -> bool:
    """Make the first column of a known name the index."""
    column = next((name for name in known if name in table), None)
    if column is None:
        return False
    table.index = table.pop(column).astype(str).to_numpy(dtype=object)
    return True
