"""From an AnnData to what training needs: counts found, missing slots computed."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.model.scaling import GeneScaling, gene_scaling
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    log_normalise,
    median_total,
    principal_components,
)
from scsiameseclu.preprocess.neighbours import build_graph
from scsiameseclu.settings import ExpressionSettings, GraphSettings

BLOCK = 4096


@dataclass(frozen=True)
class Prepared:
    """Inputs of one fit; shapes as in :class:`scsiameseclu.module.cells.CellData`.

    ``expression_settings`` and ``graph_settings`` are those that the inputs were made with.
    """

    expression: sp.csr_matrix
    counts: sp.csr_matrix
    components: np.ndarray
    adjacency: sp.csr_matrix
    scaling: GeneScaling
    expression_settings: ExpressionSettings
    graph_settings: GraphSettings

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.expression.shape[0])


def find_counts(adata: ad.AnnData) -> sp.csr_matrix:
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


def find_logged(adata: ad.AnnData) -> sp.csr_matrix:
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
    adata: ad.AnnData,
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
    total = None if logged else median_total(counts)
    scaling = gene_scaling(work, part, chosen, total, expression.max_value)
    return Prepared(
        expression=part,
        counts=sp.csr_matrix(counts[:, chosen]),
        components=np.asarray(work.obsm["X_pca"], dtype=np.float32),
        adjacency=sp.csr_matrix(work.obsp["connectivities"]),
        scaling=scaling,
        expression_settings=expression,
        graph_settings=graph,
    )


def _light_copy(adata: ad.AnnData, normalised: sp.csr_matrix) -> ad.AnnData:
    """A copy with log-normalised X and only the slots that a fit may use."""
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


def _copy_slots(work: ad.AnnData, adata: ad.AnnData) -> None:
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
