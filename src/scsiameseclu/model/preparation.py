"""From an AnnData to what training needs: counts found, missing slots computed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import scipy.sparse as sp

from scsiameseclu.data.limits import MIN_CELLS
from scsiameseclu.data.store import read_columns, read_parts
from scsiameseclu.errors import UserError
from scsiameseclu.expression import (
    choose_variable_genes,
    gene_moments,
    log_normalise,
    median_total,
    principal_components,
)
from scsiameseclu.graph import build_graph
from scsiameseclu.settings import ExpressionSettings, GraphSettings

if TYPE_CHECKING:
    import anndata as ad

BLOCK = 4096
ADJACENCY = "obsp/connectivities"


@dataclass(frozen=True)
class GeneScaling:
    """How the variable genes of any cell are turned into the model's inputs.

    Attributes
    ----------
    genes
        Names of the variable genes, in order.
    mean, deviation
        Their moments among the fitted cells, log-normalised, (n_genes,).
    loadings, centre
        Principal components of the scaled genes, (n_genes, n_pcs) and (n_pcs,).
    median_total
        The total count that a size factor of 1 stands for; 0 where values came log-normalised.
    max_value
        The clip of the scaling.
    """

    genes: list[str]
    mean: np.ndarray
    deviation: np.ndarray
    loadings: np.ndarray
    centre: np.ndarray
    median_total: float
    max_value: float


@dataclass(frozen=True)
class Prepared:
    """Inputs of one fit; shapes as in :class:`scsiameseclu.model.cells.CellData`."""

    expression: sp.csr_matrix
    counts: sp.csr_matrix
    components: np.ndarray
    adjacency: sp.csr_matrix
    scaling: GeneScaling

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.expression.shape[0])


def find_counts(adata: "ad.AnnData") -> sp.csr_matrix:
    """Raw counts from ``layers["counts"]`` or else X, as CSR float32 (n_cells, n_genes).

    Raises
    ------
    UserError
        Neither holds counts.
    """
    where = 'layers["counts"]' if "counts" in adata.layers else "X"
    matrix = adata.layers.get("counts", adata.X)
    if matrix is None:
        raise UserError('adata has no matrix; put raw counts into X or layers["counts"]')
    if not sp.issparse(matrix):
        rows = range(0, matrix.shape[0], BLOCK)
        matrix = sp.vstack([sp.csr_matrix(np.asarray(matrix[r : r + BLOCK])) for r in rows])
    counts = sp.csr_matrix(matrix, dtype=np.float32)
    if counts.data.size and (
        counts.data.min() < 0
        or not np.isfinite(counts.data).all()
        or np.abs(counts.data - np.rint(counts.data)).max() > 1e-3
    ):
        raise UserError(
            f"adata.{where} holds values that are not counts (smallest "
            f"{counts.data.min():.3g}, largest {counts.data.max():.3g}); put raw counts into "
            'layers["counts"]'
        )
    return counts


def find_logged(adata: "ad.AnnData") -> sp.csr_matrix:
    """Log-normalised values from X, as CSR float32 (n_cells, n_genes).

    Raises
    ------
    UserError
        X is missing, or holds negative values (scaled data) or values that are not finite.
    """
    if adata.X is None:
        raise UserError("adata.X is empty; put log-normalised values there")
    values = sp.csr_matrix(adata.X, dtype=np.float32)
    if values.data.size and (values.data.min() < 0 or not np.isfinite(values.data).all()):
        raise UserError(
            f"adata.X holds values from {values.data.min():.3g} to {values.data.max():.3g}, which "
            "are not log-normalised; give values before they are centred or scaled"
        )
    return values


def prepare(
    adata: "ad.AnnData",
    expression: ExpressionSettings,
    graph: GraphSettings,
    seed: int,
    *,
    logged: bool = False,
) -> Prepared:
    """Compute the slots that are missing and gather the inputs of a fit.

    With ``logged`` X is taken as log-normalised, and what stands for counts is X too.

    Sets, where missing, ``var["highly_variable"]``, ``obsm["X_pca"]`` (with ``varm["PCs"]`` and
    ``uns["pca"]``), ``obsp["distances"]``, ``obsp["connectivities"]`` and ``uns["neighbors"]``.
    What is there is used as it is; X and the layers are not touched.
    """
    if adata.n_obs < MIN_CELLS:
        raise UserError(f"adata has {adata.n_obs} cells; at least {MIN_CELLS} are needed")
    counts = find_logged(adata) if logged else find_counts(adata)
    work = _light_copy(adata, counts if logged else log_normalise(counts)[0])
    if "highly_variable" not in work.var:
        choose_variable_genes(work, expression)
    if not work.var["highly_variable"].any():
        raise UserError("no gene varies between the cells of adata; give counts of more genes")
    if "X_pca" not in work.obsm:
        principal_components(work, expression, seed)
    if "connectivities" not in work.obsp:
        build_graph(work, graph, seed)
    _copy_slots(work, adata)
    chosen = work.var["highly_variable"].to_numpy(dtype=bool)
    part = sp.csr_matrix(work.X[:, chosen])
    total = 0.0 if logged else median_total(counts)
    scaling = _scaling(work, part, chosen, total, expression.max_value)
    return Prepared(
        expression=part,
        counts=sp.csr_matrix(counts[:, chosen]),
        components=np.asarray(work.obsm["X_pca"], dtype=np.float32),
        adjacency=sp.csr_matrix(work.obsp["connectivities"]),
        scaling=scaling,
    )


def read_prepared(expression: Path, graph: Path) -> Prepared:
    """The inputs of a fit from the files of the stages expression and graph.

    Of the matrices only the variable genes are held.
    """
    import anndata as ad

    keys = ["obs", "var", "varm/PCs", "obsm/X_pca", "uns/pca", "uns/median_total"]
    parts = read_parts(expression, keys)
    chosen = parts["var"]["highly_variable"].to_numpy(dtype=bool)
    work = ad.AnnData(obs=parts["obs"], var=parts["var"])
    work.obsm["X_pca"], work.varm["PCs"] = parts["obsm/X_pca"], parts["varm/PCs"]
    work.uns["pca"] = parts["uns/pca"]
    part = read_columns(expression, "X", chosen)
    return Prepared(
        expression=part,
        counts=read_columns(expression, "layers/counts", chosen),
        components=np.asarray(work.obsm["X_pca"], dtype=np.float32),
        adjacency=sp.csr_matrix(read_parts(graph, [ADJACENCY])[ADJACENCY]),
        scaling=_scaling(
            work, part, chosen, float(parts["uns/median_total"]), ExpressionSettings().max_value
        ),
    )


def _light_copy(adata: "ad.AnnData", normalised: sp.csr_matrix) -> "ad.AnnData":
    """A copy with log-normalised X and only the slots that a fit may use."""
    import anndata as ad

    work = ad.AnnData(X=normalised, obs=adata.obs[[]].copy(), var=adata.var[[]].copy())
    if "batch" in adata.obs:
        work.obs["batch"] = adata.obs["batch"].to_numpy()
    for name in ("highly_variable", "mean", "deviation"):
        if name in adata.var:
            work.var[name] = adata.var[name].to_numpy()
    for slots, theirs, names in (
        (work.obsm, adata.obsm, ["X_pca"]),
        (work.varm, adata.varm, ["PCs"]),
        (work.obsp, adata.obsp, ["connectivities", "distances"]),
        (work.uns, adata.uns, ["pca", "neighbors"]),
    ):
        for name in names:
            if name in theirs:
                slots[name] = theirs[name]
    return work


def _copy_slots(work: "ad.AnnData", adata: "ad.AnnData") -> None:
    """Give the user's AnnData what it lacked."""
    for name in ("highly_variable", "mean", "deviation"):
        if name in work.var and name not in adata.var:
            adata.var[name] = work.var[name].to_numpy()
    for mine, theirs in (
        (work.obsm, adata.obsm),
        (work.varm, adata.varm),
        (work.obsp, adata.obsp),
        (work.uns, adata.uns),
    ):
        for name in mine:
            if name not in theirs:
                theirs[name] = mine[name]


