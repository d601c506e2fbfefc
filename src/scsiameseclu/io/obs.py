"""Cell metadata: column names and types that h5ad can store, and missing labels."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scsiameseclu.io.blocks import as_strings

# Columns that the pipeline writes; a user's column of the same name gets a suffix.
RESERVED_COLUMNS = frozenset(
    {
        "sample", "batch", "n_genes", "total_counts", "pct_top20", "pct_mito", "pct_ribo",
        "pct_hb", "S_score", "G2M_score", "phase", "doublet_score",
        "predicted_doublet", "contamination", "size_factor", "siamese", "siamese_confidence",
        "siamese_ambiguous", "siamese_coarse", "siamese_fine", "leiden",
        "cell_type_predicted", "cell_type_ontology_term_id", "cell_type_score",
        "cell_type_confidence", "cell_type_curated", "cell_type_by_cell", "cell_type_by_cell_score",
        "vote_markers", "vote_markers_score", "vote_reference", "vote_reference_score",
        "vote_celltypist", "vote_celltypist_score", "pseudotime", "pseudotime_spread",
    }
)  # fmt: skip
SUFFIX = "_input"
NOT_A_LABEL = frozenset({"", "na", "n/a", "nan", "none", "null", "<na>"})


def reserved_label(label: str) -> str:
    """The problem with the name of a label column that the pipeline also writes; empty if none."""
    if label not in RESERVED_COLUMNS:
        return ""
    return (
        f"has its labels in column {label!r}, a name that the pipeline reserves for its results; "
        "rename the column, and update column `label`"
    )


def missing_labels(column: pd.Series) -> np.ndarray:
    """Mask of the cells without a label: NaN, empty text, or text such as ``NA``.

    Returns
    -------
    np.ndarray
        Boolean, (n_cells,).
    """
    labels = column.astype(object)
    missing = [str(value).strip().lower() in NOT_A_LABEL for value in labels]
    return labels.isna().to_numpy() | np.array(missing, dtype=bool)


def sanitize_columns(obs: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Convert cell metadata to types that h5ad can store, under unique names.

    Returns
    -------
    table : DataFrame
        Numbers, booleans and categories of text are kept; other types become categories of text.
        Columns with a name in :data:`RESERVED_COLUMNS` get the suffix ``_input``.
    notes : list of str
        One message per renamed column.
    """
    columns: dict[str, pd.Series] = {}
    notes = []
    for position, original in enumerate(obs.columns):
        name = str(original).replace("/", "_").replace("\0", "").strip()
        if name in ("", "."):  # "." is the group itself in HDF5
            name = f"column_{position}"
        if name in RESERVED_COLUMNS or name == "_index":
            name += SUFFIX
        while name in columns:
            name += "_2"
        if name != str(original):
            notes.append(f"cell metadata column {original!r} was renamed to {name!r}")
        columns[name] = _writable(obs.iloc[:, position])
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
