"""A folder with counts, cells, genes and embeddings, and an R script that loads it."""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse as sp

from scsiameseclu.store.atomic import atomic_path, write_text

SCRIPT = "load.R"
FORBIDDEN = str.maketrans("\t\r\n", "   ")
FORBIDDEN_IN_FILES = str.maketrans("/\\:", "___")


def write_seurat(directory: Path, cells: ad.AnnData, counts: sp.csr_matrix) -> None:
    """Write the folder for Seurat and SingleCellExperiment.

    It contains ``matrix.mtx.gz`` (genes x cells, raw counts), ``genes.tsv``, ``cells.tsv`` (all
    columns of ``obs``), ``categories.txt`` (which of these are categories, and their values in
    order), ``embeddings/*.tsv`` and ``load.R``.

    Parameters
    ----------
    directory
        Folder to write to.
    cells
        ``obs``, ``var`` and ``obsm`` of the cells; no matrix is needed.
    counts
        Raw counts, (n_cells, n_genes).
    """
    with (
        atomic_path(directory / "matrix.mtx.gz") as temporary,
        temporary.open("wb") as raw,
        gzip.GzipFile("", "wb", 4, raw, mtime=0) as file,
    ):
        whole = sp.csc_matrix(counts.T).astype(np.int64)
        scipy.io.mmwrite(file, whole, field="integer", symmetry="general")
    obs = cells.obs.set_axis(_names(cells.obs.columns), axis=1)
    of_categories = (name for name in obs if isinstance(obs[name].dtype, pd.CategoricalDtype))
    levels = [
        [name, *dict.fromkeys(map(_text, obs[name].cat.categories))] for name in of_categories
    ]
    _write_table(directory / "cells.tsv", obs)
    _write_table(directory / "genes.tsv", cells.var)
    lines = ("\t".join(line) for line in levels)
    write_text(directory / "categories.txt", "".join(f"{line}\n" for line in lines))
    arrays = {key: array for key, array in cells.obsm.items() if isinstance(array, np.ndarray)}
    plain = [key.removeprefix("X_").translate(FORBIDDEN_IN_FILES) for key in arrays]
    for name, values in zip(_names(plain), arrays.values(), strict=True):
        columns = [f"{name}_{number + 1}" for number in range(values.shape[1])]
        table = pd.DataFrame(values, index=cells.obs_names, columns=columns)
        _write_table(directory / "embeddings" / f"{name}.tsv", table)
    script = files("scsiameseclu.export").joinpath(SCRIPT).read_text(encoding="utf-8")
    write_text(directory / SCRIPT, script)


def _write_table(path: Path, table: pd.DataFrame) -> None:
    """Tab-separated text without quotes; the first column is called ``name``.

    What is missing is empty, since a sample or a gene may be called NA.
    """
    shown = table.set_axis(_names(table.columns), axis=1)
    for column in shown:
        if not pd.api.types.is_numeric_dtype(shown[column]):
            shown[column] = shown[column].astype(object).map(_text, na_action="ignore")
    shown.index = _names(shown.index).rename("name")
    write_text(path, _tsv(shown))


def _names(names: Iterable[object]) -> pd.Index:
    """Names without tabs and line ends; those that become equal are numbered."""
    return ad.utils.make_index_unique(pd.Index([_text(name) for name in names], dtype=object))


def _text(value: object) -> str:
    return str(value).translate(FORBIDDEN)


def _tsv(table: pd.DataFrame) -> str:
    rows = [[table.index.name, *table.columns]]
    for name, *values in table.itertuples(name=None):
        rows.append([name, *("" if pd.isna(value) else _shown(value) for value in values)])
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def _shown(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "TRUE" if value else "FALSE"
    return f"{value:.9g}" if isinstance(value, float | np.floating) else str(value)
