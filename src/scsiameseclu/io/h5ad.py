"""Reader for h5ad files that locates the counts without reading the other matrices.

If no layer is requested, the first of ``layers["counts"]``, ``X`` and ``raw`` that consists of
non-negative integers is read, otherwise the layer that :mod:`scsiameseclu.io.count_layers` chooses.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata.io import read_elem
from scipy.sparse import csc_matrix, csr_matrix

from scsiameseclu.genes.names import genes_of_table
from scsiameseclu.io.blocks import (
    cells_per_block,
    check_dense,
    check_sparse,
    dense_to_csr,
)
from scsiameseclu.io.count_layers import HEAD_CELLS, NAMED, choose_layer, counts_instead_of
from scsiameseclu.io.h5ad_table import read_table
from scsiameseclu.io.loaded import Features, Loaded, Origin, list_names
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.tenx_h5 import EXPRESSION, OTHER_FEATURES, no_expression
from scsiameseclu.io.values import Values, describe
from scsiameseclu.io.zarr_store import files_of, open_store
from scsiameseclu.limits import BLOCK_VALUES

EXPRESSION_MODALITIES = ("rna", "gex", "gene expression")
MAX_EXACT_HALF = 2048
LAYERS = "layers/"
PLACES = {"X": "the matrix X", "raw": "the matrix raw.X"}


def load_h5ad(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read the counts of an h5ad file with its ``obs`` and ``var``.

    Raises
    ------
    UserError
        The requested layer does not exist, or the file has no matrix.
    """
    with open_store(path, origin) as store:
        file, about = _expression_of(store, origin)
        matrices = dict(_matrices(file))
        if not matrices:
            raise origin.error("has no matrix; use a file with raw counts in X or in a layer")
        name = _choose(matrices, request, origin)
        obs, lost = read_table(file, "obs")
        genes, _ = read_table(file, "raw.var" if name == "raw" else "var")
        shape = (len(obs), len(genes))
        _check(matrices[name], name, shape)
        matrix, values = _read(matrices[name], request)
        rounded = _is_half(matrices[name]) and values.largest > MAX_EXACT_HALF
    usable = values.usable(request.counts)
    if usable and matrix.shape != shape:
        raise ValueError(f"{name} has shape {matrix.shape}, obs and var require {shape}")
    if not usable:
        matrix = csr_matrix(shape, dtype="float32")
    genes, matrix, others, type_notes = _expression_only(genes, matrix, origin)
    var, gene_notes, warnings = genes_of_table(genes)
    place = _place(name)
    unused = [_place(other) for other in matrices if other != name]
    outcome = f"counts read from {place}" if usable else f"no counts in {place}"
    if rounded:
        warnings.append(
            f"counts above {MAX_EXACT_HALF} are not exact: the file stores half precision (float16)"
        )
    if lost:
        warnings.append(f"cell metadata that cannot be read was left out: {list_names(lost)}")
    notes = [f"{about}: {outcome}" + (f" (not used: {list_names(unused)})" if unused else "")]
    return Loaded(
        matrix=matrix,
        obs=obs,
        var=var,
        format="h5ad",
        files=files_of(Path(path)),
        values=values,
        notes=[*notes, *type_notes, *gene_notes],
        warnings=warnings,
        place=f"{place} of" if request.layer else "",
        features=others if request.hashtags else None,
    )


def _expression_of(store: Any, origin: Origin) -> tuple[Any, str]:
    """The AnnData in a file, or the modality of the gene expression in a MuData file."""
    if "mod" not in store or "X" in store:
        return store, "h5ad"
    modalities = sorted(store["mod"])
    names = [name for name in modalities if name.lower() in EXPRESSION_MODALITIES]
    if len(names) != 1:
        raise origin.error(
            f"is MuData with the modalities {list_names(modalities)}; write the one with the gene "
            "expression as h5ad"
        )
    return store["mod"][names[0]], f"MuData, modality {names[0]}"


def _matrices(file: Any) -> Iterator[tuple[str, Any]]:
    """Every cells x genes matrix, in search order, by the name of its layer, X or raw.

    Layers that are named X or raw have the prefix ``layers/``.
    """
    nodes = file.get("layers", {})
    layers = {name: nodes[name] for name in sorted(nodes) if _is_matrix(nodes[name])}
    if "counts" in layers:
        yield "counts", layers["counts"]
    for name, key in (("X", "X"), ("raw", "raw/X"), ("raw", "raw.X")):
        if key in file and _is_matrix(file[key]):
            yield name, file[key]
    for name in layers:
        if name != "counts":
            yield LAYERS * (name in PLACES) + name, layers[name]


def _place(name: str) -> str:
    """The name of a matrix for messages."""
    return PLACES.get(name, f"layer {name.removeprefix(LAYERS)}")


def _is_matrix(node: Any) -> bool:
    if hasattr(node, "keys"):  # not a group that a slash in a name made
        return {"data", "indices", "indptr"} <= set(node)
    return node.shape is not None and len(node.shape) == 2


