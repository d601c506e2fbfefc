"""Join the results of a sample in one annotated h5ad file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from scsiameseclu.store.manifest import CORRECT

if TYPE_CHECKING:
    import h5py
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder

MATRICES = ("X", "layers")
"""Slots that are copied on disk, without loading them."""
INTERNAL = ["ambient_group"]
"""Columns that only stages exchange."""


def run(folder: SampleFolder, *, design: dict[str, dict[str, str]] | None = None) -> None:
    """Write ``deliverable``.

    It contains ``X`` (log-normalised), ``layers["counts"]``; ``obs``: sample, batch, the input's
    columns, and those of the stages; ``var``: names, number of cells, variability; ``obsm``: X_pca,
    X_siamese, siamese_probability, X_umap; ``obsp``: distances, connectivities; ``uns``: source,
    quality, pca, neighbors, training, siamese, annotation, provenance (with ``where`` each stage
    ran in Slurm jobs and containers) and warnings of all stages, and ``siamese_colors``, the
    colours of the clusters in the report, which scanpy uses. If cells were called among droplets or
    demultiplexed, ``uns`` also contains droplets or hashtags. If there is a trajectory, it also
    contains ``obs["pseudotime"]``, ``obsm["X_diffmap"]`` and ``uns["trajectory"]``; with an
    estimate of ambient RNA, ``obs["contamination"]``, ``var["ambient"]`` and ``uns["ambient"]``. In
    runs that correct it, ``X`` is computed from ``layers["corrected"]``.

    Parameters
    ----------
    folder
        Folder of the sample or cohort.
    design
        Condition, donor and free columns (``meta_*``) of each sample in the sheet, for ``obs``.

    Raises
    ------
    UserError
        A file is missing, or lacks some of the cells or genes.
    """
    from scsiameseclu.store.align import positions
    from scsiameseclu.store.files import read_h5ad, write_h5ad

    matrices = folder.path("expression")
    result = read_h5ad(matrices, without=MATRICES)
    names = [n for n in folder.sidecars().values() if n not in ("counts", "expression")]
    parts = {name: folder.read(name) for name in names}
    genes = parts["filtered"].var
    rows = positions(genes.index, result.var_names, "filtered.h5ad", "expression.h5ad")
    tables = [part.obs.drop(columns=INTERNAL, errors="ignore") for part in parts.values()]
    ingested = folder.obs("counts")
    described = _described(ingested["sample"], design or {})
    ingested = ingested.drop(columns=list(described), errors="ignore")
    result.obs = _joined(ingested, result.obs, described, *tables)
    result.var = _joined(result.var, genes.iloc[rows])
    if "ambient" in parts:
        ambient = parts["ambient"].var
        rows = positions(ambient.index, result.var_names, "ambient.h5ad", "expression.h5ad")
        result.var = _joined(result.var, ambient.iloc[rows])
    for part in parts.values():
        result.obsm.update(part.obsm)
        result.obsp.update(part.obsp)
    counts = {key: folder.uns("counts", key) for key in ("source", "provenance", "warnings")}
    for key in ("droplets", "hashtags"):
        if (summary := folder.uns("counts", key)) is not None:
            counts[key] = summary
    first, *others = (part.uns for part in parts.values())
    result.uns = _merged(counts, first, result.uns, *others)
    for usage in folder.usage():
        if usage.get("where"):
            entry = result.uns["provenance"].get(usage["stage"], {})
            entry["where"] = json.dumps(usage["where"], sort_keys=True)
    write_h5ad(result, folder.path("deliverable"), fill=lambda file: _copy_matrices(folder, file))


def _copy_matrices(folder: SampleFolder, file: h5py.File) -> None:
    """Copy X and the raw counts, and the corrected counts if there are any."""
    from scsiameseclu.store.files import copy_elements, copy_part, read_parts

    matrices, counts = folder.path("expression"), folder.path("counts")
    copy_elements(matrices, ("X", "layers/counts"), file)
    if CORRECT not in folder.features:
        return
    file.move("layers/counts", "layers/corrected")
    kept, ingested = (read_parts(path, ["obs", "var"]) for path in (matrices, counts))
    cells, genes = (ingested[part].index.isin(kept[part].index) for part in ("obs", "var"))
    copy_part(counts, "X", cells, genes, file, "layers/counts")


def _described(samples: pd.Series, design: Mapping[str, Mapping[str, str]]) -> pd.DataFrame:
    """The metadata of the sample of each cell, as categories."""
    import pandas as pd

    from scsiameseclu.report.finished_sample import by_sample

    names = dict.fromkeys(name for values in design.values() for name in values)
    columns = {name: by_sample(samples, design, name) for name in names}
    return pd.DataFrame(columns, index=samples.index)


def _joined(*tables: pd.DataFrame) -> pd.DataFrame:
    """Join the columns of tables with the same rows; of duplicate columns, the first is kept."""
    import pandas as pd

    joined = pd.concat(tables, axis=1)
    return joined.loc[:, ~joined.columns.duplicated()]


def _merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """Merge several ``uns``, with provenance by stage and concatenated warnings."""
    import numpy as np

    merged: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    warnings: list[str] = []
    for part in parts:
        merged |= part
        provenance |= part.get("provenance", {})
        messages = part.get("warnings")
        warnings += [str(message) for message in (() if messages is None else messages)]
    merged["provenance"], merged["warnings"] = provenance, np.array(warnings, dtype=object)
    return merged
