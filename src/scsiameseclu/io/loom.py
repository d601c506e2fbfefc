"""Reader for loom files, whose dense genes x cells matrix is read in blocks as a sparse one."""

from __future__ import annotations

from pathlib import Path

import h5py
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import genes_of_table
from scsiameseclu.io.blocks import (
    as_strings,
    cells_per_block,
    check_dense,
    dense_to_csr,
    numbered,
)
from scsiameseclu.io.count_layers import HEAD_CELLS, NAMED, choose_layer, counts_instead_of, largest
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import describe

CELL_NAMES = (
    "CellID", "obs_names", "cell_id", "cell_names", "barcode", "Barcode", "barcodes", "Barcodes",
    "cell_barcode",
)  # fmt: skip
GENE_NAMES = ("var_names", "Gene", "gene", "GeneName", "gene_names", "Symbol", "Accession")


def load_loom(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read the main matrix of a loom file, or the requested layer.

    If the main matrix has no counts, the layer that :mod:`scsiameseclu.io.count_layers` chooses is
    read.

    Raises
    ------
    UserError
        The requested layer does not exist, or several layers have counts.
    """
    with h5py.File(path, "r") as file:
        layers = sorted(file["layers"]) if "layers" in file else []
        if request.layer is not None and request.layer not in layers:
            available = list_names(layers)
            raise origin.error(f"has no layer {request.layer!r}; available: {available}")
        layer = request.layer or _layer_of_counts(file, layers, request, origin)
        dataset = file["layers"][layer] if layer else file["matrix"]
        origin.check_size(cells=dataset.shape[-1], genes=dataset.shape[0])
        matrix = dense_to_csr(dataset, cells_in_rows=False)
        cells, skipped = _attributes(file["col_attrs"], matrix.shape[0])
        genes, _ = _attributes(file["row_attrs"], matrix.shape[1])
    notes = [f"loom: {f'layer {layer}' if layer else 'main matrix'}"]
    if skipped:
        notes.append(f"attributes with several columns were skipped: {list_names(skipped)}")
    if not _set_index(cells, CELL_NAMES):
        cells.index = numbered("cell", len(cells))
        notes.append("cells have no names and were numbered")
    if not _set_index(genes, GENE_NAMES):
        genes.index = numbered("gene", len(genes))
        notes.append("genes have no names and were numbered")
    var, gene_notes, warnings = genes_of_table(genes)
    return Loaded(
        matrix=matrix,
        obs=cells,
        var=var,
        format="loom",
        files=[path],
        values=describe(matrix),
        notes=[*notes, *gene_notes],
        warnings=warnings,
        place=f"layer {request.layer} of" if request.layer else "",
    )


def _layer_of_counts(
    file: h5py.File, layers: list[str], request: ReadRequest, origin: Origin
) -> str | None:
    """The layer with the counts; None for the main matrix, which comes first if it has counts."""

    def head(dataset: h5py.Dataset) -> csr_matrix:
        check_dense(dataset)
        cells = min(HEAD_CELLS, cells_per_block(dataset.shape[0]))
        return csr_matrix(dataset[:, :cells].T.astype("float32"))

    def usable(names: list[str]) -> dict[str, csr_matrix]:
        heads = {name: head(file["layers"][name]) for name in names}
        return {name: part for name, part in heads.items() if describe(part).usable(request.counts)}

    main = head(file["matrix"]) if layers else None
    if main is None:
        return None
    is_usable = describe(main).usable(request.counts)
    if is_usable and largest(main) > 1:
        named = usable([name for name in layers if NAMED.fullmatch(name)])
        return counts_instead_of(main, named, origin)
    heads = usable(layers)
    if is_usable:  # zeros and ones are not the counts if others hold more
        heads = {name: part for name, part in heads.items() if largest(part) > 1}
    if "counts" in heads:
        return "counts"
    return choose_layer(heads, origin) if heads else None


def _attributes(group: h5py.Group, length: int) -> tuple[pd.DataFrame, list[str]]:
    """Table of the attributes with one value per cell (or gene), and the names of the others."""
    columns, skipped = {}, []
    for name in sorted(group):
        item = group[name]
        single = isinstance(item, h5py.Dataset) and item.shape in ((length,), (length, 1))
        if not single or item.dtype.kind == "V":  # compound, as written by SCENIC
            skipped.append(name)
            continue
        values = item[()]
        if values.dtype.kind not in "biufSO":
            skipped.append(name)
        else:
            columns[name] = as_strings(values) if values.dtype.kind in "SO" else values.ravel()
    return pd.DataFrame(columns, index=pd.RangeIndex(length)), skipped


def _set_index(table: pd.DataFrame, candidates: tuple[str, ...]) -> bool:
    """Make the first existing candidate column the index; return whether there was one."""
    column = next((name for name in candidates if name in table), None)
    if column is None:
        return False
    table.index = table.pop(column).astype(str).to_numpy(dtype=object)
    return True
