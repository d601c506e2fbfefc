"""From an AnnData to the inputs of a fit; slots that are missing are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.graph.neighbours import find_neighbours
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.model.scaling import GeneScaling, gene_scaling
from scsiameseclu.preprocess.batches import batches_of
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    gene_moments,
    log_normalise,
    median_total,
    principal_components,
)
from scsiameseclu.preprocess.integration import RECORD, UNCORRECTED, Alignment, integrate
from scsiameseclu.preprocess.matrices import (
    check_unique,
    find_counts,
    find_logged,
    find_representation,
)
from scsiameseclu.settings import ExpressionSettings, GraphSettings

PCA = "X_pca"
SCALING = ("pca_mean", "pca_deviation")


@dataclass(frozen=True)
class Prepared:
    """Inputs of one fit; shapes as in :class:`scsiameseclu.module.cells.CellData`.

    ``expression_settings`` and ``graph_settings`` are those that the inputs were made with.
    ``alignment`` is that of the batches, whose ``components`` and graph are of aligned cells, while
    ``scaling`` gives components before alignment; None for cells of one batch.
    """

    expression: sp.csr_matrix
    counts: sp.csr_matrix
    components: np.ndarray
    adjacency: sp.csr_matrix
    scaling: GeneScaling
    expression_settings: ExpressionSettings
    graph_settings: GraphSettings
    alignment: Alignment | None = None

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.expression.shape[0])


def prepare(
    adata: ad.AnnData,
    expression: ExpressionSettings,
    graph: GraphSettings,
    seed: int,
    *,
    logged: bool = False,
    layer: str | None = None,
    batch_key: str | None = None,
    use_rep: str | None = None,
) -> Prepared:
    """Compute the slots that are missing and gather the inputs of a fit.

    With ``logged`` the values are log-normalised, and there are no counts.

    Sets, where missing, ``var["highly_variable"]``, ``obsm["X_pca"]`` (with ``varm["PCs"]`` and
    ``uns["pca"]``; not with ``use_rep``), ``obsp["distances"]``, ``obsp["connectivities"]`` and
    ``uns["neighbors"]``. Existing slots are used and stay as they are, except that a graph of
    another representation than ``use_rep`` (by default ``X_pca``) stays and is not used.

    Batches are aligned, unless ``use_rep`` names other components. Where ``X_pca`` is missing, it
    is set to the aligned components, and ``obsm["X_pca_uncorrected"]`` and ``uns["integration"]``
    are set too. An ``X_pca`` without ``X_pca_uncorrected`` is aligned for the fit alone: it and a
    graph of it stay as they are, and that graph is not used.

    Parameters
    ----------
    layer, batch_key, use_rep
        As for :class:`scsiameseclu.ScSiameseClu`.

    Raises
    ------
    UserError
        There are too few cells, no counts, no such layer, column or representation, or no gene that
        varies.
    """
    if adata.n_obs < MIN_CELLS:
        raise UserError(f"adata has {adata.n_obs} cells; at least {MIN_CELLS} are needed")
    use_rep = None if use_rep == PCA else use_rep
    counts = (find_logged if logged else find_counts)(adata, layer)
    batches = batches_of(adata, batch_key)
    aligned = batches if aligns(adata, expression, batch_key, use_rep) else None
    work = _light_copy(adata, counts if logged else log_normalise(counts)[0], use_rep, aligned)
    rep = use_rep or PCA
    lacking = "highly_variable" not in work.var or rep not in work.obsm
    moments = gene_moments(work.X) if lacking else None
    if "highly_variable" not in work.var:
        choose_variable_genes(work, expression, batches, moments)
    if not work.var["highly_variable"].any():
        raise UserError("no gene varies between the cells of adata; give counts of more genes")
    check_unique(work.var_names[work.var["highly_variable"]])
    if rep not in work.obsm:
        principal_components(work, expression, seed, moments)
    chosen = work.var["highly_variable"].to_numpy(dtype=bool)
    part = sp.csr_matrix(work.X[:, chosen])
    total = None if logged else median_total(counts)
    scaling = gene_scaling(work, part, chosen, total, expression.max_value, use_rep=rep)
    alignment = integrate(work, aligned, seed)
    components = np.asarray(work.obsm[rep], dtype=np.float32)
    if "connectivities" not in work.obsp:
        find_neighbours(work, rep, graph.n_neighbors, graph.metric, seed)
    if alignment and PCA in adata.obsm:  # which stays as it is
        del work.obsm[UNCORRECTED], work.uns[RECORD]
    _copy_slots(work, adata)
    return Prepared(
        expression=part,
        counts=sp.csr_matrix(counts[:, chosen]),
        components=components,
        adjacency=sp.csr_matrix(work.obsp["connectivities"]),
        scaling=scaling,
        expression_settings=expression,
        graph_settings=graph,
        alignment=alignment,
    )


def aligns(
    adata: ad.AnnData, expression: ExpressionSettings, batch_key: str | None, use_rep: str | None
) -> bool:
    """Whether :func:`prepare` aligns batches: there are two or more, and it is not switched off."""
    batches = batches_of(adata, batch_key)
    if batches is None or expression.integration == "none" or use_rep not in (None, PCA):
        return False
    return len(batches.cat.categories) > 1


def reused_slots(
    adata: ad.AnnData, use_rep: str | None = None, *, aligned: bool = False
) -> dict[str, tuple[str, ...]]:
    """The slots that :func:`prepare` takes as they are, with the settings that they replace.

    ``aligned`` says whether it :func:`aligns` batches.
    """
    rep = use_rep or PCA
    slots: dict[str, tuple[str, ...]] = {}
    if "highly_variable" in adata.var:
        slots['var["highly_variable"]'] = ("n_top_genes",)
    if rep in adata.obsm:
        slots[f'obsm["{rep}"]'] = ("n_pcs",)
    if "connectivities" in adata.obsp and _graph_is_of(adata, rep, aligned):
        slots['obsp["connectivities"]'] = ("n_neighbors", "metric")
    return slots


def _graph_is_of(adata: ad.AnnData, rep: str, aligned: bool) -> bool:
    """Whether the neighbour graph is of the components of the fit."""
    if aligned and UNCORRECTED not in adata.obsm:
        return False  # of components before alignment
    return _representation_of_graph(adata) == rep


def _light_copy(
    adata: ad.AnnData, normalised: sp.csr_matrix, use_rep: str | None, aligned: pd.Series | None
) -> ad.AnnData:
    """A copy with log-normalised X and only the slots that a fit may use.

    ``X_pca`` is of cells before alignment where they are to be ``aligned``.
    """
    work = ad.AnnData(X=normalised, obs=adata.obs[[]].copy(), var=adata.var[[]].copy())
    for name in ("highly_variable", *SCALING):
        if name in adata.var:
            work.var[name] = adata.var[name].to_numpy()
    if "highly_variable" in work.var and work.var["highly_variable"].dtype != bool:
        work.var["highly_variable"] = _truth(adata.var["highly_variable"])
    slots: list[tuple[Any, Any, list[str]]] = []
    if use_rep is None:
        if PCA in adata.obsm:
            find_representation(adata, PCA)  # only checks it
        slots += [(work.obsm, adata.obsm, [PCA]), (work.varm, adata.varm, ["PCs"])]
        slots += [(work.uns, adata.uns, ["pca"])]
        if aligned is not None and {PCA, UNCORRECTED} <= set(adata.obsm):
            work.obsm[PCA] = find_representation(adata, UNCORRECTED)
    else:
        work.obsm[use_rep] = find_representation(adata, use_rep)
    if _graph_is_of(adata, use_rep or PCA, aligned is not None):
        slots += [(work.obsp, adata.obsp, ["connectivities", "distances"])]
        slots += [(work.uns, adata.uns, ["neighbors"])]
    for mine, theirs, keys in slots:
        for key in keys:
            if key in theirs and key not in mine:
                mine[key] = theirs[key]
    return work


def _truth(column: pd.Series) -> np.ndarray:
    """The column ``highly_variable``, which other tools may store as objects or numbers."""
    if not column.isin([True, False]).all():
        raise UserError(
            'adata.var["highly_variable"] must be True or False for each gene; correct or delete it'
        )
    return column.to_numpy(dtype=bool)


def _representation_of_graph(adata: ad.AnnData) -> str:
    """What the neighbour graph was computed from, as scanpy records it."""
    return str(adata.uns.get("neighbors", {}).get("params", {}).get("use_rep", PCA))


def _copy_slots(work: ad.AnnData, adata: ad.AnnData) -> None:
    """Give the user's AnnData what it lacked."""
    for name in ("highly_variable", *SCALING):
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
