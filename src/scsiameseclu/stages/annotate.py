"""Name the cell type of each cluster and cell by votes: markers, a reference, CellTypist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    import anndata as ad
    import numpy as np
    import pandas as pd

    from scsiameseclu.annotation.by_markers import Annotation
    from scsiameseclu.annotation.votes import Vote
    from scsiameseclu.store.folder import SampleFolder

MANY_NAMES = 5
CELLS_AT_ONCE = 2_048
"""Cells whose genes CellTypist makes dense at once."""


def run(
    folder: SampleFolder,
    *,
    settings: AnnotationSettings,
    organism: Literal["auto", "human", "mouse"] = "auto",
    seed: int = 0,
) -> None:
    """Write ``annotation`` (cells) and ``annotation_table`` (one line per cluster).

    ``annotation``: ``obs["cell_type_predicted"]`` (category, the consensus of the cell's cluster)
    and ``obs["cell_type_score"]`` (float32), and the same by cell, as ``cell_type_by_cell`` and
    ``cell_type_by_cell_score``. With markers alone the scores are their t values; with more sources
    they are those of :func:`scsiameseclu.annotation.votes.consensus`, 0 to 1, and there are also
    ``vote_...`` and ``vote_..._score`` of each source, by cell. ``uns["annotation"]``: tissue,
    organism, marker table, overlap, sources, and the marker scores (n_clusters, n_types) with the
    names of their rows and columns; ``uns["transfer"]`` and ``uns["celltypist"]`` where they voted.
    """
    import pandas as pd

    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.annotation.votes import consensus, vote_of_clusters

    cells = folder.read("expression", without=["layers", "varm"])
    clusters = folder.obs("clusters")["siamese"]
    annotation = annotate_clusters(
        cells,
        clusters,
        settings,
        embedding=folder.array("embedding", "obsm/X_siamese"),
        organism=organism,
        sample=folder.sample,
        seed=seed,
    )
    by_cell, notes = _votes_of_cells(folder, cells, settings)
    by_cluster = [
        *(vote_of_clusters(vote, clusters) for vote in by_cell),
        _marker_vote(annotation.table),
    ]
    types, scores = consensus(by_cluster)
    votes = [*by_cell, _marker_vote(annotation.cells)]
    cell_types, cell_scores = consensus(votes)
    if not by_cell:
        scores = annotation.table["score"].to_numpy(dtype=float)
        cell_scores = annotation.cells["score"].to_numpy(dtype=float)
    rows = pd.Index(annotation.table["cluster"]).get_indexer(clusters.astype(str))
    obs = _columns(types[rows], scores[rows])
    obs |= _columns(cell_types, cell_scores, "cell_type_by_cell", "cell_type_by_cell_score")
    if by_cell:
        for vote in votes:
            name = f"vote_{vote.source}"
            obs |= _columns(vote.names, vote.strength, name, f"{name}_score")
    folder.write_table("annotation_table", _with_votes(annotation.table, types, scores, by_cluster))
    folder.write(
        "annotation",
        pd.DataFrame(obs, index=folder.cells),
        uns=notes | {"annotation": _summary(annotation, settings, by_cluster)},
        stage="annotate",
        seed=seed,
        settings=settings.to_dict(),
        warnings=[*annotation.warnings, *_incomparable(by_cluster)],
    )


def _votes_of_cells(
    folder: SampleFolder, cells: ad.AnnData, settings: AnnotationSettings
) -> tuple[list[Vote], dict[str, Any]]:
    """The votes of the sources that look at each cell, and what to note about them."""
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
        counts = read_blocks(folder.path("expression"), "layers/counts", CELLS_AT_ONCE)
        vote, match = celltypist_vote(
            cells.var, counts, settings.celltypist_model, sample=folder.sample
        )
        votes.append(vote)
        notes["celltypist"] = {"model": settings.celltypist_model, "overlap": match.overlap}
    return votes, notes


def _marker_vote(table: pd.DataFrame) -> Vote:
    import numpy as np

    from scsiameseclu.annotation.cell_types import UNASSIGNED
    from scsiameseclu.annotation.votes import Vote

    names = table["cell_type"].to_numpy(dtype=object)
    return Vote("markers", names, np.where(names == UNASSIGNED, 0.0, 1.0))


def _columns(
    types: np.ndarray,
    scores: np.ndarray,
    name: str = "cell_type_predicted",
    score: str = "cell_type_score",
) -> dict[str, Any]:
    import numpy as np
    import pandas as pd

    return {name: pd.Categorical(types.astype(str)), score: np.asarray(scores, dtype=np.float32)}


def _with_votes(
    table: pd.DataFrame, types: np.ndarray, scores: np.ndarray, votes: list[Vote]
) -> pd.DataFrame:
    """The table of clusters with the consensus and all votes before what speaks for markers."""
    import numpy as np

    if len(votes) == 1:
        return table
    result = table.assign(cell_type=types)
    place = list(result.columns).index("cell_type") + 1
    added: dict[str, Any] = {"consensus_score": np.round(scores, 4)}
    for vote in votes:
        added[f"vote_{vote.source}"] = vote.names
        if vote.source != "markers":
            added[f"share_{vote.source}"] = np.round(vote.strength, 4)
    for offset, (name, values) in enumerate(added.items()):
        result.insert(place + offset, name, values)
    return result


def _incomparable(votes: list[Vote]) -> list[str]:
    from scsiameseclu.annotation.votes import not_comparable

    names = not_comparable(votes)
    if not names:
        return []
    shown = ", ".join(names[:MANY_NAMES]) + (", …" if len(names) > MANY_NAMES else "")
    return [
        f"{len(names)} names of cell types are unknown ({shown}), so they cannot be compared with "
        "other votes; the reference's names then decide"
    ]


def _summary(
    annotation: Annotation, settings: AnnotationSettings, votes: list[Vote]
) -> dict[str, Any]:
    import numpy as np

    return {
        "tissue": annotation.tissue,
        "organism": annotation.organism,
        "marker_table": settings.marker_table or "canonical",
        "overlap": annotation.overlap,
        "sources": np.array([vote.source for vote in votes], dtype=object),
        "scores": annotation.scores.to_numpy(dtype=np.float64),
        "clusters": np.array(annotation.scores.index, dtype=object),
        "cell_types": np.array(annotation.scores.columns, dtype=object),
    }
