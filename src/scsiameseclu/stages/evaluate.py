"""Stage evaluate: scores of the clustering, and with a label column its agreement with it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    import anndata as ad
    import numpy as np
    import pandas as pd

LOOK_MISSING = ("unknown", "unassigned", "unlabelled", "unlabeled")
"""Labels that look like no label; they count as classes, and the note says so."""


def evaluate(
    counts: Path,
    expression: Path,
    graph: Path,
    embedding: Path,
    clusters: Path,
    layout: Path,
    output: Path,
    *,
    label: str | None,
    seed: int,
    sample: str,
    trajectory: Path | None = None,
) -> None:
    """Write ``metrics.json`` of one sample.

    This stage alone, and the report's comparison, may read the labels.

    Parameters
    ----------
    counts
        The h5ad of the stage ingest; only its ``obs`` is read, and only when ``label`` is given.
    expression, graph, embedding, clusters, layout
        The h5ad files of those stages; ``layout`` has Leiden's clusters. Of ``expression`` only
        ``obsm["X_pca"]`` is read.
    output
        Where to write the scores.
    label
        The column of labels; None or empty when there is none.
    seed
        Of the sample of cells for the silhouette.
    trajectory
        The h5ad of that stage, where it ran: its pseudotime is held against a column ``time``.

    Raises
    ------
    UserError
        The label column does not exist.
    """
    from scsiameseclu.store.atomic import write_json
    from scsiameseclu.store.files import read_h5ad, read_parts

    assigned = read_h5ad(clusters)
    cells = assigned.obs_names
    result: dict[str, Any] = {
        "n_cells": int(assigned.n_obs),
        "n_clusters": int(assigned.obs["siamese"].nunique()),
        "unsupervised": _unsupervised(expression, graph, embedding, assigned, seed),
        "labels": None,
        "time": None if trajectory is None else _against_time(counts, trajectory),
    }
    if label:
        labels = _labels(counts, label, sample).loc[cells]
        obs = assigned.obs.assign(leiden=read_parts(layout, ["obs"])["obs"]["leiden"])
        result["labels"] = _against_labels(labels, obs, label)
        spaces = {
            "siamese": read_h5ad(embedding)[cells].obsm["X_siamese"],
            "pca": _components(expression, cells),
        }
        result["labels"]["classification"] = _classified(labels, spaces, seed)
    write_json(output, result)


def _unsupervised(
    expression: Path, graph: Path, embedding: Path, assigned: ad.AnnData, seed: int
) -> dict[str, float | None]:
    import numpy as np

    from scsiameseclu.metrics import graph_purity, silhouette
    from scsiameseclu.store.files import read_h5ad, read_parts

    clusters, cells = assigned.obs["siamese"], assigned.obs_names
    learned = read_h5ad(embedding)[cells].obsm["X_siamese"]
    parts = read_parts(graph, ["obs", "obsp/connectivities"])
    order = parts["obs"].index.get_indexer(cells)
    neighbours = parts["obsp/connectivities"][order][:, order]
    confidence = assigned.obs["siamese_confidence"].to_numpy(dtype=np.float64)
    return {
        "silhouette": silhouette(np.asarray(learned), clusters, seed=seed),
        # The same clusters in a space that was not learned together with them.
        "silhouette_pca": silhouette(_components(expression, cells), clusters, seed=seed),
        "graph_purity": graph_purity(neighbours, clusters),
        "mean_confidence": float(confidence.mean()),
    }


def _components(expression: Path, cells: pd.Index) -> np.ndarray:
    """Principal components of the cells, without reading the matrix."""
    import numpy as np

    from scsiameseclu.store.files import read_parts

    parts = read_parts(expression, ["obs", "obsm/X_pca"])
    components: np.ndarray = np.asarray(parts["obsm/X_pca"])
    return components[parts["obs"].index.get_indexer(cells)]


def _against_time(counts: Path, trajectory: Path) -> dict[str, Any] | None:
    """Rank correlation of the pseudotime with a column ``time``; None where there is none."""
    import numpy as np
    from scipy.stats import spearmanr

    from scsiameseclu.store.files import read_parts
    from scsiameseclu.trajectory import times_as_numbers

    pseudotime = read_parts(trajectory, ["obs"])["obs"]["pseudotime"]
    given = read_parts(counts, ["obs"])["obs"]
    times = times_as_numbers(given["time"].loc[pseudotime.index]) if "time" in given else None
    if times is None:
        return None
    known = np.isfinite(times) & pseudotime.notna().to_numpy()
    if known.sum() < 3:
        return None
    found = spearmanr(times[known], pseudotime[known]).statistic
    return {"n_cells": int(known.sum()), "spearman": float(found)}


def _labels(counts: Path, label: str, sample: str) -> pd.Series:
    from scsiameseclu.io.sample import column_of
    from scsiameseclu.store.files import read_parts

    obs = read_parts(counts, ["obs"])["obs"]
    column = column_of(obs, label)
    if column is None:
        there = ", ".join(map(str, obs.columns)) or "none"
        raise UserError(
            f"sample {sample}: there is no label column {label!r}; the columns are {there}"
        )
    return obs[column]


def _against_labels(labels: pd.Series, obs: pd.DataFrame, column: str) -> dict[str, Any]:
    from scsiameseclu.metrics import agreement, labelled

    known = labelled(labels)
    classes = labels[known].astype(str)
    return {
        "column": column,
        "n_labelled": int(known.sum()),
        "n_unlabelled": int((~known).sum()),
        "n_classes": int(classes.nunique()),
        "note": _note(known, set(classes)),
        **{
            name: agreement(classes, obs[name][known]).to_dict() if known.any() else None
            for name in ("siamese", "leiden")
        },
        "confusion": _confusion(classes, obs["siamese"]),
    }


def _classified(
    labels: pd.Series, spaces: dict[str, np.ndarray], seed: int
) -> dict[str, Any] | None:
    """How well the labels can be told from our embedding and from the principal components."""
    from scsiameseclu.metrics import classification, labelled

    known = labelled(labels)
    own = {name: cells[known] for name, cells in spaces.items()}
    return classification(own, labels[known], seed=seed)


def _confusion(classes: pd.Series, clusters: pd.Series) -> dict[str, list[Any]]:
    """Labelled cells by cluster (rows, in the clusters' order) and class (columns, sorted)."""
    import pandas as pd

    rows = [str(name) for name in clusters.cat.categories]
    columns = sorted(set(classes))
    table = pd.crosstab(clusters.loc[classes.index].astype(str), classes)
    counts = table.reindex(index=rows, columns=columns, fill_value=0)
    return {"clusters": rows, "classes": columns, "counts": counts.to_numpy(dtype=int).tolist()}


def _note(known: np.ndarray, classes: set[str]) -> str:
    """Which cells the scores are about."""
    missing = int((~known).sum())
    if not known.any():
        return "No cell has a label, so there are no scores."
    parts = [
        f"{missing:,} of {len(known):,} cells have no label: they were clustered, and are left out "
        "of these scores."
        if missing
        else "Every cell has a label."
    ]
    doubtful = sorted(name for name in classes if name.strip().lower() in LOOK_MISSING)
    if doubtful:
        parts.append(f"Counted as classes of their own: {', '.join(doubtful)}.")
    return " ".join(parts)
