"""What a user says about an input file, beyond its path."""

from dataclasses import dataclass
from typing import Literal

Format = Literal["auto", "10x_h5", "10x_mtx", "h5ad", "loom", "csv", "tsv", "xy_h5"]
Orientation = Literal["auto", "genes_x_cells", "cells_x_genes"]


@dataclass(frozen=True)
class ReadRequest:
    """How to read one sample.

    Parameters
    ----------
    format
        The file's format; ``"auto"`` looks into the file.
    layer
        The layer of an h5ad or loom file that holds the counts (``"X"`` and ``"raw"`` also name
        those matrices of an h5ad).
    genome
        The genome to take from a 10x file or folder of several.
    orientation
        What the rows of a text table or mtx file are.
    metadata
        A table of cells (csv or tsv, barcodes in one of its columns) to join.
    label, batch
        Columns of cells: the published label (read by nothing but the metrics), and the batch.
    subset
        ``column=value``: only these cells.
    """

    format: Format = "auto"
    layer: str | None = None
    genome: str | None = None
    orientation: Orientation = "auto"
    metadata: str | None = None
    label: str | None = None
    batch: str | None = None
    subset: str | None = None
