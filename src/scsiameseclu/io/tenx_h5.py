"""Reader for 10x HDF5 files of Cell Ranger 3 or later (``matrix``) and 1 or 2 (genome groups)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.genes.names import gene_table
from scsiameseclu.io.blocks import strings
from scsiameseclu.io.compressed import read_compressed
from scsiameseclu.io.hdf5_checks import check_declared
from scsiameseclu.io.loaded import Features, Loaded, Origin, list_names, repeated_entries
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import describe

EXPRESSION = "Gene Expression"
OTHER_FEATURES = frozenset(
    {
        "Antibody Capture", "CRISPR Guide Capture", "Multiplexing Capture", "Custom",
        "Peaks", "Motifs", "Antigen Capture", "VDJ", "VDJ-T", "VDJ-B",
    }
)  # fmt: skip
"""The other types of features of Cell Ranger."""


class _Genes(NamedTuple):
    """Counts (n_cells, n_genes), names, and how many entries repeated a place of the matrix."""

    matrix: csr_matrix
    ids: np.ndarray
    symbols: np.ndarray
    n_repeated: int
    notes: list[str]


def load_10x_h5(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read a 10x HDF5 file; only the requested genome if there are several.

    Raises
    ------
    UserError
        The file has several genomes and none is requested, or lacks the requested one.
    """
    features = None
    with h5py.File(path, "r") as file:
        if isinstance(file.get("matrix"), h5py.Group):
            group = file["matrix"]
            genes, features = _version_3(file, request, origin)
        else:
            group, genes = _version_2(file, request, origin)
        barcodes = strings(group["barcodes"])
    matrix = genes.matrix
    if matrix.shape[0] != barcodes.size:
        raise ValueError(f"{barcodes.size} barcodes for {matrix.shape[0]} cells")
    names = genes.ids.tolist()
    var, gene_notes, warnings = gene_table(names, ids=names, symbols=genes.symbols.tolist())
    return Loaded(
        matrix=matrix,
        obs=pd.DataFrame(index=pd.Index(barcodes, dtype=object)),
        var=var,
        format="10x_h5",
        files=[path],
        values=describe(matrix),
        notes=[*genes.notes, *gene_notes],
        warnings=[*repeated_entries(genes.n_repeated), *warnings],
        features=features,
    )


def read_other_features(path: Path, origin: Origin) -> tuple[np.ndarray, Features]:
    """Read the barcodes and the features other than genes of a 10x HDF5 file.

    If no feature has another type, all are returned.
    """
    with h5py.File(path, "r") as file:
        check_declared(file, origin)
        group = file["matrix"]
        (matrix, _), barcodes = _sparse(group, origin), strings(group["barcodes"])
        ids, names = (strings(group["features"][key]).tolist() for key in ("id", "name"))
        kept = strings(group["features/feature_type"]) == EXPRESSION
    return barcodes, Features.besides(kept, matrix, names, ids) or Features(matrix, names, ids)


def choose_genome(available: list[str], request: ReadRequest, origin: Origin) -> str | None:
    """Select the genome to read; None if the file names no genomes."""
    if request.genome is not None and request.genome not in available:
        raise origin.error(f"has no genome {request.genome!r}; available: {list_names(available)}")
    if request.genome is None and len(available) > 1:
        raise origin.error(
            f"has {len(available)} genomes ({list_names(available)}); set column `genome`"
        )
    return request.genome or (available[0] if available else None)


def no_expression(kinds: Sequence[str], origin: Origin) -> UserError:
    """The error for a file without genes, which lists its types of features."""
    counts = Counter(kinds)
    listed = list_names(f"{name or 'no type'} ({number})" for name, number in counts.items())
    return origin.error(
        f"has no feature of type {EXPRESSION}, but: {listed}; use the file with the gene expression"
    )


