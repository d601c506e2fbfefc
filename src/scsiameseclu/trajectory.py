"""Trajectory: PAGA of the clusters and diffusion pseudotime in the embedding (scanpy).

PAGA: Wolf et al. 2019, doi:10.1186/s13059-019-1663-x. Diffusion pseudotime: Haghverdi et al. 2016,
doi:10.1038/nmeth.3971. Pseudotime is a distance from a root cell. Which end is the start is not in
the data, so the user should name the root. Otherwise it is inferred: a cell of the cluster with the
most detected genes, as less differentiated cells tend to express more genes (Gulati et al. 2020,
doi:10.1126/science.aax0249). The result says that such a root is a guess.

The embedding is an ensemble of the components and each network's latent, and so is the pseudotime:
it is computed in each part from one root and averaged. The spread over the parts measures how
certain a cell's position is.
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
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.graph.neighbours import find_neighbours
from scsiameseclu.io.obs import SUFFIX
from scsiameseclu.store.files import sidecar

N_NEIGHBOURS = 15
N_COMPONENTS = 15
FORMS = "cluster=NAME, gene=SYMBOL or COLUMN=VALUE"


@dataclass(frozen=True)
class Trajectory:
    """Pseudotime of the cells and connectivity of the clusters.

    Attributes
    ----------
    pseudotime
        Distance from the root, 0 to 1, float32 (n_cells,): mean over the parts of the embedding;
        NaN for cells that no path connects to the root.
    spread
        Standard deviation over the parts, float32 (n_cells,).
    root
        Position of the root cell.
    components
        Diffusion components without the trivial one, float32 (n_cells, n_components).
    connectivity
        PAGA connectivity of the clusters, 0 to 1, (n_clusters, n_clusters).
    """

    pseudotime: np.ndarray
    spread: np.ndarray
    root: int
    components: np.ndarray
    connectivity: np.ndarray


def find_trajectory(
    embedding: np.ndarray,
    clusters: pd.Series,
    candidates: np.ndarray,
    *,
    parts: Sequence[np.ndarray] | None = None,
    seed: int = 0,
) -> Trajectory:
    """Diffusion pseudotime from one of the candidate cells, and PAGA of the clusters.

    Parameters
    ----------
    embedding
        (n_cells, n_dimensions).
    clusters
        Categorical cluster of each cell.
    candidates
        Mask of the cells that may be the root, bool (n_cells,). The root is the candidate farthest
        from the mean of all other cells in the diffusion components.
    parts
        Parts of the embedding, each (n_cells, size), as
        :meth:`scsiameseclu.model.fitted.FittedModel.parts` returns them; the embedding itself by
        default.
    seed
        Seed of the neighbour search.

    Raises
    ------
    UserError
        There is no candidate.
    """

    if not candidates.any():
        raise UserError("no cell matches the trajectory root; choose another root")
    cells = _diffused(embedding, clusters, seed)
    components = np.asarray(cells.obsm["X_diffmap"])[:, 1:]
    root = _root(components * cells.uns["diffmap_evals"][1:], candidates)
    unreachable = ~np.isfinite(_pseudotime(cells, root))
    per_part = np.array(
        [
            _pseudotime(cells if part is embedding else _diffused(part, clusters, seed), root)
            for part in (parts if parts is not None else [embedding])
        ],
        dtype=float,
    )
    per_part[~np.isfinite(per_part) | unreachable] = np.nan
    per_part /= np.nanmax(per_part, axis=1, keepdims=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=RuntimeWarning)  # cells that are NaN in all parts
        mean, spread = np.nanmean(per_part, axis=0), np.nanstd(per_part, axis=0)
    mean /= np.nanmax(mean)
    connectivity = _connectivity(cells, clusters)
    return Trajectory(
        mean.astype(np.float32),
        spread.astype(np.float32),
        root,
        components.astype(np.float32),
        connectivity,
    )


def _connectivity(cells: ad.AnnData, clusters: pd.Series) -> np.ndarray:
    """PAGA connectivity of the clusters; a single one is connected with no other."""
    import scanpy as sc

    used = clusters.cat.remove_unused_categories()
    if len(used.cat.categories) < 2:
        return np.zeros((1, 1))
    cells.obs["cluster"] = used.to_numpy()
    cells.obs["cluster"] = cells.obs["cluster"].astype("category")
    sc.tl.paga(cells, groups="cluster")
    return np.asarray(sp.csr_matrix(cells.uns["paga"]["connectivities"]).toarray())


def _diffused(space: np.ndarray, clusters: pd.Series, seed: int) -> ad.AnnData:
    """Cells with a diffusion map of their neighbour graph in ``space``."""
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


def _root(components: np.ndarray, candidates: np.ndarray) -> int:
    others = components[~candidates] if not candidates.all() else components
    distance = np.linalg.norm(components - others.mean(axis=0), axis=1)
    distance[~candidates] = -1
    return int(distance.argmax())


def root_candidates(
    root: str | None, expression: ad.AnnData, clusters: pd.Series
) -> tuple[np.ndarray, str]:
    """Mask of the cells that may be the root, and a sentence on how it was chosen.

    Parameters
    ----------
    root
        ``"cluster=3"``, ``"gene=KIT"`` (the cluster with its highest mean), ``"column=value"`` (a
        column of ``expression.obs``), or None to infer it.
    expression
        Log-normalised ``X`` (sparse). Genes are named as :meth:`GeneNames.of` says.
    clusters
        Categorical cluster of each cell.

    Raises
    ------
    UserError
        There is no such cluster, gene, column or value.
    """
    labels = clusters.astype(str).to_numpy()
    if root is None:
        n_genes = np.diff(sp.csr_matrix(expression.X).indptr)
        best = _highest(n_genes, clusters)
        return labels == best, (
            f"The root is a guess: a cell of cluster {best}, whose cells have the most detected "
            "genes, as less differentiated cells tend to; name the root to be sure."
        )
    check_root(root, expression.obs, GeneNames.of(expression.var))
    kind, _, value = (part.strip() for part in root.partition("="))
    if kind == "cluster":
        _require(value, set(labels), f"the trajectory root names no cluster: {value!r}")
        return labels == value, f"The root is a cell of cluster {value}, as requested."
    if kind == "gene":
        best = _highest(_values_of_gene(expression, value), clusters)
        return labels == best, (
            f"The root is a cell of cluster {best}, in which {value} is highest, as requested."
        )
    values = expression.obs[_column(expression.obs, kind)].astype(str).to_numpy()
    return values == value, f"The root is a cell with {kind}={value}, as requested."


def check_root(root: str, obs: pd.DataFrame, genes: GeneNames) -> None:
    """Check a root against a table of cells and the names of the genes, but not the clusters.

    Raises
    ------
    UserError
        There is no such gene, column or value.
    """
    kind, _, value = (part.strip() for part in str(root).partition("="))
    if not kind or not value:
        raise UserError(f"the trajectory root {root!r} is not of the form {FORMS}")
    if kind == "gene":
        _position_of_gene(genes, value)
    elif kind != "cluster" and _column(obs, kind) not in obs:
        columns = ", ".join(map(str, obs.columns)) or "none"
        raise UserError(f"the trajectory root names no column: {kind!r}; available: {columns}")
    elif kind != "cluster":
        known = set(obs[_column(obs, kind)].astype(str))
        _require(value, known, f"the trajectory root matches no cell: {kind}={value}")


def _column(obs: pd.DataFrame, name: str) -> str:
    """The name of a column of the input, which has a suffix if the pipeline writes that column."""
    return name if name in obs else name + SUFFIX


def _highest(values: np.ndarray, clusters: pd.Series) -> str:
    """The cluster with the highest mean."""
    means = pd.Series(values, index=clusters.index).groupby(clusters, observed=True).mean()
    return str(means.idxmax())


def _values_of_gene(expression: ad.AnnData, name: str) -> np.ndarray:
    position = _position_of_gene(GeneNames.of(expression.var), name)
    return np.asarray(expression.X[:, [position]].toarray()).ravel()


def _position_of_gene(genes: GeneNames, name: str) -> int:
    for names in (genes.symbols, genes.ids):
        upper = [gene.upper() for gene in names]
        if name.upper() in upper:
            return upper.index(name.upper())
    raise UserError(f"the trajectory root names no gene of the data: {name!r}")


def _require(value: str, known: set[str], problem: str) -> None:
    if value not in known:
        names = sorted(known)
        shown = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
        raise UserError(f"{problem}; available: {shown}")


def times_as_numbers(times: pd.Series) -> np.ndarray | None:
    """A column of times as numbers (n_cells,), NaN where missing; None if it holds no order.

    Numbers stay; in a text such as "day 3" or "E14.5" the first number counts.
    """
    numbers = pd.to_numeric(times.astype(str).str.extract(r"(-?\d+(?:\.\d+)?)")[0])
    known = numbers.notna()
    if known.sum() < 2 or numbers[known].nunique() < 2:
        return None
    return np.asarray(numbers, dtype=float)
