"""Read and check the raw counts of one sample."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.settings import DropletSettings
from scsiameseclu.stages.input_files import input_files
from scsiameseclu.stages.resources import Size
from scsiameseclu.stages.time_limit import ended_after, reading_limit

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)
GIVEN, LIMITS = DropletSettings(), LimitSettings()


def run(
    folder: SampleFolder,
    *,
    source: str,
    request: ReadRequest,
    droplets: DropletSettings = GIVEN,
    limits: LimitSettings = LIMITS,
) -> None:
    """Write ``counts`` and ``dimensions``.

    ``counts`` contains ``X`` (integral counts, CSR float32), ``gene_id`` and ``gene_symbol`` in
    ``var``, ``sample`` and ``batch`` (categories) followed by the input's columns in ``obs``, and
    ``uns["source"]``: path, format, sha256, detected (messages), n_cells, n_genes, and capture (the
    column of ``obs``) if requested. If cells were called among droplets, ``uns["droplets"]`` has
    the numbers of barcodes, knee and inflection, and the barcode rank curve. If they were
    demultiplexed, ``obs`` also has ``hashtag`` and ``hashtag_probability``, and ``uns["hashtags"]``
    the number of cells of each.
    ``dimensions`` is the size of the data, from which the memory and time of later stages are
    predicted.

    Parameters
    ----------
    folder
        Folder of the sample.
    source
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        How to read it.
    droplets
        Whether and how cells are called among the barcodes.
    limits
        Limits of what is read.

    Raises
    ------
    UserError
        The file cannot be read, is larger than a limit, does not contain counts, lacks a requested
        column, or has too few cells.
    """
    import anndata as ad
    import numpy as np

    from scsiameseclu.io.sample import read_sample
    from scsiameseclu.store.files import add_warnings, write_h5ad
    from scsiameseclu.store.provenance import record

    files = input_files({"path": source})
    limit = reading_limit(files)
    with ended_after(
        limit,
        directory=folder.directory,
        sample=folder.sample,
        stage="ingest",
        reason=f"the process that read {source} ended early: by damage of the file, for lack of "
        f"memory or after {limit / 60:.0f} minutes; check the file",
    ):
        sample = read_sample(
            source, request, sample=folder.sample, droplets=droplets, limits=limits
        )
    if sample.errors:
        raise UserError("; also: ".join(sample.errors))
    for message in [*sample.notes, *sample.warnings]:
        log.info("%s", message)
    matrix = sample.loaded.matrix
    n_cells, n_genes = matrix.shape
    adata = ad.AnnData(X=matrix, obs=sample.obs, var=sample.loaded.var)
    adata.uns["source"] = {
        "path": source,
        "format": sample.loaded.format,
        "sha256": sha256(sample.loaded.files),
        "detected": np.array(sample.notes, dtype=object),
        "n_cells": n_cells,
        "n_genes": n_genes,
    }
    if sample.capture is not None:
        adata.uns["source"]["capture"] = sample.capture
    adata.uns |= sample.summaries
    calls = droplets.cells == "call"
    settings = asdict(request) | (droplets.to_dict() if calls else {})
    for name in ("capture", "hashtags"):
        if settings[name] is None:
            del settings[name]
    seed = droplets.seed if calls else None
    adata.uns["provenance"] = record("ingest", seed=seed, settings=settings)
    add_warnings(adata, sample.warnings)
    folder.write_json("dimensions", Size(n_cells, n_genes, int(matrix.nnz)).to_dict())
    write_h5ad(adata, folder.path("counts"))
    log.info("%d cells x %d genes", n_cells, n_genes)


def sha256(files: list[Path]) -> str:
    """Checksum of the concatenated files (10x: matrix, features, barcodes)."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
