"""Developmental order: PAGA of the clusters and diffusion pseudotime in the embedding (scanpy).

PAGA: Wolf et al. 2019, doi:10.1186/s13059-019-1663-x. Diffusion pseudotime: Haghverdi et al. 2016,
doi:10.1038/nmeth.3971. Pseudotime is a distance from a root cell; which end is the beginning is not
in the data, so the user should name it. Where nobody does, the beginning is taken to be the cluster
whose cells have the most detected genes, as less differentiated cells tend to (Gulati et al. 2020,
doi:10.1126/science.aax0249): a guess that the page calls so.

The embedding is an ensemble, the components and each network's latent, and so is the pseudotime:
it is found in each of them from one root, and the mean is taken. How far they differ says how sure
a cell's place is.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.neighbours import find_neighbours
from scsiameseclu.store.files import sidecar

N_NEIGHBOURS = 15
N_COMPONENTS = 15
FORMS = "cluster=NAME, gene=SYMBOL or COLUMN=VALUE"


@dataclass(frozen=True)
class Trajectory:
    """An order of the cells.

    Attributes
    ----------
    pseudotime
        Distance from the root, 0 to 1, float32 (n_cells,): mean over the parts of the embedding;
        NaN for cells that no path joins with the root.
    spread
        Standard deviation over the parts, float32 (n_cells,).
    root
        Position of the root cell.
    components
        Diffusion components without the trivial one, float32 (n_cells, n_components).
    connectivity
        PAGA's connectivity of the clusters, 0 to 1, (n_clusters, n_clusters).
    """

    pseudotime: np.ndarray
    spread: np.ndarray
    root: int
    components: np.ndarray
    connectivity: np.ndarray


def find_trajectory(
    embedding: np.ndarray,
    clusters: pd.Series,
    beginning: np.ndarray,
    *,
    parts: Sequence[np.ndarray] | None = None,
    seed: int = 0,
) -> Trajectory:
    """Diffusion pseudotime from one of some cells, and PAGA of the clusters.

    Parameters
    ----------
    embedding
        (n_cells, n_dimensions).
    clusters
        Categorical cluster of each cell.
    beginning
        Which cells may be the root, bool (n_cells,): the one among them is taken that lies farthest
        from the mean of all other cells in the diffusion components.
    parts
        Of the embedding, each (n_cells, size), as
        :meth:`scsiameseclu.model.fitted.FittedModel.parts` gives them; the embedding itself where
        not given.
    seed
        Of the neighbour search.

    Raises
    ------
    UserError
        No cell may be the root.
    """
    import scanpy as sc

    if not beginning.any():
        raise UserError("no cell is at the beginning of the trajectory; name another root")
    cells = _diffused(embedding, clusters, seed)
    components = np.asarray(cells.obsm["X_diffmap"])[:, 1:]
    root = _root(components * cells.uns["diffmap_evals"][1:], beginning)
    alone = ~np.isfinite(_pseudotime(cells, root))
    found = [
        _pseudotime(cells if part is embedding else _diffused(part, clusters, seed), root)
        for part in (parts if parts is not None else [embedding])
    ]
    each = np.array(found, dtype=float)
    each[~np.isfinite(each) | alone] = np.nan
    each /= np.nanmax(each, axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)  # of cells without any
        mean, spread = np.nanmean(each, axis=0), np.nanstd(each, axis=0)
    mean /= np.nanmax(mean)
    cells.obs["cluster"] = clusters.cat.remove_unused_categories().to_numpy()
    cells.obs["cluster"] = cells.obs["cluster"].astype("category")
    sc.tl.paga(cells, groups="cluster")
    connectivity = sp.csr_matrix(cells.uns["paga"]["connectivities"]).toarray()  # of clusters
    return Trajectory(
        mean.astype(np.float32),
        spread.astype(np.float32),
        root,
        components.astype(np.float32),
        connectivity,
    )


def _diffused(space: np.ndarray, clusters: pd.Series, seed: int) -> ad.AnnData:
    """Cells with the diffusion map of their neighbours in a space."""
    import scanpy as sc

    cells = sidecar(clusters.index, obsm={"X_siamese": np.ascontiguousarray(space)})
    find_neighbours(cells, "X_siamese", N_NEIGHBOURS, "euclidean", seed)
    sc.tl.diffmap(cells, n_comps=min(N_COMPONENTS, cells.n_obs - 2), random_state=seed)
    return cells


def _pseudotime(cells: ad.AnnData, root: int) -> np.ndarray:
    import scanpy as sc

    cells.uns["iroot"] = root
    sc.tl.dpt(cells, n_dcs=min(10, cells.obsm["X_diffmap"].shape[1]))
    return np.asarray(cells.obs["dpt_pseudotime"], dtype=float)


def _root(components: np.ndarray, beginning: np.ndarray) -> int:
    rest = components[~beginning] if not beginning.all() else components
    away = np.linalg.norm(components - rest.mean(axis=0), axis=1)
    away[~beginning] = -1
    return int(away.argmax())


def cells_at_beginning(
    root: str | None, expression: ad.AnnData, clusters: pd.Series, sample: str
) -> tuple[np.ndarray, str]:
    """Which cells may be the root, as named or by the rule, and a sentence on it.

    Parameters
    ----------
    root
        ``"cluster=3"``, ``"gene=KIT"`` (the cluster with its highest mean), ``"column=value"`` (of
        ``expression.obs``), or None for the rule.
    expression
        Log-normalised ``X`` (sparse), ``var["gene_symbol"]`` and ``var["gene_id"]``.
    clusters
        Categorical cluster of each cell.

    Raises
    ------
    UserError
        There is no such cluster, gene, column or value.
    """
    named = clusters.astype(str).to_numpy()
    if root is None:
        genes = np.diff(sp.csr_matrix(expression.X).indptr)
        best = _highest(genes, clusters)
        return named == best, (
            f"The root is a guess: a cell of cluster {best}, whose cells have the most detected "
            "genes, as less differentiated cells tend to; name the root to be sure."
        )
    kind, _, value = (part.strip() for part in root.partition("="))
    if not kind or not value:
        raise UserError(f"sample {sample}: the root {root!r} is not of the form {FORMS}")
    if kind == "cluster":
        _there(value, set(named), sample, f"root: there is no cluster {value!r}")
        return named == value, f"The root is a cell of cluster {value}, as asked for."
    if kind == "gene":
        column = _gene(expression, value, sample)
        best = _highest(column, clusters)
        return named == best, (
            f"The root is a cell of cluster {best}, in which {value} is highest, as asked for."
        )
    if kind not in expression.obs:
        columns = ", ".join(map(str, expression.obs.columns)) or "none"
        raise UserError(
            f"sample {sample}: root: there is no column of cells {kind!r}; there are {columns}"
        )
    values = expression.obs[kind].astype(str).to_numpy()
    _there(value, set(values), sample, f"root: no cell has {kind}={value}")
    return values == value, f"The root is a cell with {kind}={value}, as asked for."


def _highest(values: np.ndarray, clusters: pd.Series) -> str:
    """The cluster with the highest mean."""
    means = pd.Series(values, index=clusters.index).groupby(clusters, observed=True).mean()
    return str(means.idxmax())


def _gene(expression: ad.AnnData, name: str, sample: str) -> np.ndarray:
    for column in ("gene_symbol", "gene_id"):
        found = np.flatnonzero(expression.var[column].astype(str).str.upper() == name.upper())
        if found.size:
            return np.asarray(expression.X[:, [found[0]]].toarray()).ravel()
    raise UserError(f"sample {sample}: root: there is no gene {name!r} among the kept genes")


def _there(value: str, known: set[str], sample: str, what: str) -> None:
    if value not in known:
        names = sorted(known)
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise UserError(f"sample {sample}: {what}; there are {shown}")


def order_of_times(times: pd.Series) -> np.ndarray | None:
    """A column of times as numbers (n_cells,), NaN where missing; None where it has none.

    Numbers stay; of a text such as "day 3" or "E14.5" the first number counts.
    """
    numbers = pd.to_numeric(times.astype(str).str.extract(r"(-?\d+(?:\.\d+)?)")[0])
    known = numbers.notna()
    if known.sum() < 2 or numbers[known].nunique() < 2:
        return None
    return np.asarray(numbers, dtype=float)
