"""Train a model on an annotated reference, once for all samples."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.settings import ReferenceSettings

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.io.sample import Sample

log = logging.getLogger(__name__)

LIMITS = LimitSettings()
MODEL, CELLS, CHECKPOINT = "model", "cells.h5ad", "training.checkpoint"


def run(
    *,
    directory: Path,
    settings: ReferenceSettings,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    seed: int = 0,
    limits: LimitSettings = LIMITS,
) -> None:
    """Write the folder ``model`` and ``cells.h5ad``.

    The model is trained without the cell types. ``cells.h5ad`` contains ``obs["cell_type"]``
    (category; missing if the file has none), ``obsm["X_siamese"]``, and ``uns["reference"]``: path,
    sha256, label, ``gene_id`` and ``gene_symbol`` of the genes, and ``places``, the positions of
    the model's genes among them.

    Parameters
    ----------
    directory
        Output folder.
    settings
        File, label column, subset and layer of the reference.
    limits
        Limits of what is read.

    Raises
    ------
    UserError
        The file cannot be read, contains no counts, lacks the column, or has fewer than two types.
    """
    import anndata as ad
    import numpy as np
    import pandas as pd

    from scsiameseclu.annotation.by_reference import fit_reference
    from scsiameseclu.stages.ingest import sha256
    from scsiameseclu.store.files import sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    sample, types = read_reference(settings, limits)
    genes = sample.loaded.var
    cells = ad.AnnData(sample.loaded.matrix, var=genes)
    cells.obs_names = sample.obs.index
    checkpoint = directory / CHECKPOINT
    model = fit_reference(cells, seed=seed, device=device, checkpoint=checkpoint)
    model.save(directory / MODEL)
    result = sidecar(
        pd.DataFrame({"cell_type": pd.Categorical(types)}, index=sample.obs.index),
        obsm={"X_siamese": cells.obsm["X_siamese"]},
        uns={
            "reference": {
                "path": settings.path,
                "sha256": sha256(sample.loaded.files),
                "label": settings.label,
                "gene_id": np.array(genes["gene_id"], dtype=object),
                "gene_symbol": np.array(genes["gene_symbol"], dtype=object),
                "places": genes.index.get_indexer(pd.Index(model.scaling.genes)),
            },
            "provenance": record(
                "reference",
                seed=seed,
                settings=settings.to_dict(),
                device=model.summary["device"],
            ),
        },
    )
    write_h5ad(result, directory / CELLS)
    checkpoint.unlink(missing_ok=True)
    log.info("%d cells of %d types", types.notna().sum(), types.nunique())


def read_reference(
    settings: ReferenceSettings, limits: LimitSettings = LIMITS
) -> tuple[Sample, pd.Series]:
    """Read the reference and the cell type of each of its cells, missing if the file has none.

    Raises
    ------
    UserError
        See :func:`run`.
    """
    from scsiameseclu.annotation.by_reference import check_types
    from scsiameseclu.io.obs import missing_labels
    from scsiameseclu.io.sample import column_of, read_sample

    if settings.path is None:
        raise UserError("config key reference.path is not set; set it to the file of the reference")
    request = ReadRequest(label=settings.label, subset=settings.subset, layer=settings.layer)
    sample = read_sample(settings.path, request, sample="reference", limits=limits)
    if sample.errors:
        raise UserError("; also: ".join(sample.errors))
    column = sample.obs[column_of(sample.obs, settings.label)]
    types = column.astype(str).mask(missing_labels(column))
    check_types(types)
    return sample, types