def _sparse(group: h5py.Group, origin: Origin) -> tuple[csr_matrix, int]:
    """Read the matrix (n_cells, n_genes); 10x's CSC of genes x cells is a CSR of cells x genes."""
    n_genes, n_cells = (int(number) for number in group["shape"][()])
    origin.check_size(cells=n_cells, genes=n_genes, values=int(group["data"].size))
    return read_compressed(group, (n_cells, n_genes))


def _version_3(
    file: h5py.File, request: ReadRequest, origin: Origin
) -> tuple[_Genes, Features | None]:
    """The genes, and other features if hashtags are requested."""
    group = file["matrix"]
    if "features" not in group:  # CellBender 0.2
        return _old_genes(
            group, origin, ["10x HDF5 with genes, as written by CellBender 0.2"]
        ), None
    features = group["features"]
    kinds = strings(features["feature_type"]) if "feature_type" in features else None
    if kinds is not None and kinds.size and EXPRESSION not in kinds:
        raise no_expression(kinds.tolist(), origin)
    matrix, n_repeated = _sparse(group, origin)
    ids, symbols = strings(features["id"]), strings(features["name"])
    if not matrix.shape[1] == ids.size == symbols.size:
        raise ValueError(f"{ids.size} features for {matrix.shape[1]} rows of the matrix")
    notes = ["10x HDF5 of Cell Ranger 3 or later"]
    kept = np.ones(ids.size, dtype=bool)
    if kinds is not None:
        kept = kinds == EXPRESSION
        if not kept.all():
            notes.append(f"{int((~kept).sum())} features other than {EXPRESSION} were skipped")
    others = None
    if request.hashtags:
        others = Features.besides(kept, matrix, symbols.tolist(), ids.tolist())
    genomes = strings(features["genome"]) if "genome" in features else np.full(ids.size, "")
    genome = choose_genome(sorted(set(genomes[kept].tolist()) - {""}), request, origin)
    if genome is not None:
        kept &= genomes == genome
        notes.append(f"genome {genome}")
    matrix, ids, symbols = matrix[:, np.flatnonzero(kept)], ids[kept], symbols[kept]
    if "gene_id" in features:
        matrix, ids, symbols = _sum_of_probes(
            matrix, strings(features["gene_id"])[kept], strings(features["gene_name"])[kept]
        )
        notes.append("the counts of the probes of each gene (Flex) were added")
    return _Genes(matrix, ids, symbols, n_repeated, notes), others


def _sum_of_probes(
    matrix: csr_matrix, ids: np.ndarray, symbols: np.ndarray
) -> tuple[csr_matrix, np.ndarray, np.ndarray]:
    """Add up the columns of each gene, in the order of their first occurrence."""
    codes, unique = pd.factorize(ids)
    _, first = np.unique(codes, return_index=True)
    ones = np.ones(len(codes), dtype=np.float32)
    groups = csr_matrix((ones, (np.arange(len(codes)), codes)), shape=(len(codes), len(unique)))
    return csr_matrix(matrix @ groups), unique, symbols[first]


def _old_genes(group: h5py.Group, origin: Origin, notes: list[str]) -> _Genes:
    """The genes of a group in the layout of Cell Ranger 1 and 2."""
    matrix, n_repeated = _sparse(group, origin)
    ids, symbols = strings(group["genes"]), strings(group["gene_names"])
    if not matrix.shape[1] == ids.size == symbols.size:
        raise ValueError(f"{ids.size} genes for {matrix.shape[1]} rows of the matrix")
    return _Genes(matrix, ids, symbols, n_repeated, notes)


def _version_2(file: h5py.File, request: ReadRequest, origin: Origin) -> tuple[h5py.Group, _Genes]:
    genomes = [
        name for name, item in sorted(file.items())
        if isinstance(item, h5py.Group) and "barcodes" in item
    ]  # fmt: skip
    genome = choose_genome(genomes, request, origin)
    group = file[str(genome)]
    notes = ["10x HDF5 of Cell Ranger 1 or 2", f"genome {genome}"]
    return group, _old_genes(group, origin, notes)
