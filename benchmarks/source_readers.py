"""Converts the published files of the benchmark data sets to AnnData.

Each reader takes the files of a data set in the order of ``sources.json`` and the batch of each. It
returns cells x genes: CSR float32 in ``X``, ``obs["cell_type"]``, and ``obs["batch"]`` if the data
have batches. Readers of R files need the package ``rdata``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp


def geo(files: Sequence[Path], batches: Sequence[str | None]) -> ad.AnnData:
    """GEO tables, cells x genes, with the columns ``barcode`` and ``assigned_cluster``."""
    parts = []
    for file, batch in zip(files, batches, strict=True):
        table = pd.read_csv(file, index_col=0)
        obs = pd.DataFrame({"cell_type": table.pop("assigned_cluster"), "batch": batch})
        obs["barcode"] = table.pop("barcode")
        parts.append(_cells(table.to_numpy(), obs, table.columns))
    return ad.concat(parts, join="inner")


def mixology(files: Sequence[Path], batches: Sequence[str | None]) -> ad.AnnData:
    """Pairs of a csv of counts, genes x cells, and one of metadata; genes found in all batches."""
    parts = []
    for counts, metadata, batch in zip(files[::2], files[1::2], batches[::2], strict=True):
        table = pd.read_csv(counts, index_col=0).T
        cells = pd.read_csv(metadata, index_col=0).loc[table.index]
        obs = pd.DataFrame({"cell_type": cells["cell_line"], "batch": batch})
        obs["demuxlet"] = cells["demuxlet_cls"]
        obs.index = [f"{batch}_{name}" for name in table.index]
        parts.append(_cells(table.to_numpy(), obs, table.columns))
    return ad.concat(parts, join="inner")


def xy(files: Sequence[Path], batches: Sequence[str | None]) -> ad.AnnData:
    """The HDF5 of the deep-clustering papers: ``X`` cells x genes and ``Y`` a label per cell."""
    (path,) = files
    with h5py.File(path, "r") as file:
        matrix, codes = file["X"][:], file["Y"][:].astype(int)
    obs = pd.DataFrame(
        {"cell_type": [f"type_{code}" for code in codes]},
        index=[f"cell_{number:05d}" for number in range(len(codes))],
    )
    return _cells(matrix, obs, [f"gene_{number:05d}" for number in range(matrix.shape[1])])


def pbmc3k(files: Sequence[Path], batches: Sequence[str | None]) -> ad.AnnData:
    """The list of R package singlet: a dgCMatrix in parts, its values run-length encoded."""
    (path,) = files
    parts = _parts(_r_objects(path)["pbmc3k"])
    runs = _parts(parts["x"])
    parts["x"] = np.repeat(runs["values"], np.asarray(runs["lengths"], dtype=int))
    counts, genes, cells = _sparse(parts)
    obs = pd.DataFrame({"cell_type": pd.Series(parts["cell_type"]).to_numpy()}, index=cells)
    return _cells(counts, obs, genes)


def mudan(files: Sequence[Path], batches: Sequence[str | None]) -> ad.AnnData:
    """The reference of R package MUDAN: a dgCMatrix, genes x cells, and a factor of types."""
    counts, genes, cells = _sparse(_parts(_r_objects(files[0])["referenceCounts"]))
    types = pd.Series(_r_objects(files[1])["referenceAnnot"])
    return _cells(counts, pd.DataFrame({"cell_type": types.to_numpy()}, index=cells), genes)


def scorpius(files: Sequence[Path], batches: Sequence[str | None]) -> ad.AnnData:
    """The list of R package SCORPIUS: logged expression, cells x genes, and groups in order."""
    (path,) = files
    parts = _parts(_r_objects(path)["ginhoux"])
    expression, groups = parts["expression"], parts["sample_info"]
    cells, genes = (list(map(str, expression.coords[name].values)) for name in expression.dims)
    types = groups["group_name"].astype(str).to_numpy()
    obs = pd.DataFrame({"cell_type": types, "time": types}, index=cells)
    return _cells(expression.values, obs, genes)


READERS: dict[str, Callable[[Sequence[Path], Sequence[str | None]], ad.AnnData]] = {
    function.__name__: function for function in (geo, mixology, xy, pbmc3k, mudan, scorpius)
}


def _cells(matrix: Any, obs: pd.DataFrame, genes: Sequence[str]) -> ad.AnnData:
    obs = obs.copy()
    obs.index = obs.index.astype(str)
    for column in obs:
        obs[column] = obs[column].astype(object).where(obs[column].notna(), np.nan)
    return ad.AnnData(
        sp.csr_matrix(matrix, dtype=np.float32),
        obs=obs.astype("category"),
        var=pd.DataFrame(index=pd.Index(genes, dtype=object).astype(str)),
    )


def _r_objects(path: Path) -> dict[str, Any]:
    try:
        import rdata
    except ImportError:
        raise SystemExit(f"{path.name} is an R file; run `pip install rdata` first") from None
    return dict(rdata.read_rda(path))


def _parts(value: Any) -> dict[str, Any]:
    """Slots of an S4 object, or items of a list, by name."""
    items = value if isinstance(value, dict) else vars(value)
    return {str(name): item for name, item in items.items()}


def _sparse(parts: dict[str, Any]) -> tuple[sp.csr_matrix, list[str], list[str]]:
    """Cells x genes, genes and cells of a dgCMatrix, genes x cells."""
    genes, cells = (list(map(str, names)) for names in parts["Dimnames"])
    shape = (int(parts["Dim"][0]), int(parts["Dim"][1]))
    columns = sp.csc_matrix((parts["x"], parts["i"], parts["p"]), shape, dtype=np.float32)
    return columns.T.tocsr(), genes, cells
