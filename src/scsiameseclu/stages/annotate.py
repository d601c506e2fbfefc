"""Stage annotate: a cell type for each cluster and cell, where the votes speak clearly enough."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    import anndata as ad

    from scsiameseclu.annotation.votes import Vote

log = logging.getLogger(__name__)
CELLS_AT_ONCE = 2_048
"""Cells whose genes CellTypist makes dense at once."""


def annotate(
    expression: Path,
    clusters: Path,
    embedding: Path,
    table: Path,
    output: Path,
    *,
    settings: AnnotationSettings,
    sample: str,
    organism: str = "auto",
    transferred: Path | None = None,
    seed: int = 0,
) -> None:
    """Annotate the clusters and cells of one sample by markers and, where given, two more votes.

    Parameters
    ----------
    expression
        The h5ad of the stage expression (log-normalised ``X``).
    clusters
        The h5ad of the stage cluster (``obs["siamese"]``).
    embedding
        The h5ad of the stage train (``obsm["X_siamese"]``).
    table
        Where to write one line per cluster.
    output
        Where to write ``obs["cell_type_predicted"]`` (category, the consensus of the cell's
        cluster) and ``obs["cell_type_score"]`` (float32), and the same by cell, as
        ``cell_type_by_cell`` and ``cell_type_by_cell_score``. With markers alone the scores are
        their t values; with more sources they are those of
        :func:`scsiameseclu.annotation.votes.consensus`, 0 to 1, and there are also ``vote_...`` and
        ``vote_..._score`` of each source, by cell. ``uns["annotation"]``: tissue, organism,
        marker table, overlap, sources, and the marker scores (n_clusters, n_types) with the names
        of their rows and columns; ``uns["transfer"]`` and ``uns["celltypist"]`` where they voted.
    organism
        ``"human"``, ``"mouse"`` or ``"auto"``.
    transferred
        The h5ad of the stage transfer, where there is a reference.
    """
    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.annotation.consensus import merge_votes
    from scsiameseclu.store.atomic import write_table
    from scsiameseclu.store.files import add_warnings, read_h5ad, read_parts, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    cells = read_h5ad(expression, without=["layers", "varm"])
    assigned = read_h5ad(clusters).obs["siamese"].loc[cells.obs_names]
    parts = read_parts(embedding, ["obs", "obsm/X_siamese"])
    rows = parts["obs"].index.get_indexer(cells.obs_names)
    annotation = annotate_clusters(
        cells,
        assigned,
        settings,
        embedding=parts["obsm/X_siamese"][rows],
        organism=organism,
        seed=seed,
    )
    votes, notes = _votes_of_cells(expression, cells, settings, transferred)
    types = merge_votes(annotation, assigned, votes, marker_table=settings.marker_table)
    uns = notes | {"annotation": types.summary}
    uns["provenance"] = notes.get("provenance", {}) | record(
        "annotate", seed=seed, settings=settings.to_dict()
    )
    result = sidecar(types.cells, uns=uns)
    add_warnings(result, types.warnings)
    write_h5ad(result, output)
    write_table(table, types.clusters)


def _votes_of_cells(
    expression: Path,
    cells: ad.AnnData,
    settings: AnnotationSettings,
    transferred: Path | None,
) -> tuple[list[Vote], dict[str, Any]]:
    """The votes of the sources that look at each cell, and what is to be noted of them."""
    import numpy as np

    from scsiameseclu.annotation.by_celltypist import celltypist_vote
    from scsiameseclu.annotation.votes import Vote
    from scsiameseclu.store.files import read_blocks, read_h5ad

    votes: list[Vote] = []
    notes: dict[str, Any] = {}
    if transferred is not None:
        carried = read_h5ad(transferred)
        table = carried.obs.loc[cells.obs_names]
        names = table["transferred"].astype(str).to_numpy(dtype=object)
        votes.append(Vote("reference", names, np.asarray(table["transferred_probability"])))
        notes |= {key: carried.uns[key] for key in ("transfer", "provenance")}
    if settings.celltypist_model is not None:
        counts = read_blocks(expression, "layers/counts", CELLS_AT_ONCE)
        vote, match = celltypist_vote(cells.var, counts, settings.celltypist_model)
        votes.append(vote)
        notes["celltypist"] = {"model": settings.celltypist_model, "overlap": match.overlap}
    return votes, notes
