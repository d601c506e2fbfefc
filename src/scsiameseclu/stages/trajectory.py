"""Compute diffusion pseudotime."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.settings import TrajectorySettings

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(
    folder: SampleFolder,
    *,
    settings: TrajectorySettings,
    label: str | None = None,
    seed: int = 0,
) -> None:
    """Write ``trajectory``.

    It contains ``obs["pseudotime"]`` (float32, 0 to 1, NaN for cells not connected with the root)
    and ``obs["pseudotime_spread"]`` (standard deviation over the parts of the embedding),
    ``obsm["X_diffmap"]``, and ``uns["trajectory"]``: name of the root cell, a note on its choice,
    and PAGA's ``connectivities`` of the clusters (n_clusters, n_clusters).

    Parameters
    ----------
    folder
        Folder of the sample.
    settings
        Root of the trajectory.
    label
        Column with published labels, which must not define the root, since only metrics read it.

    Raises
    ------
    UserError
        The root does not exist, or is defined by the label column.
    """
    import numpy as np
    import pandas as pd

    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.trajectory import find_trajectory, root_candidates

    wanted = (settings.root or "").partition("=")[0].strip()
    if problem := label_as_root(settings.root, label):
        raise UserError(problem)
    cells = folder.read("expression", without=["layers", "varm", "obsm"])
    if wanted not in ("", "cluster", "gene"):
        obs = folder.obs("counts")
        cells.obs = obs.drop(columns=[label] if label in obs else [])
    clusters = folder.obs("clusters")["siamese"]
    candidates, note = root_candidates(settings.root, cells, clusters)
    embedding = folder.array("embedding", "obsm/X_siamese")
    parts = FittedModel.load(folder.path("model")).parts(embedding)
    result = find_trajectory(embedding, clusters, candidates, parts=parts, seed=seed)
    times = {"pseudotime": result.pseudotime, "pseudotime_spread": result.spread}
    unreachable = int(np.isnan(result.pseudotime).sum())
    warnings = []
    if unreachable:
        warnings.append(
            f"{unreachable:,} of {len(folder.cells):,} cells are not connected with the root and "
            "have no pseudotime; the sample may contain unrelated cells"
        )
    folder.write(
        "trajectory",
        pd.DataFrame(times, index=folder.cells),
        obsm={"X_diffmap": result.components},
        uns={
            "trajectory": {
                "root": str(folder.cells[result.root]),
                "note": note,
                "connectivities": result.connectivity,
            }
        },
        stage="trajectory",
        seed=seed,
        settings=settings.to_dict(),
        warnings=warnings,
    )
    log.info("%s", note)


def label_as_root(root: str | None, label: str | None) -> str | None:
    """The problem with a root that is defined by the label column; None if there is none."""
    if label and (root or "").partition("=")[0].strip() == label:
        return (
            f"trajectory.root uses the label column {label!r}, which only metrics may read; use a "
            "cluster, a gene or another column"
        )
    return None
