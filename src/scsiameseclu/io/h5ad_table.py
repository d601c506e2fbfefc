"""Reader for the tables ``obs`` and ``var`` of h5ad files."""

from __future__ import annotations

from typing import Any

import pandas as pd
from anndata.io import read_elem

from scsiameseclu.io.blocks import as_strings


def read_table(file: Any, key: str) -> tuple[pd.DataFrame, list[str]]:
    """Read ``obs``, ``var`` or ``raw.var``, also in the layout of anndata before 0.7.

    Returns
    -------
    table : DataFrame
        Indexed by str.
    lost : list of str
        Columns that cannot be read, such as null elements or types of later versions of anndata.
    """
    node = file[key] if key in file else file[key.replace(".", "/")]
    lost: list[str] = []
    if hasattr(node, "keys"):
        try:
            table = read_elem(node)
        except Exception:  # any of its columns may fail, in any way
            table, lost = _readable_columns(node)
    else:
        table = _old_table(file, node, key)
    table.index = pd.Index(table.index.astype(str), dtype=object, name=None)
    return table, lost


def _readable_columns(node: Any) -> tuple[pd.DataFrame, list[str]]:
    index = node.attrs["_index"]
    names = as_strings(read_elem(node[index]))
    columns, lost = {}, []
    for name in node.attrs["column-order"]:
        try:
            values = read_elem(node[name])
            columns[name] = pd.Series(values, index=pd.RangeIndex(len(names)))
        except Exception:  # the column is named in a warning
            lost.append(str(name))
    return pd.DataFrame(columns, index=pd.RangeIndex(len(names))).set_axis(names), lost


def _old_table(file: Any, node: Any, key: str) -> pd.DataFrame:
    """Read the layout of anndata before 0.7: a compound dataset, with categories in ``uns``."""
    table = pd.DataFrame.from_records(node[()])
    for name in table.columns:
        if table[name].dtype == object:
            table[name] = as_strings(table[name].to_numpy())
        categories = file.get(f"uns/{name}_categories")
        if key == "obs" and categories is not None:
            codes = table[name].to_numpy()
            names = pd.Index(as_strings(categories[()]))
            table[name] = pd.Categorical.from_codes(codes, categories=names)
    return table.set_index(table.columns[0])
