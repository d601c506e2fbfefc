"""The assemble stage: the files of one sample become one annotated h5ad."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

MATRICES = ("X", "layers")  # copied as they lie on disk, never held
# Everything but counts.h5ad and expression.h5ad, which hold the matrices.
SIDECARS = ("filtered", "graph", "embedding", "clusters", "layout", "markers", "annotation")


def assemble(directory: Path, output: Path, *, sample: str, trajectory: bool = False) -> None:
    """Join what the stages wrote about the kept cells.

    Writes ``X`` (log-normalised), ``layers["counts"]``; ``obs``: sample, batch, the user's columns,
    then those of the stages; ``var``: names, number of cells, variability; ``obsm``: X_pca,
    X_siamese, siamese_probability, X_umap; ``obsp``: distances, connectivities; ``uns``: source,
    quality, pca, neighbors, training, siamese, annotation, provenance (in Slurm and in containers
    with ``where`` each stage ran) and warnings of all stages, and ``siamese_colors``, with which
    scanpy draws the clusters in the colours of the page.

    Parameters
    ----------
    directory
        Where the stages wrote the sample's files.
    output
        The h5ad to write.
    sample
        Name of the sample, for messages.
    trajectory
        Whether there is one: then also ``obs["pseudotime"]``, ``obsm["X_diffmap"]`` and
        ``uns["trajectory"]``.

    Raises
    ------
    UserError
        A file is missing, or two files do not hold the same cells.
    """
    from scsiameseclu.palette import colour
    from scsiameseclu.store.files import copy_elements, read_h5ad, read_parts, write_h5ad

    matrices = directory / "expression.h5ad"
    result = read_h5ad(matrices, without=MATRICES)
    cells = result.obs_names
    given = read_parts(directory / "counts.h5ad", ["obs", "uns"])
    _hold(sample, "counts.h5ad", given["obs"].index, cells)
    later = {}
    for name in (*SIDECARS, *(["trajectory"] if trajectory else [])):
        part = read_h5ad(directory / f"{name}.h5ad")
        _hold(sample, f"{name}.h5ad", part.obs_names, cells)
        later[name] = part[cells]
    genes = later["filtered"].var
    _hold(sample, "filtered.h5ad", genes.index, result.var_names)
    parts = list(later.values())
    result.obs = _joined(given["obs"].loc[cells], result.obs, *(part.obs for part in parts))
    result.var = _joined(result.var, genes.loc[result.var_names])
    for part in parts:
        result.obsm.update(part.obsm)
        result.obsp.update(part.obsp)
    result.uns = _merged(
        given["uns"], later["filtered"].uns, result.uns, *(part.uns for part in parts[1:])
    )
    for stage, where in _places(directory).items():
        result.uns["provenance"].get(stage, {})["where"] = where
    groups = result.obs["siamese"].cat.categories
    result.uns["siamese_colors"] = [colour(place) for place in range(len(groups))]
    write_h5ad(
        result, output, fill=lambda file: copy_elements(matrices, ("X", "layers/counts"), file)
    )


def _hold(sample: str, name: str, found: pd.Index, wanted: pd.Index) -> None:
    """Refuse a file that lacks cells or genes of expression.h5ad: it is from another run."""
    missing = wanted.difference(found, sort=False)
    if len(missing):
        raise UserError(
            f"sample {sample}: {name} lacks {len(missing)} of the {len(wanted)} names in "
            f"expression.h5ad (first: {missing[0]}); make {name} again"
        )


def _places(directory: Path) -> dict[str, str]:
    """Where stages ran, as JSON (node, partition, gpus, image), as far as their notes say."""
    import json

    found = {}
    for path in sorted((directory / "usage").glob("*.json")):
        note = json.loads(path.read_text(encoding="utf-8"))
        if note.get("where"):
            found[note["stage"]] = json.dumps(note["where"], sort_keys=True)
    return found


def _joined(*tables: pd.DataFrame) -> pd.DataFrame:
    """The columns of all tables, whose rows are the same; the first of two alike stays."""
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
        warnings += [str(sentence) for sentence in part.get("warnings", ())]
    merged["provenance"], merged["warnings"] = provenance, np.array(warnings, dtype=object)
    return merged
