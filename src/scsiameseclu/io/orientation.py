"""Whether the rows of a text table are genes or cells.

The rule, in this order; the first that tells decides:

1. the request's ``orientation``;
2. the name of the first column (``gene``, ``symbol``, ...; ``cell``, ``barcode``, ...);
3. the names: gene ids, mitochondrial and ribosomal genes, Riken genes on one side; barcodes and
   names with "cell" on the other;
4. columns of text beside the counts: they describe cells, so the rows are cells;
5. the longer side is taken to be genes, and the user is told that this is a guess.
"""

import re
from collections.abc import Sequence

from scsiameseclu.genes.names import GENE_ID, ID_AND_SYMBOL, REGION_AND_SYMBOL, share
from scsiameseclu.io.request import Orientation

GENE_CORNERS = {
    "gene", "genes", "gene_id", "geneid", "gene_ids", "gene_name", "gene_symbol", "symbol",
    "ensembl", "ensembl_id", "feature", "features",
}  # fmt: skip
CELL_CORNERS = {
    "cell",
    "cells",
    "cell_id",
    "cellid",
    "cell_name",
    "barcode",
    "barcodes",
    "cellname",
}
GENE_LIKE = re.compile(
    rf"({GENE_ID.pattern})|({ID_AND_SYMBOL.pattern})|({REGION_AND_SYMBOL.pattern})"
    r"|^gene[_.-]?\d+$|^(MT|mt)-[A-Za-z0-9]+$|^(RP[LS]|Rp[ls])\d+[AaLlXxYy]?\d?$|.*Rik$"
)
CELL_LIKE = re.compile(r".*[ACGT]{10,}|.*cell[_.-]?\d+", re.IGNORECASE)
CLEAR = 0.002


def rows_are_genes(
    asked: Orientation,
    corner: str,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    shape: tuple[int, int],
    has_text: bool,
) -> tuple[bool, str, bool]:
    """Decide by the rule above.

    Parameters
    ----------
    asked
        The request's orientation.
    corner
        The name of the first column.
    rows, columns
        Names of rows (some of them suffice) and of the columns of numbers.
    shape
        Numbers of rows and of columns of numbers.
    has_text
        Whether columns of text stand beside the numbers.

    Returns
    -------
    genes_in_rows
        The decision.
    reason
        What told, for a sentence.
    guessed
        Whether only the table's shape told.
    """
    if asked != "auto":
        return asked == "genes_x_cells", "as asked", False
    first = corner.strip().lower().replace(" ", "_")
    if first in GENE_CORNERS or first in CELL_CORNERS:
        return first in GENE_CORNERS, f"the first column is called {corner!r}", False
    lean = _lean(rows) - _lean(columns)
    if abs(lean) > CLEAR:
        return lean > 0, "told by the names of genes and cells", False
    if has_text:
        return False, "told by the columns of text", False
    return shape[0] >= shape[1], "guessed: the longer side", True


def _lean(names: Sequence[str]) -> float:
    """How much names look like genes (towards 1) or cells (towards -1)."""
    return share(GENE_LIKE, names) - share(CELL_LIKE, names)
