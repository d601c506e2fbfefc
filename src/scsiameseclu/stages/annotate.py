"""Stage annotate: a cell type for each cluster and cell, where the votes speak clearly enough."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    import anndata as ad
    import numpy as np
    import pandas as pd

    from scsiameseclu.annotation.by_markers import Annotation
    from scsiameseclu.annotation.votes import Vote

log = logging.getLogger(__name__)
MANY_NAMES = 5
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
    import pandas as pd

    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.annotation.votes import consensus, vote_of_clusters
    from scsiameseclu.store.atomic import write_table
    from scsiameseclu.store.files import add_warnings, read_h5ad, read_parts, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    cells = read_h5ad(expression, without=["layers", "varm"])
    assigned = read_h5ad(clusters).obs["siamese"].loc[cells.obs_names]
    lies = read_parts(embedding, ["obs", "obsm/X_siamese"])
    at = lies["obs"].index.get_indexer(cells.obs_names)
    found = annotate_clusters(
        *(cells, assigned, settings),
        embedding=lies["obsm/X_siamese"][at],
        organism=organism,
        seed=seed,
    )
    by_cell, notes = _votes_of_cells(expression, cells, settings, transferred)
    markers = _marker_vote(found.table)
    by_cluster = [*(vote_of_clusters(vote, assigned) for vote in by_cell), markers]
    types, scores = consensus(by_cluster)
    votes = [*by_cell, _marker_vote(found.cells)]
    own, strength = consensus(votes)
    if not by_cell:
        scores = found.table["score"].to_numpy(dtype=float)
        strength = found.cells["score"].to_numpy(dtype=float)
    codes = pd.Index(found.table["cluster"]).get_indexer(assigned.astype(str))
    obs = _columns(types[codes], scores[codes])
    obs |= _columns(own, strength, "cell_type_by_cell", "cell_type_by_cell_score")
    if by_cell:
        for vote in votes:
            name = f"vote_{vote.source}"
            obs |= _columns(vote.names, vote.strength, name, f"{name}_score")
    uns = notes | {"annotation": _summary(found, settings, by_cluster)}
    uns["provenance"] = notes.get("provenance", {}) | record(
        "annotate", seed=seed, settings=settings.to_dict()
    )
    result = sidecar(pd.DataFrame(obs, index=cells.obs_names), uns=uns)
    add_warnings(result, [*found.warnings, *_incomparable(by_cluster)])
    write_h5ad(result, output)
    write_table(table, _with_votes(found.table, types, scores, by_cluster))


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


def _marker_vote(found: pd.DataFrame) -> Vote:
    import numpy as np

    from scsiameseclu.annotation.cell_types import UNASSIGNED
    from scsiameseclu.annotation.votes import Vote

    names = found["cell_type"].to_numpy(dtype=object)
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
        f"{len(names)} names of cell types are not known ({shown}), so they cannot be compared "
        "with other votes; the source of highest rank decides there"
    ]


def _summary(found: Annotation, settings: AnnotationSettings, votes: list[Vote]) -> dict[str, Any]:
    import numpy as np

    return {
        "tissue": found.tissue,
        "organism": found.organism,
        "marker_table": settings.marker_table or "canonical",
        "overlap": found.overlap,
        "sources": np.array([vote.source for vote in votes], dtype=object),
        "scores": found.scores.to_numpy(dtype=np.float64),
        "clusters": np.array(found.scores.index, dtype=object),
        "cell_types": np.array(found.scores.columns, dtype=object),
    }
