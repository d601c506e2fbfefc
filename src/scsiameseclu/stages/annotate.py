"""Annotate clusters and cells with cell types from markers, a reference and CellTypist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    import anndata as ad

    from scsiameseclu.annotation.doublet_clusters import Mixture
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
    and ``obs["cell_type_score"]`` (float32), its Cell Ontology id and the confidence of the markers
    (``cell_type_ontology_term_id``, ``cell_type_confidence``), and the corresponding types and
    scores per cell in ``cell_type_by_cell`` and ``cell_type_by_cell_score``. With markers only,
    scores are t values. With several sources, they are those of
    :func:`scsiameseclu.annotation.votes.consensus`, 0 to 1, and ``vote_...`` and
    ``vote_..._score`` contain the votes of each source per cell.
    ``uns["annotation"]`` contains tissue, organism, marker table, overlap, sources, and the marker
    scores (n_clusters, n_types) with the names of their rows and columns, ``states`` of the
    clusters, and ``doublet_of``: the
    parents of the clusters that consist of doublets, if there are any (also a column of the table).
    Names in ``curation.tsv`` replace those of the consensus; then there are also the columns
    ``predicted_type``, ``curated`` and ``note``, and ``obs["cell_type_curated"]``.
    ``uns["transfer"]`` and ``uns["celltypist"]`` describe these sources, if used.
    """
    import numpy as np

    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.annotation.cell_types import vocabulary
    from scsiameseclu.annotation.consensus import merge_votes
    from scsiameseclu.annotation.doublet_clusters import doublet_clusters
    from scsiameseclu.annotation.states import with_quality_states
    from scsiameseclu.curation.names import with_curated_names
    from scsiameseclu.curation.table import edited_lines

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
    quality = folder.obs("filtered")
    doublets = doublet_clusters(
        cells.X,
        clusters,
        quality["doublet_score"].to_numpy(float),
        quality["total_counts"].to_numpy(float),
    )
    if doublets:
        types.summary["doublet_of"] = {name: "+".join(m.parents) for name, m in doublets.items()}
    of_clusters = types.clusters["cluster"].astype(str).map(types.summary.get("doublet_of", {}))
    table = with_quality_states(types.clusters, clusters, quality, doublets)
    types.summary["states"] = np.array(table["states"], dtype=object)
    table, of_cells = with_curated_names(
        table.assign(doublet_of=of_clusters.fillna("")),
        types.cells,
        clusters,
        edited_lines(folder.directory),
        folder.uns("clusters", "curation") or {},
        ontology_id=vocabulary().ontology_id,
    )
    folder.write_table("annotation_table", table)
    folder.write(
        "annotation",
        of_cells,
        uns=notes | {"annotation": types.summary},
        stage="annotate",
        seed=seed,
        settings=settings.to_dict(),
        warnings=[*types.warnings, *_doublet_warnings(doublets)],
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


def _doublet_warnings(doublets: Mapping[str, Mixture]) -> list[str]:
    return [
        f"cluster {name} seems to consist of doublets of clusters {' and '.join(mixture.parents)} "
        f"(median doublet score above chance, more counts than both, {mixture.n_own} genes of its "
        f"own but {mixture.n_distinguishing:,} that distinguish the two)"
        for name, mixture in doublets.items()
    ]
