"""Orientation of text tables: whether rows are genes or cells.

The first of these criteria that applies decides:

1. the requested ``orientation``;
2. the name of the first column (``gene``, ``symbol``, ...; ``cell``, ``barcode``, ...);
3. columns such as ``Length`` and ``Chr``, which describe genes, or ``n_counts``, cells;
4. the row and column names: gene ids, mitochondrial, ribosomal and Riken genes indicate genes;
   barcodes and names containing "cell" indicate cells; otherwise, names that are written like the
   symbols of human and mouse genes and have different stems indicate genes;
5. text columns with repeated values next to the counts, such as labels: rows are assumed to be
   cells, with a warning if the columns are fewer;
6. the longer side is assumed to be genes, with a warning.
"""

import re
from collections.abc import Sequence

from scsiameseclu.genes.names import (
    GENE_ID,
    ID_AND_SYMBOL,
    REGION_AND_SYMBOL,
    SYMBOL_AND_ID,
    share,
)
from scsiameseclu.genes.organism import are_symbols
from scsiameseclu.io.request import Orientation

GENE_CORNERS = {
    "gene", "genes", "gene_id", "geneid", "gene_ids", "gene_name", "gene_names", "genename",
    "gene_symbol", "gene_symbols", "symbol", "symbols", "hgnc_symbol", "mgi_symbol",
    "gene_short_name", "ensembl", "ensembl_id", "ensembl_gene_id", "feature", "features",
    "feature_id", "feature_name", "tracking_id", "entrez", "entrez_id", "entrezid",
    "entrez_gene_id",
}  # fmt: skip
CELL_CORNERS = {
    "cell", "cells", "cell_id", "cell_ids", "cellid", "cell_name", "cell_names", "cellname",
    "cell_index", "cellindex", "cell_label", "cell_barcode", "cell_barcodes", "barcode",
    "barcodes", "well", "well_id",
}  # fmt: skip
"""Names of columns that contain the names of genes or of cells, as :func:`corner_key`."""
GENE_LIKE = re.compile(
    rf"({GENE_ID.pattern})|({ID_AND_SYMBOL.pattern})|({SYMBOL_AND_ID.pattern})"
    rf"|({REGION_AND_SYMBOL.pattern})"
    r"|^gene[_.-]?\d+$|^(MT|mt)-[A-Za-z0-9]+$|^(RP[LS]|Rp[ls])\d+[AaLlXxYy]?\d?$|.*Rik$"
)
CELL_LIKE = re.compile(r".*[ACGT]{10,}|.*cell[_.-]?\d+", re.IGNORECASE)
MIN_LEAN = 0.002
"""Minimum difference between the scores of rows and columns for names to decide."""


def rows_are_genes(
    requested: Orientation,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    shape: tuple[int, int],
    has_labels: bool,
    about: str = "",
) -> tuple[bool, str, bool]:
    """Decide by the criteria above.

    Parameters
    ----------
    requested
        The requested orientation.
    corner
        Name of the first column.
    rows, columns
        Names of the rows (or some of them) and of the numeric columns.
    shape
        Numbers of rows and of numeric columns.
    has_labels
        Whether the table has text columns with repeated values.
    about
        What the other columns describe by their headers: ``"genes"``, ``"cells"`` or ``""``.

    Returns
    -------
    genes_in_rows : bool
        Whether rows are genes.
    reason : str
        The criterion that decided, for messages.
    guessed : bool
        Whether only the shape of the table decided, or contradicts the text columns.
    """
    if requested != "auto":
        return requested == "genes_x_cells", "as requested", False
    first = corner_key(corner)
    if first in GENE_CORNERS or first in CELL_CORNERS:
        return first in GENE_CORNERS, f"the first column is named {corner!r}", False
    if about:
        return about == "genes", f"its annotation describes {about}", False
    difference = lean(rows) - lean(columns)
    if abs(difference) > MIN_LEAN:
        return difference > 0, "detected from row and column names", False
    symbols = are_symbols(rows), are_symbols(columns)
    if symbols[0] != symbols[1]:
        return symbols[0], "detected from gene symbols", False
    if has_labels:
        return False, "detected from text columns", shape[0] >= shape[1]
    return shape[0] >= shape[1], "assumed from the table's shape", True


def corner_key(name: str) -> str:
    """A column name in lower case, with underscores in place of spaces and dots."""
    return re.sub(r"[\s.]+", "_", name.strip().lstrip("#").strip()).lower()


def lean(names: Sequence[str]) -> float:
    """Score how much names look like genes (1) or cells (-1)."""
    return share(GENE_LIKE, names) - share(CELL_LIKE, names)