def _choose(matrices: dict[str, Any], request: ReadRequest, origin: Origin) -> str:
    if request.layer is not None:
        return _requested(matrices, request, origin)
    usable = [name for name, node in matrices.items() if _starts_usable(node, request)]
    first = [name for name in usable if name in ("counts", *PLACES)]
    if first and len(usable) > 1:  # zeros and ones are not the counts if others hold more
        more = [name for name in usable if _first_block(matrices[name]).max(initial=0) > 1]
        first = [name for name in first if name in more or not more]
    if first and first[0] != "counts":
        named = [
            name for name in usable
            if name not in PLACES and NAMED.fullmatch(name.removeprefix(LAYERS))
        ]  # fmt: skip
        heads = {name: _head(matrices[name]) for name in named}
        better = heads and counts_instead_of(_head(matrices[first[0]]), heads, origin)
        return better or first[0]
    if first or not usable:
        return next(iter(first or matrices))
    return choose_layer({name: _head(matrices[name]) for name in usable}, origin)


def _requested(matrices: dict[str, Any], request: ReadRequest, origin: Origin) -> str:
    """The requested matrix; for X and raw, a layer of that name if only it has counts."""
    names = [name for name in (request.layer, f"{LAYERS}{request.layer}") if name in matrices]
    if not names:
        available = list_names(matrices)
        raise origin.error(f"has no layer {request.layer!r}; available: {available}")
    usable = [name for name in names if _starts_usable(matrices[name], request)]
    return str((usable or names)[0])


def _first_block(node: Any) -> np.ndarray:
    """The first stored values of a matrix."""
    if hasattr(node, "keys"):
        return _single(node["data"][:BLOCK_VALUES])
    check_dense(node)
    return _single(node[: cells_per_block(node.shape[1])]).ravel()


def _is_half(node: Any) -> bool:
    """Whether a matrix is stored in half precision, which is exact up to 2,048."""
    return bool((node["data"] if hasattr(node, "keys") else node).dtype == np.float16)


def _single(values: np.ndarray) -> np.ndarray:
    """Half precision, of which scipy makes no sparse matrix, as single precision."""
    return values.astype("float32") if values.dtype == np.float16 else values


def _starts_usable(node: Any, request: ReadRequest) -> bool:
    """Whether the first block of a matrix consists of counts, or may be rounded to counts."""
    first = _first_block(node)
    return describe(csr_matrix(first.reshape(1, -1))).usable(request.counts)


def _head(node: Any) -> csr_matrix:
    """The first cells of a matrix, for comparisons."""
    if not hasattr(node, "keys"):
        cells = min(HEAD_CELLS, cells_per_block(node.shape[1]))
        return csr_matrix(node[:cells].astype("float32"))
    if _encoding(node) != "csr":
        return csr_matrix(_sparse(node).tocsr()[:HEAD_CELLS], dtype="float32")
    starts = node["indptr"][: HEAD_CELLS + 1]
    end = int(starts[-1])
    n_genes = int(node.attrs["shape" if "shape" in node.attrs else "h5sparse_shape"][1])
    parts = (node["data"][:end].astype("float32"), node["indices"][:end], starts)
    return csr_matrix(parts, shape=(len(starts) - 1, n_genes))


def _encoding(node: Any) -> str:
    """``"csr"`` or ``"csc"``, also in the layout of anndata before 0.7."""
    encoding = node.attrs.get("encoding-type", node.attrs.get("h5sparse_format", "csr"))
    return str(encoding).removesuffix("_matrix")


def _check(node: Any, name: str, shape: tuple[int, int]) -> None:
    """Check the sizes of a matrix before it is read."""
    if hasattr(node, "keys"):
        major, minor = shape if _encoding(node) == "csr" else shape[::-1]
        check_sparse(node, major, minor)
    elif node.shape != shape:
        raise ValueError(f"{name} has shape {node.shape}, obs and var require {shape}")
    else:
        check_dense(node)


def _read(node: Any, request: ReadRequest) -> tuple[csr_matrix, Values]:
    """Read a matrix; only the first block if it is dense and not counts."""
    if hasattr(node, "keys"):
        stored = _sparse(node)
        stored.check_format(full_check=True)
        matrix = stored.tocsr().astype("float32")
        matrix.sum_duplicates()
    elif _starts_usable(node, request):
        matrix = dense_to_csr(node, cells_in_rows=True)
    else:
        matrix = csr_matrix(node[: cells_per_block(node.shape[1])].astype("float32"))
    return csr_matrix(matrix), describe(matrix)


def _sparse(node: Any) -> csr_matrix | csc_matrix:
    """A sparse matrix, also of half precision, which anndata does not read."""
    if not _is_half(node):
        return read_elem(node)
    shape = tuple(node.attrs["shape" if "shape" in node.attrs else "h5sparse_shape"])
    parts = (_single(node["data"][()]), node["indices"][()], node["indptr"][()])
    return (csr_matrix if _encoding(node) == "csr" else csc_matrix)(parts, shape=shape)


def _expression_only(
    genes: pd.DataFrame, matrix: csr_matrix, origin: Origin
) -> tuple[pd.DataFrame, csr_matrix, Features | None, list[str]]:
    """Separate antibodies and other features if a column names the types of features."""
    column = next((name for name in ("feature_types", "feature_type") if name in genes), None)
    if column is None:
        return genes, matrix, None, []
    kinds = genes[column].astype(str).to_numpy()
    kept = kinds == EXPRESSION
    if kept.all() or not (set(kinds) & OTHER_FEATURES):
        return genes, matrix, None, []
    if not kept.any():
        raise no_expression(kinds.tolist(), origin)
    note = f"{int((~kept).sum())} features other than {EXPRESSION} were skipped"
    names = [str(name) for name in genes.index]
    others = Features.besides(kept, matrix, names, names)
    return genes[kept], matrix[:, np.flatnonzero(kept)], others, [note]
