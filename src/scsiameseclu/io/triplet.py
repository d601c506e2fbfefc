"""The three files of a matrix in MatrixMarket format, and reading of the names of genes and cells.

:mod:`scsiameseclu.io.layouts` lists the names of the files.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scsiameseclu.io.bounded import open_bounded
from scsiameseclu.io.layouts import LAYOUTS, NAC, existing, layout_of, symbols_of
from scsiameseclu.io.loaded import LIMITS, Origin, list_names
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key
from scsiameseclu.run_settings import LimitSettings


@dataclass(frozen=True)
class Triplet:
    """The files of a matrix, in the order of the input's checksum."""

    matrix: Path
    features: Path
    barcodes: Path

    @property
    def files(self) -> list[Path]:
        """Matrix, features, barcodes, and a separate file of gene symbols if there is one."""
        symbols = symbols_of(self.features)
        files = [self.matrix, self.features, self.barcodes]
        return files if symbols is None else [*files, symbols]


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
    prefix, features, barcodes = layout_of(matrix)
    return Triplet(
        matrix,
        _companion(matrix, prefix, features, origin),
        _companion(matrix, prefix, barcodes, origin),
    )


def _companion(matrix: Path, prefix: str, endings: tuple[str, ...], origin: Origin) -> Path:
    """The first existing file next to a matrix with the prefix and one of the endings."""
    file = next(existing(matrix, tuple(f"{prefix}{ending}" for ending in endings)), None)
    if file is not None:
        return file
    expected = " or ".join(f"{prefix}{ending}" for ending in endings)
    others = [
        other.name for other in sorted(matrix.parent.iterdir())
        if other.name.removesuffix(".gz").endswith(endings)
    ]  # fmt: skip
    advice = "add the file"
    if others:
        advice = f"if {list_names(others)} belongs to it, give both names the same prefix"
    raise origin.error(f"lacks {expected} (.gz) next to {matrix.name}; {advice}")


def read_lines(file: Path, limits: LimitSettings = LIMITS) -> list[str]:
    """The lines of a file of genes or cells, without empty ones at its end."""
    with open_bounded(file, limits) as stream:
        return stream.read().rstrip().splitlines()


def read_names(file: Path, limits: LimitSettings = LIMITS) -> pd.DataFrame:
    """Read genes or cells; the columns of a headerless file are numbered.

    The gene name NA is not treated as missing; a header, and quotation marks around lines or
    fields, are removed.
    """
    is_csv = file.name.removesuffix(".gz").endswith(".csv")
    with open_bounded(file, limits) as stream:
        table = pd.read_csv(
            stream,
            sep="," if is_csv else "\t",
            header=0 if is_csv else None,
            dtype=str,
            quoting=csv.QUOTE_MINIMAL if is_csv else csv.QUOTE_NONE,
            keep_default_na=False,
            nrows=max(limits.max_cells, limits.max_genes) + 1,  # one more is refused later
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
