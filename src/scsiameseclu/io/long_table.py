"""Long tables: one row per cell and gene, with the count in a third column."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix, csr_matrix

from scsiameseclu.genes.names import gene_table, genes_of_table
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key, lean
from scsiameseclu.io.values import describe

MAX_VALUE_COLUMNS = 6
"""Maximum number of value columns (reads, molecules, corrected molecules) of a long table."""
MAX_SURE_COLUMNS = 3
"""Number of value columns up to which a table is long whatever the headers of its names."""
NUMBERED = "row"
"""Name of the column of row names if it only numbers the rows."""


def long_names(stored: csr_matrix, texts: pd.DataFrame, corner: str) -> pd.DataFrame | None:
    """The columns of names of a long table, in the order of the file; None for other tables.

    A long table has few value columns, and the names of cells and of genes repeat. Its rows may be
    numbered in addition.
    """
    repeated = [name for name in texts.columns if not texts[name].is_unique]
    names = texts[repeated].reset_index(drop=True)
    if not texts.index.is_unique:
        names.insert(0, corner or NUMBERED, texts.index)
    if names.shape[1] < 2 or stored.shape[1] > MAX_VALUE_COLUMNS:
        return None
    by_header = _first(names, CELL_CORNERS), _first(names, GENE_CORNERS)
    if stored.shape[1] > MAX_SURE_COLUMNS and None in by_header:
        return None
    return names


def load_long(stored: csr_matrix, names: pd.DataFrame, values: list[str], origin: Origin) -> Loaded:
    """Turn a long table into a matrix of cells x genes.

    Parameters
    ----------
    stored
        Counts, (n_rows, n_value_columns).
    names
        Result of :func:`long_names`. Further columns that describe cells become columns of ``obs``.
    values
        Headers of the value columns.

    Raises
    ------
    UserError
        The table has several value columns, it is unclear which columns name the cells and the
        genes, or cells of the same name differ in another column.
    """
    if len(values) > 1:
        raise origin.error(
            f"is a long table (one row per cell and gene) with {len(values)} value columns "
            f"({list_names(values)}); keep the one with the counts"
        )
    names = names.astype(str)
    cell, gene = _cell_and_gene(names, origin)
    cell_codes, cells = pd.factorize(names[cell])
    gene_codes, genes = pd.factorize(names[gene])
    pairs = pd.DataFrame({"cell": cell_codes, "gene": gene_codes})
    others = names.drop(columns=[cell, gene])
    about_cells = [name for name in others if _depends_on(others[name], cell_codes)]
    repeated = int(pairs.duplicated().sum())
    rest = [name for name in others if name not in about_cells]
    apart = [name for name in rest if not _depends_on(others[name], gene_codes)]
    if apart:
        raise origin.error(
            f"is a long table (one row per cell and gene) with column {apart[0]!r}, which differs "
            f"between the rows of the same cell ({cell!r}) and of the same gene ({gene!r}); make "
            "the names of the cells unique, or remove the column"
        )
    counts = stored.toarray().ravel()
    matrix = coo_matrix((counts, (cell_codes, gene_codes)), shape=(len(cells), len(genes))).tocsr()
    first = ~pairs["gene"].duplicated().to_numpy()
    symbols = [name for name in rest if corner_key(str(name)) in GENE_CORNERS][:1]
    var, notes, warnings = (
        genes_of_table(others.loc[first, symbols].set_axis(genes, axis=0)) if symbols
        else gene_table(genes.tolist())
    )  # fmt: skip
    if repeated:
        warnings.append(f"{repeated} rows repeat a cell and a gene; their counts were added")
    obs = others.loc[~pairs["cell"].duplicated().to_numpy(), about_cells]
    return Loaded(
        matrix=matrix,
        obs=obs.set_axis(pd.Index(cells, dtype=object), axis=0),
        var=var,
        format="",
        files=[],
        values=describe(matrix),
        notes=[f"long table: cells in column {cell!r}, genes in column {gene!r}", *notes],
        warnings=warnings,
    )


def _first(names: pd.DataFrame, corners: set[str]) -> str | None:
    """The column with one of the headers; of several, the first with most different values."""
    columns = [str(name) for name in names if corner_key(str(name)) in corners]
    return max(columns, key=lambda name: names[name].nunique(), default=None)


def _depends_on(column: pd.Series, codes: np.ndarray) -> bool:
    """Whether a column has one value for each code."""
    return bool(column.groupby(codes).nunique().max() <= 1)


def _cell_and_gene(names: pd.DataFrame, origin: Origin) -> tuple[str, str]:
    """The columns that name the cells and the genes."""
    cell, gene = _first(names, CELL_CORNERS), _first(names, GENE_CORNERS)
    if cell is not None and gene is not None:
        return cell, gene
    if names.shape[1] > 2:
        raise origin.error(
            "is a long table (one row per cell and gene), but its header does not say which of its "
            f"columns {list_names(names)} name the cells and the genes; name them cell and gene"
        )
    pair = {str(name): names[name] for name in names}
    cell = _cell_column(pair, origin)
    return cell, next(name for name in pair if name != cell)


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
