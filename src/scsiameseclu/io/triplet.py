"""The files of a matrix in MatrixMarket format: matrix, genes and cells, by the program's names.

| program | matrix | genes | cells |
|---|---|---|---|
| Cell Ranger, STARsolo, BD Rhapsody | matrix.mtx | features.tsv, genes.tsv | barcodes.tsv |
| kb_python | cells_x_genes.mtx | cells_x_genes.genes.txt | cells_x_genes.barcodes.txt |
| alevin-fry | quants_mat.mtx | quants_mat_cols.txt | quants_mat_rows.txt |
| Parse Biosciences | count_matrix.mtx, DGE.mtx | all_genes.csv | cell_metadata.csv |

All files may be gzipped; those of the first three rows may share a prefix.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key

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
NAC = ("cells_x_genes.total.mtx", "cells_x_genes.mature.mtx", "cells_x_genes.nascent.mtx")
"""Matrices of kb_python's workflow for nascent and mature RNA."""


@dataclass(frozen=True)
class Triplet:
    """The three files of a matrix, in the order of the input's checksum."""

    matrix: Path
    features: Path
    barcodes: Path

    @property
    def files(self) -> list[Path]:
        """Matrix, features, barcodes."""
        return [self.matrix, self.features, self.barcodes]


def matrices_in(folder: Path) -> list[Path]:
    """The matrices in a folder that have a name of one of the layouts."""
    endings = tuple(ending for names, _, _ in LAYOUTS for ending in names)
    packed = tuple(f"{ending}.gz" for ending in (*endings, *NAC))
    return sorted(
        file for file in folder.iterdir()
        if file.is_file() and file.name.endswith((*endings, *NAC, *packed))
    )  # fmt: skip


def triplet_of(matrices: list[Path], origin: Origin) -> Triplet:
    """Locate the files of genes and cells with the prefix of the matrix.

    Raises
    ------
    UserError
        There are several matrices, or a file is missing.
    """
    if len(matrices) > 1:
        raise origin.error(
            f"has {len(matrices)} matrices ({list_names(file.name for file in matrices)}); "
            "set column `path` to one of them"
        )
    matrix = matrices[0]
    name = matrix.name.removesuffix(".gz")
    if ".".join(name.split(".")[-3::2]).endswith("cells_x_genes.mtx"):
        name = name[: name.rfind("cells_x_genes")] + "cells_x_genes.mtx"  # .mature and others
    endings, features, barcodes = next(
        (layout for layout in LAYOUTS if name.endswith(layout[0])), ((name,), FEATURES, BARCODES)
    )
    ending = next(ending for ending in endings if name.endswith(ending))
    prefix = name.removesuffix(ending)
    return Triplet(
        matrix,
        _companion(matrix, prefix, features, origin),
        _companion(matrix, prefix, barcodes, origin),
    )


def _companion(matrix: Path, prefix: str, endings: tuple[str, ...], origin: Origin) -> Path:
    """The first existing file next to a matrix with the prefix and one of the endings."""
    for ending in endings:
        for packed in ("", ".gz"):
            file = matrix.parent / f"{prefix}{ending}{packed}"
            if file.is_file():
                return file
    expected = " or ".join(f"{prefix}{ending}" for ending in endings)
    raise origin.error(f"lacks {expected} (.gz) next to {matrix.name}; add the file")


def read_names(file: Path) -> pd.DataFrame:
    """Read genes or cells; the columns of a headerless file are numbered.

    The gene name NA is not treated as missing; a header, and quotation marks around lines or
    fields, are removed.
    """
    is_csv = file.name.removesuffix(".gz").endswith(".csv")
    table = pd.read_csv(
        file,
        sep="," if is_csv else "\t",
        header=0 if is_csv else None,
        dtype=str,
        quoting=csv.QUOTE_MINIMAL if is_csv else csv.QUOTE_NONE,
        keep_default_na=False,
    )
    if not is_csv and table[0].str.startswith('"').all():
        table = table.apply(lambda column: column.str.strip('"'))
    if (
        not is_csv
        and len(table)
        and corner_key(str(table.iat[0, 0])) in GENE_CORNERS | CELL_CORNERS
    ):
        return table.iloc[1:].reset_index(drop=True)  # a header
    return table