def _scaling(
    work: "ad.AnnData",
    part: sp.csr_matrix,
    chosen: np.ndarray,
    total: float,
    max_value: float,
) -> GeneScaling:
    mean, variance = gene_moments(part)
    deviation = np.sqrt(variance)
    deviation[deviation == 0] = 1.0
    if "centre" in work.uns.get("pca", {}):
        loadings, centre = work.varm["PCs"][chosen], np.asarray(work.uns["pca"]["centre"])
        max_value = float(work.uns["pca"]["params"]["max_value"])
    else:
        loadings, centre = _regress(part, mean, deviation, work.obsm["X_pca"], max_value)
    return GeneScaling(
        genes=[str(name) for name in work.var_names[chosen]],
        mean=mean.astype(np.float32),
        deviation=deviation.astype(np.float32),
        loadings=np.asarray(loadings, dtype=np.float32),
        centre=np.asarray(centre, dtype=np.float32),
        median_total=total,
        max_value=max_value,
    )


def _regress(
    part: sp.csr_matrix,
    mean: np.ndarray,
    deviation: np.ndarray,
    components: np.ndarray,
    max_value: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Loadings for components computed elsewhere, by ridge regression on the scaled genes."""
    from sklearn.linear_model import Ridge

    from scsiameseclu.expression import scale_sparse

    scaled = scale_sparse(part, mean, deviation, max_value)
    ridge = Ridge(alpha=1.0, solver="sparse_cg").fit(scaled, components)
    return ridge.coef_.T, -ridge.intercept_
