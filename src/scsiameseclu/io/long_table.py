"""Long tables: one row per cell and gene, with the count in a third column."""

from __future__ import annotations

import pandas as pd
from scipy.sparse import coo_matrix, csr_matrix

from scsiameseclu.genes.names import gene_table
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key, lean
from scsiameseclu.io.values import describe

MAX_VALUE_COLUMNS = 3
"""Maximum number of value columns (reads, molecules, corrected molecules) of a long table."""


def is_long(stored: csr_matrix, texts: pd.DataFrame) -> bool:
    """Whether a table has one row per cell and gene.

    It then has few value columns, and both the row names and a column of text repeat.
    """
    repeats = [name for name in texts.columns if not texts[name].is_unique]
    few = stored.shape[1] <= MAX_VALUE_COLUMNS
    return bool(few and len(repeats) == 1 and not texts.index.is_unique)


def load_long(
    stored: csr_matrix, texts: pd.DataFrame, corner: str, values: list[str], origin: Origin
) -> Loaded:
    """Turn a long table into a matrix of cells x genes.

    Parameters
    ----------
    stored
        Counts, (n_rows, n_value_columns).
    texts
        The second column of names, indexed by the first.
    corner
        Header of the first column of names.
    values
        Headers of the value columns.

    Raises
    ------
    UserError
        The table has several value columns, or it is unclear which column names the cells.
    """
    (other,) = [name for name in texts.columns if not texts[name].is_unique]
    if len(values) > 1:
        raise origin.error(
            f"is a long table (one row per cell and gene) with {len(values)} value columns "
            f"({list_names(values)}); keep the one with the counts"
        )
    names = {corner: pd.Series(texts.index), other: texts[other].reset_index(drop=True)}
    cell = _cell_column(names, origin)
    cell_codes, cells = pd.factorize(names.pop(cell).astype(str))
    (gene,) = names
    gene_codes, genes = pd.factorize(names[gene].astype(str))
    counts = stored.toarray().ravel()
    matrix = coo_matrix((counts, (cell_codes, gene_codes)), shape=(len(cells), len(genes))).tocsr()
    var, notes, warnings = gene_table(genes.tolist())
    repeated = int(pd.DataFrame({"cell": cell_codes, "gene": gene_codes}).duplicated().sum())
    if repeated:
        warnings.append(f"{repeated} rows repeat a cell and a gene; their counts were added")
    return Loaded(
        matrix=matrix,
        obs=pd.DataFrame(index=pd.Index(cells, dtype=object)),
        var=var,
        format="",
        files=[],
        values=describe(matrix),
        notes=[f"long table: cells in column {cell!r}, genes in column {gene!r}", *notes],
        warnings=warnings,
    )


def _cell_column(names: dict[str, pd.Series], origin: Origin) -> str:
    """The column that names the cells, by its header or by the look of its names."""
    first, second = names
    keys = [corner_key(name) for name in names]
    if keys[0] in CELL_CORNERS or keys[1] in GENE_CORNERS:
        return first
    if keys[1] in CELL_CORNERS or keys[0] in GENE_CORNERS:
        return second
    leans = [lean(column.astype(str).unique().tolist()) for column in names.values()]
    if leans[0] == leans[1]:
        raise origin.error(
            "is a long table (one row per cell and gene), but its header does not say which "
            f"column names the cells; rename {first!r} and {second!r} to cell and gene"
        )
    return first if leans[0] < leans[1] else second
