"""Cell types of clusters and cells from the votes of all sources."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.annotation.by_markers import Annotation
from scsiameseclu.annotation.cell_types import UNASSIGNED, vocabulary
from scsiameseclu.annotation.votes import Vote, consensus, not_comparable, vote_of_clusters

MAX_NAMES = 5
BY_CLUSTER = ("cell_type_predicted", "cell_type_score")
ID, CONFIDENCE = "cell_type_ontology_term_id", "cell_type_confidence"
BY_CELL = ("cell_type_by_cell", "cell_type_by_cell_score")


@dataclass(frozen=True)
class CellTypes:
    """The consensus of all votes.

    Attributes
    ----------
    cells
        ``cell_type_predicted`` (category, the consensus of the cell's cluster),
        ``cell_type_ontology_term_id`` (category, its Cell Ontology id, empty if there is none),
        ``cell_type_score`` and ``cell_type_confidence`` (float32); type and score cell by cell as
        ``cell_type_by_cell`` and ``cell_type_by_cell_score``. The confidence is that of the
        markers in their type, and 0 where the consensus differs from it. Scores are t values if
        markers are the only source. With more sources they are those of
        :func:`scsiameseclu.annotation.votes.consensus`, 0 to 1, and there
        are also ``vote_SOURCE`` and ``vote_SOURCE_score`` of each, cell by cell.
    clusters
        One row per cluster: the table of :class:`~scsiameseclu.annotation.by_markers.Annotation`;
        with more than one source ``cell_type`` is the consensus, and ``consensus_score`` and the
        votes are added.
    summary
        ``tissue``, ``organism``, ``marker_table``, ``overlap``, ``sources``, and the marker
        ``scores`` (n_clusters, n_types) with the names of their rows and columns.
    warnings
        Sentences on the markers and on names that cannot be compared.
    """

    cells: pd.DataFrame
    clusters: pd.DataFrame
    summary: dict[str, Any]
    warnings: list[str]


def merge_votes(
    annotation: Annotation,
    clusters: pd.Series,
    votes: Sequence[Vote] = (),
    *,
    marker_table: str | None = None,
) -> CellTypes:
    """Merge the markers' votes with those of other sources.

    Parameters
    ----------
    annotation
        The types by markers.
    clusters
        Categorical cluster of each cell, as given to
        :func:`~scsiameseclu.annotation.by_markers.annotate_clusters`.
    votes
        Votes of other sources on each cell.
    marker_table
        Name of a user's marker table, for the summary.
    """
    present = clusters.cat.remove_unused_categories()
    by_cluster = [
        *(vote_of_clusters(vote, present) for vote in votes),
        marker_vote(annotation.table),
    ]
    by_cell = [*votes, marker_vote(annotation.cells)]
    cluster_types, cluster_scores = consensus(by_cluster)
    cell_types, cell_scores = consensus(by_cell)
    if not votes:
        cluster_scores = annotation.table["score"].to_numpy(dtype=float)
        cell_scores = annotation.cells["score"].to_numpy(dtype=float)
    rows = pd.Index(annotation.table["cluster"]).get_indexer(present.astype(str))
    table = _with_votes(annotation.table, cluster_types, cluster_scores, by_cluster)
    columns = _columns(BY_CLUSTER, cluster_types[rows], cluster_scores[rows])
    columns[ID] = pd.Categorical(table[ID].to_numpy(dtype=object)[rows])
    columns[CONFIDENCE] = table[CONFIDENCE].to_numpy(dtype=np.float32)[rows]
    columns |= _columns(BY_CELL, cell_types, cell_scores)
    if votes:
        for vote in by_cell:
            names = (f"vote_{vote.source}", f"vote_{vote.source}_score")
            columns |= _columns(names, vote.names, vote.strength)
    return CellTypes(
        cells=pd.DataFrame(columns, index=clusters.index),
        clusters=table,
        summary=_summary(annotation, marker_table, by_cluster),
        warnings=[*annotation.warnings, *_incomparable(by_cluster)],
    )


def marker_vote(table: pd.DataFrame) -> Vote:
    """The vote of the markers on clusters or cells, from their ``cell_type``."""
    names = table["cell_type"].to_numpy(dtype=object)
    return Vote("markers", names, np.where(names == UNASSIGNED, 0.0, 1.0))


def _columns(names: tuple[str, str], types: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    return {
        names[0]: pd.Categorical(types.astype(str)),
        names[1]: np.asarray(scores, dtype=np.float32),
    }


def _with_votes(
    table: pd.DataFrame, types: np.ndarray, scores: np.ndarray, votes: list[Vote]
) -> pd.DataFrame:
    """The table of clusters with the consensus and all votes after ``cell_type``."""
    if len(votes) == 1:
        return table
    known = vocabulary()
    agrees = [
        known.canonical(str(name)) in known.lineage(str(by_markers))
        for name, by_markers in zip(types, table["cell_type"], strict=True)
    ]
    result = table.assign(cell_type=types)
    result[ID] = [known.ontology_id(str(name)) for name in types]
    result[CONFIDENCE] = np.where(agrees, table[CONFIDENCE], 0.0)
    added: dict[str, Any] = {"consensus_score": np.round(scores, 4)}
    for vote in votes:
        added[f"vote_{vote.source}"] = vote.names
        if vote.source != "markers":
            added[f"share_{vote.source}"] = np.round(vote.strength, 4)
    position = list(result.columns).index(CONFIDENCE) + 1
    for offset, (name, values) in enumerate(added.items()):
        result.insert(position + offset, name, values)
    return result


def _incomparable(votes: list[Vote]) -> list[str]:
    names = not_comparable(votes)
    if not names:
        return []
    shown = ", ".join(names[:MAX_NAMES]) + (", …" if len(names) > MAX_NAMES else "")
    return [
        f"{len(names)} names of cell types are unknown ({shown}), so they cannot be compared with "
        "other votes; the source of highest rank decides there"
    ]


def _summary(annotation: Annotation, marker_table: str | None, votes: list[Vote]) -> dict[str, Any]:
    return {
        "tissue": annotation.tissue,
        "organism": annotation.organism,
        "marker_table": marker_table or "canonical",
        "overlap": annotation.overlap,
        "sources": np.array([vote.source for vote in votes], dtype=object),
        "scores": annotation.scores.to_numpy(dtype=np.float64),
        "clusters": np.array(annotation.scores.index, dtype=object),
        "cell_types": np.array(annotation.scores.columns, dtype=object),
    }
