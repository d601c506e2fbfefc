"""Stage trajectory: an order of the cells, where one was asked for."""

import logging
from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.settings import TrajectorySettings

log = logging.getLogger(__name__)


def trajectory(
    counts: Path,
    expression: Path,
    embedding: Path,
    clusters: Path,
    model_dir: Path,
    output: Path,
    *,
    settings: TrajectorySettings,
    label: str | None,
    sample: str,
    seed: int,
) -> None:
    """Write the trajectory of one sample.

    Parameters
    ----------
    counts
        The h5ad of the stage ingest: a column of its ``obs`` may name the root.
    expression, embedding, clusters
        The h5ad files of those stages.
    model_dir
        The folder of the trained model, which knows the parts of the embedding.
    output
        The h5ad to write: ``obs["pseudotime"]`` (float32, 0 to 1, NaN where no path leads) and
        ``obs["pseudotime_spread"]`` (standard deviation over the parts), ``obsm["X_diffmap"]``, and
        ``uns["trajectory"]``: name of the root cell, a sentence on it, and PAGA's
        ``connectivities`` of the clusters (n_clusters, n_clusters).
    label
        Column of published labels, which must not name the root: nothing but metrics reads it.

    Raises
    ------
    UserError
        The root is not there, or is named by the label column.
    """
    import numpy as np

    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.store.files import add_warnings, read_h5ad, read_parts, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record
    from scsiameseclu.trajectory import find_trajectory, root_candidates

    wanted = (settings.root or "").partition("=")[0].strip()
    if label and wanted == label:
        raise UserError(
            f"sample {sample}: the root is named by {label!r}, the column of labels, which only "
            "metrics may read; name a cluster, a gene or another column"
        )
    cells = read_h5ad(expression, without=["layers", "varm", "obsm"])
    if wanted not in ("", "cluster", "gene"):
        given = read_parts(counts, ["obs"])["obs"].loc[cells.obs_names]
        cells.obs = given.drop(columns=[label] if label in given else [])
    assigned = read_h5ad(clusters).obs["siamese"].loc[cells.obs_names]
    candidates, sentence = root_candidates(settings.root, cells, assigned)
    learned = np.asarray(read_h5ad(embedding)[cells.obs_names].obsm["X_siamese"])
    parts = FittedModel.load(model_dir).parts(learned)
    found = find_trajectory(learned, assigned, candidates, parts=parts, seed=seed)
    result = sidecar(cells.obs_names, obsm={"X_diffmap": found.components})
    result.obs["pseudotime"], result.obs["pseudotime_spread"] = found.pseudotime, found.spread
    result.uns = {
        "trajectory": {
            "root": str(cells.obs_names[found.root]),
            "note": sentence,
            "connectivities": found.connectivity,
        },
        "provenance": record("trajectory", seed=seed, settings=settings.to_dict()),
    }
    lost = int(np.isnan(found.pseudotime).sum())
    if lost:
        add_warnings(
            result,
            [
                f"sample {sample}: {lost:,} of {len(found.pseudotime):,} cells are joined with the "
                "root by no path and have no pseudotime; the sample may hold unrelated cells"
            ],
        )
    log.info("%s", sentence)
    write_h5ad(result, output)
