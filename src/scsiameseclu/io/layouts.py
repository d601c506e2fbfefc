"""The files of a matrix in MatrixMarket format: matrix, genes and cells, by the program's names.

| program | matrix | genes | cells |
|---|---|---|---|
| Cell Ranger, STARsolo, BD Rhapsody | matrix.mtx | features.tsv, genes.tsv | barcodes.tsv |
| kb_python | cells_x_genes.mtx | cells_x_genes.genes.txt | cells_x_genes.barcodes.txt |
| alevin-fry | quants_mat.mtx | quants_mat_cols.txt | quants_mat_rows.txt |
| Parse Biosciences | count_matrix.mtx, DGE.mtx | all_genes.csv | cell_metadata.csv |

All files may be gzipped; those of the first three rows may share a prefix. Only the standard
library is required, since Snakemake may run on hosts without other dependencies.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

FEATURES = ("features.tsv", "genes.tsv")
BARCODES = ("barcodes.tsv",)
# Endings of the matrix, of the genes and of the cells.
LAYOUTS = (
    (("count_matrix.mtx", "DGE.mtx"), ("all_genes.csv", "genes.csv"), ("cell_metadata.csv",)),
    (("quants_mat.mtx",), ("quants_mat_cols.txt",), ("quants_mat_rows.txt",)),
    (
        ("cells_x_genes.mtx",),
        ("cells_x_genes.genes.txt",),
        ("cells_x_genes.barcodes.txt",),
    ),
    (("matrix.mtx",), FEATURES, BARCODES),
)
PACKED = ("", ".gz")
VELOCYTO = ("spliced.mtx", "unspliced.mtx", "ambiguous.mtx")
"""Matrices of STARsolo's Velocyto folder, the sum of which are all molecules."""
NAC = ("cells_x_genes.total.mtx", "cells_x_genes.mature.mtx", "cells_x_genes.nascent.mtx")
"""Matrices of kb_python's workflow for nascent and mature RNA."""


def layout_of(matrix: Path) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The prefix of the files of a matrix, and the possible ends of those of genes and of cells."""
    name = matrix.name.removesuffix(".gz")
    if ".".join(name.split(".")[-3::2]).endswith("cells_x_genes.mtx"):
        name = name[: name.rfind("cells_x_genes")] + "cells_x_genes.mtx"  # .mature and others
    endings, features, barcodes = next(
        (layout for layout in LAYOUTS if name.endswith(layout[0])), ((name,), FEATURES, BARCODES)
    )
    ending = next(ending for ending in endings if name.endswith(ending))
    return name.removesuffix(ending), features, barcodes


def has_cells_in_rows(matrix: Path) -> bool:
    """Whether the program that gives a matrix this name writes cells in rows."""
    return layout_of(matrix)[1] != FEATURES


def existing(matrix: Path, names: tuple[str, ...]) -> Iterator[Path]:
    """The files of these names, plain or gzipped, next to a matrix."""
    files = (matrix.parent / f"{name}{packed}" for name in names for packed in PACKED)
    return (file for file in files if file.is_file())


def symbols_of(features: Path) -> Path | None:
    """The file of the gene symbols that kb_python writes next to that of the gene ids."""
    names = features.with_name(features.name.replace(".genes.txt", ".genes.names.txt"))
    return names if names != features and names.is_file() else None


def files_beside(matrix: Path) -> list[Path]:
    """The files of genes and cells that are read with a matrix, as far as they exist."""
    prefix, *companions = layout_of(matrix)
    chosen = [
        next(existing(matrix, tuple(f"{prefix}{ending}" for ending in endings)), None)
        for endings in companions
    ]
    features = chosen[0]
    files = [*chosen, None if features is None else symbols_of(features)]
    return [file for file in files if file is not None]
