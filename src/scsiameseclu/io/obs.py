"""The table of cells: what of a user's columns can be kept, and which cells have no label."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scsiameseclu.io.blocks import as_strings

# Columns that the pipeline itself writes; a user's column of such a name is kept under another.
OWN_COLUMNS = frozenset(
    {
        "sample", "batch", "n_genes", "total_counts", "pct_top20", "pct_mito", "doublet_score",
        "predicted_doublet", "size_factor", "siamese", "siamese_confidence",
        "siamese_ambiguous", "siamese_coarse", "siamese_fine", "leiden",
        "cell_type_predicted", "cell_type_score", "cell_type_by_cell", "cell_type_by_cell_score",
        "vote_markers", "vote_markers_score", "vote_reference", "vote_reference_score",
        "vote_celltypist", "vote_celltypist_score", "pseudotime", "pseudotime_spread",
    }
)  # fmt: skip
SUFFIX = "_input"
NOT_A_LABEL = frozenset({"", "na", "n/a", "nan", "none", "null", "<na>"})


def missing_labels(column: pd.Series) -> np.ndarray:
    """Which cells have no label: NaN, empty text, or a text such as ``NA`` (as loom files have).

    Returns
    -------
    np.ndarray
        (n_cells,) of bool.
    """
    told = column.astype(object)
    absent = [str(value).strip().lower() in NOT_A_LABEL for value in told]
    return told.isna().to_numpy() | np.array(absent, dtype=bool)


def tidy(obs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The user's columns in types that an h5ad can hold, under names of their own.

    Returns
    -------
    table
        Numbers, booleans and categories of text stay; everything else becomes a category of text.
        A column with the name of one of the pipeline's own gets the suffix ``_input``.
    notes
        Sentences on the columns that were renamed.
    """
    columns: dict[str, pd.Series] = {}
    notes = []
    for place, original in enumerate(obs.columns):
        wanted = str(original).replace("/", "_").strip() or f"column_{place}"
        name = wanted + SUFFIX if wanted in OWN_COLUMNS or wanted == "_index" else wanted
        while name in columns:
            name += "_2"
        if name != str(original):
            notes.append(f"the column of cells {original!r} was renamed {name!r}")
        columns[name] = _writable(obs.iloc[:, place])
    return pd.DataFrame(columns, index=obs.index), notes


def _writable(column: pd.Series) -> pd.Series:
    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        if kind.categories.inferred_type in ("string", "empty"):
            return column.cat.remove_unused_categories()
    elif getattr(kind, "kind", "O") in "biuf" and not pd.api.types.is_extension_array_dtype(kind):
        return column
    present = column.notna().to_numpy()
    text = column.astype(object).to_numpy(copy=True)
    text[present] = as_strings(text[present])
    text[~present] = None
    return pd.Series(pd.Categorical(text), index=column.index)
