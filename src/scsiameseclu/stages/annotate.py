"""Annotate clusters and cells with cell types from markers, a reference and CellTypist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    import anndata as ad

    from scsiameseclu.annotation.votes import Vote
    from scsiameseclu.store.folder import SampleFolder

BLOCK_CELLS = 2_048
"""Number of cells that CellTypist processes at once, as a dense matrix."""


def run(
    folder: SampleFolder,
    *,
    settings: AnnotationSettings,
    organism: Literal["auto", "human", "mouse"] = "auto",
    seed: int = 0,
) -> None:
    """Write ``annotation`` (cells) and ``annotation_table`` (one row per cluster).

    ``annotation`` contains ``obs["cell_type_predicted"]`` (category, the consensus of the cluster)
    and ``obs["cell_type_score"]`` (float32), and the corresponding results per cell in
    ``cell_type_by_cell`` and ``cell_type_by_cell_score``. With markers only, scores are t values.
    With several sources, they are those of :func:`scsiameseclu.annotation.votes.consensus`, 0 to 1,
    and ``vote_...`` and ``vote_..._score`` contain the votes of each source per cell.
    ``uns["annotation"]`` contains tissue, organism, marker table, overlap, sources, and the marker
    scores (n_clusters, n_types) with the names of their rows and columns; ``uns["transfer"]`` and
    ``uns["celltypist"]`` describe these sources, if used.
    """
    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.annotation.consensus import merge_votes

    cells = folder.read("expression", without=["layers", "varm"])
    clusters = folder.obs("clusters")["siamese"]
    annotation = annotate_clusters(
        cells,
        clusters,
        settings,
        embedding=folder.array("embedding", "obsm/X_siamese"),
        organism=organism,
        seed=seed,
    )
    votes, notes = _votes_of_cells(folder, cells, settings)
    types = merge_votes(annotation, clusters, votes, marker_table=settings.marker_table)
    folder.write_table("annotation_table", types.clusters)
    folder.write(
        "annotation",
        types.cells,
        uns=notes | {"annotation": types.summary},
        stage="annotate",
        seed=seed,
        settings=settings.to_dict(),
        warnings=types.warnings,
    )


def _votes_of_cells(
    folder: SampleFolder, cells: ad.AnnData, settings: AnnotationSettings
) -> tuple[list[Vote], dict[str, Any]]:
    """Votes of the reference and CellTypist on each cell, and entries of ``uns`` about them."""
    import numpy as np

    from scsiameseclu.annotation.by_celltypist import celltypist_vote
    from scsiameseclu.annotation.votes import Vote
    from scsiameseclu.store.files import read_blocks

    votes: list[Vote] = []
    notes: dict[str, Any] = {}
    if folder.has("transfer"):
        transferred = folder.read("transfer")
        names = transferred.obs["transferred"].astype(str).to_numpy(dtype=object)
        strength = np.asarray(transferred.obs["transferred_probability"])
        votes.append(Vote("reference", names, strength))
        notes |= {key: transferred.uns[key] for key in ("transfer", "provenance")}
    if settings.celltypist_model is not None:
        counts = read_blocks(folder.path("expression"), "layers/counts", BLOCK_CELLS)
        vote, match = celltypist_vote(cells.var, counts, settings.celltypist_model)
        votes.append(vote)
        notes["celltypist"] = {"model": settings.celltypist_model, "overlap": match.overlap}
    return votes, notes
