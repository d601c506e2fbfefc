"""Reader for h5ad files that locates the counts without reading the other matrices.

If no layer is requested, ``layers["counts"]``, ``X``, ``raw`` and then the other layers in
alphabetical order are searched, and the first matrix of non-negative integers is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import pandas as pd
from anndata.io import read_elem
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import genes_of_table
from scsiameseclu.io.blocks import as_strings, cells_per_block, dense_to_csr
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import Values, describe
from scsiameseclu.limits import BLOCK_VALUES

PLACES = {"X": "the matrix X", "raw": "the matrix raw.X"}


def load_h5ad(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read the counts of an h5ad file with its ``obs`` and ``var``.

    Raises
    ------
    UserError
        The requested layer does not exist, or the file has no matrix.
    """
    with h5py.File(path, "r") as file:
        matrices = dict(_matrices(file))
        if not matrices:
            raise origin.error("has no matrix; use a file with raw counts in X or in a layer")
        name = _choose(matrices, request, origin)
        obs = _table(file, "obs")
        genes = _table(file, "raw.var" if name == "raw" else "var")
        matrix, values = _read(matrices[name])
    if values.are_counts and matrix.shape != (len(obs), len(genes)):
        raise ValueError(
            f"{name} has shape {matrix.shape}, obs and var require {(len(obs), len(genes))}"
        )
    if not values.are_counts:
        matrix = csr_matrix((len(obs), len(genes)), dtype="float32")
    var, gene_notes, warnings = genes_of_table(genes)
    place = PLACES.get(name, f"layer {name}")
    others = [PLACES.get(other, f"layer {other}") for other in matrices if other != name]
    outcome = f"counts read from {place}" if values.are_counts else f"no counts in {place}"
    notes = [f"h5ad: {outcome}" + (f" (not used: {list_names(others)})" if others else "")]
    return Loaded(
        matrix=matrix,
        obs=obs,
        var=var,
        format="h5ad",
        files=[path],
        values=values,
        notes=[*notes, *gene_notes],
        warnings=warnings,
        place=f"{place} of" if request.layer else "",
    )


def _matrices(file: h5py.File) -> Iterator[tuple[str, Any]]:
    """Every cells x genes matrix, in search order."""
    layers = file.get("layers", {})
    if "counts" in layers:
        yield "counts", layers["counts"]
    for name, key in (("X", "X"), ("raw", "raw/X"), ("raw", "raw.X")):
        if key in file and _is_matrix(file[key]):
            yield name, file[key]
    yield from ((name, layers[name]) for name in sorted(layers) if name != "counts")


def _is_matrix(node: Any) -> bool:
    return "data" in node if hasattr(node, "keys") else node.ndim == 2


def _choose(matrices: dict[str, Any], request: ReadRequest, origin: Origin) -> str:
    if request.layer is not None:
        if request.layer not in matrices:
            available = list_names(matrices)
            raise origin.error(f"has no layer {request.layer!r}; available: {available}")
        return request.layer
    counts = (name for name, node in matrices.items() if _starts_as_counts(node))
    return next(counts, next(iter(matrices)))


def _starts_as_counts(node: Any) -> bool:
    """Whether the first block of a matrix consists of non-negative integers."""
    if hasattr(node, "keys"):
        first = node["data"][:BLOCK_VALUES]
    else:
        first = node[: cells_per_block(node.shape[1])].ravel()
    return describe(csr_matrix(first.reshape(1, -1))).are_counts


def _read(node: Any) -> tuple[csr_matrix, Values]:
    """Read a matrix; only the first block if it is dense and not counts."""
    if hasattr(node, "keys"):
        matrix = read_elem(node).tocsr().astype("float32")
        matrix.sum_duplicates()
    elif _starts_as_counts(node):
        matrix = dense_to_csr(node, cells_in_rows=True)
    else:
        matrix = csr_matrix(node[: cells_per_block(node.shape[1])].astype("float32"))
    return csr_matrix(matrix), describe(matrix)


def _table(file: h5py.File, key: str) -> pd.DataFrame:
    """Read ``obs``, ``var`` or ``raw.var``, also in the layout of anndata before 0.7."""
    node = file[key] if key in file else file[key.replace(".", "/")]
    if hasattr(node, "keys"):
        table = read_elem(node)
    else:
        table = pd.DataFrame.from_records(node[()])
        for name in table.columns:
            if table[name].dtype == object:
                table[name] = as_strings(table[name].to_numpy())
            categories = file.get(f"uns/{name}_categories")
            if key == "obs" and categories is not None:
                codes = table[name].to_numpy()
                names = pd.Index(as_strings(categories[()]))
                table[name] = pd.Categorical.from_codes(codes, categories=names)
        table = table.set_index(table.columns[0])
    table.index = pd.Index(table.index.astype(str), dtype=object, name=None)
    return table
