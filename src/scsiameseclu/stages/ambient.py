"""Estimate ambient RNA: its profile, and the contamination of each cell."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import Counts, ReadRequest
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.settings import AmbientSettings
from scsiameseclu.stages.raw_droplets import FALL_BACK, LIMITS, READING, soup_of_raw

if TYPE_CHECKING:
    import anndata as ad
    import numpy as np

    from scsiameseclu.preprocess.ambient import Ambient
    from scsiameseclu.store.folder import SampleFolder

TOP_GENES = 20
"""Number of the most abundant ambient genes that are listed."""
REPLACED = "cells instead of droplets"
"""Source of the profile if the raw matrix cannot be used."""
CAPTURES = ("uns/source", "uns/hashtags")
"""Elements of the counts that :func:`~scsiameseclu.preprocess.batches.capture_names` reads."""


def run(
    folder: SampleFolder,
    *,
    settings: AmbientSettings,
    raw: str | None = None,
    genome: str | None = None,
    counts: Counts = "whole",
    seed: int = 0,
    limits: LimitSettings = LIMITS,
) -> None:
    """Write ``ambient``, for the kept cells and genes.

    It contains ``obs["contamination"]`` (share of the counts, float32; NaN if not estimable),
    ``var["ambient"]`` (share in the ambient profile, float32), ``uns["ambient"]`` (mean
    contamination, source of the profile, most abundant genes) and what the stage expression needs
    to correct the counts: ``obs["ambient_group"]`` and the profiles of these groups in ``varm``.

    Parameters
    ----------
    raw
        File or folder with the counts of all droplets of the run. If it cannot be used and the
        counts are not corrected, the profile is that of all cells, with a warning.
    genome, counts
        How to read it.
    limits
        Limits of what is read.

    Raises
    ------
    UserError
        The raw matrix cannot be read or has other genes, and the counts are to be corrected.
    """
    import numpy as np
    import pandas as pd

    from scsiameseclu.preprocess.ambient import estimate_ambient, quick_clusters
    from scsiameseclu.preprocess.batches import capture_names

    cells = _kept(folder)
    captures = capture_names(cells)
    soup, doubts = _soup(raw, cells, settings, genome=genome, counts=counts, limits=limits)
    droplets = None if soup is None else dict.fromkeys(np.unique(captures), soup)
    clusters = quick_clusters(cells.X, seed)
    ambient = estimate_ambient(cells.X, clusters, captures=captures, droplets=droplets)
    profile = ambient.mean_profile
    source = "empty droplets" if droplets else REPLACED if raw else "cells"
    reading = ReadRequest(genome=genome, counts=counts).to_dict()
    reading = {key: reading[key] for key in READING if raw and reading[key] not in (None, "whole")}
    obs = pd.DataFrame(
        {
            "contamination": ambient.contamination.astype(np.float32),
            "ambient_group": ambient.group.astype(np.int32),
        },
        index=cells.obs_names,
    )
    folder.write(
        "ambient",
        obs,
        var=pd.DataFrame({"ambient": profile.astype(np.float32)}, index=cells.var_names),
        varm={
            "ambient_native": ambient.native.T.astype(np.float32),
            "ambient_profile": ambient.profile.T.astype(np.float32),
        },
        uns={"ambient": _summary(ambient, profile, cells, captures, source, settings)},
        stage="ambient",
        seed=seed,
        settings=settings.to_dict() | {"raw": raw} | reading,
        warnings=[*doubts, *ambient.warnings],
    )


def read_ambient(folder: SampleFolder) -> Ambient:
    """The estimate in the file of this stage, for all kept cells and genes."""
    from scsiameseclu.preprocess.ambient import Ambient
    from scsiameseclu.store.files import read_h5ad

    adata = read_h5ad(folder.path("ambient"))
    return Ambient(
        contamination=adata.obs["contamination"].to_numpy(float),
        group=adata.obs["ambient_group"].to_numpy(),
        native=adata.varm["ambient_native"].T,
        profile=adata.varm["ambient_profile"].T,
        group_contamination=_of_groups(adata.obs),
    )


def _of_groups(obs: Any) -> np.ndarray:
    means: np.ndarray = obs.groupby("ambient_group")["contamination"].mean().to_numpy(float)
    return means


def _kept(folder: SampleFolder) -> ad.AnnData:
    """Counts of the kept cells and genes, with all that tells their captures."""
    import anndata as ad

    from scsiameseclu.store.files import read_columns, read_parts

    kept = read_parts(folder.path("filtered"), ["obs", "var"])
    ingested = read_parts(folder.path("counts"), ["obs", "var", *CAPTURES])
    cells, genes = (ingested[part].index.isin(kept[part].index) for part in ("obs", "var"))
    counts = read_columns(folder.path("counts"), "X", genes, rows=cells)
    return ad.AnnData(
        counts,
        obs=ingested["obs"].loc[cells],
        var=ingested["var"].loc[genes],
        uns={key.removeprefix("uns/"): ingested[key] for key in CAPTURES if key in ingested},
    )


def _soup(
    raw: str | None,
    cells: ad.AnnData,
    settings: AmbientSettings,
    *,
    genome: str | None,
    counts: Counts,
    limits: LimitSettings,
) -> tuple[np.ndarray | None, list[str]]:
    """Counts of each gene in the empty droplets, if any can be used, and warnings."""
    if raw is None:
        return None, []
    if not os.path.exists(raw):
        raise UserError(f"column raw, {raw} does not exist; correct it")
    try:
        soup = soup_of_raw(
            raw, cells.var, cells.obs_names, genome=genome, counts=counts, limits=limits
        )
    except UserError as error:
        if settings.mode == "correct":
            raise
        return None, [f"{error}; {FALL_BACK}"]
    return soup, []


def _summary(
    ambient: Ambient,
    profile: np.ndarray,
    cells: ad.AnnData,
    captures: np.ndarray,
    source: str,
    settings: AmbientSettings,
) -> dict[str, Any]:
    """Content of ``uns["ambient"]``."""
    import numpy as np
    import pandas as pd

    order = np.argsort(-profile, kind="stable")[:TOP_GENES]
    known = ~np.isnan(ambient.contamination)
    means = pd.Series(ambient.contamination).groupby(captures).mean()
    return {
        "mode": settings.mode,
        "source": source,
        "mean": float(ambient.contamination[known].mean()) if known.any() else float("nan"),
        "captures": means.index.to_numpy(dtype=object),
        "mean_by_capture": means.to_numpy(float),
        "genes": cells.var["gene_symbol"].iloc[order].astype(str).to_numpy(dtype=object),
        "shares": profile[order],
    }
