"""Join a sample's files into one annotated h5ad."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder

MATRICES = ("X", "layers")  # copied as they lie on disk, never held


def run(folder: SampleFolder) -> None:
    """Write ``deliverable``.

    ``X`` (log-normalised), ``layers["counts"]``; ``obs``: sample, batch, the user's columns, then
    those of the stages; ``var``: names, number of cells, variability; ``obsm``: X_pca, X_siamese,
    siamese_probability, X_umap; ``obsp``: distances, connectivities; ``uns``: source, quality, pca,
    neighbors, training, siamese, annotation, provenance (in Slurm and in containers with ``where``
    each stage ran) and warnings of all stages, and ``siamese_colors``, with which scanpy draws the
    clusters in the colours of the page. With a trajectory also ``obs["pseudotime"]``,
    ``obsm["X_diffmap"]`` and ``uns["trajectory"]``.

    Raises
    ------
    UserError
        A file is missing, or lacks some of the cells or genes.
    """
    from scsiameseclu.store.align import positions
    from scsiameseclu.store.files import copy_elements, read_h5ad, write_h5ad

    matrices = folder.path("expression")
    result = read_h5ad(matrices, without=MATRICES)
    names = [n for n in folder.sidecars().values() if n not in ("counts", "expression")]
    parts = {name: folder.read(name) for name in names}
    genes = parts["filtered"].var
    rows = positions(genes.index, result.var_names, "filtered.h5ad", "expression.h5ad")
    tables = [part.obs for part in parts.values()]
    result.obs = _joined(folder.obs("counts"), result.obs, *tables)
    result.var = _joined(result.var, genes.iloc[rows])
    for part in parts.values():
        result.obsm.update(part.obsm)
        result.obsp.update(part.obsp)
    counts = {key: folder.uns("counts", key) for key in ("source", "provenance", "warnings")}
    first, *others = (part.uns for part in parts.values())
    result.uns = _merged(counts, first, result.uns, *others)
    for note in folder.usage():
        if note.get("where"):
            entry = result.uns["provenance"].get(note["stage"], {})
            entry["where"] = json.dumps(note["where"], sort_keys=True)
    write_h5ad(
        result,
        folder.path("deliverable"),
        fill=lambda file: copy_elements(matrices, ("X", "layers/counts"), file),
    )


def _joined(*tables: pd.DataFrame) -> pd.DataFrame:
    """The columns of all tables, whose rows are the same; the first of two with one name stays."""
    import pandas as pd

    joined = pd.concat(tables, axis=1)
    return joined.loc[:, ~joined.columns.duplicated()]


def _merged(*parts: Mapping[str, Any]) -> dict[str, Any]:
    """One ``uns``: provenance by stage, warnings of all stages one after the other."""
    import numpy as np

    merged: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    warnings: list[str] = []
    for part in parts:
        merged |= part
        provenance |= part.get("provenance", {})
        noted = part.get("warnings")
        warnings += [str(sentence) for sentence in (() if noted is None else noted)]
    merged["provenance"], merged["warnings"] = provenance, np.array(warnings, dtype=object)
    return merged
