"""Read one sample's counts from any supported file, and check them."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.stages.resources import Size

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(folder: SampleFolder, *, source: str, request: ReadRequest, seed: int = 0) -> None:
    """Read raw counts, check them, and write them once.

    ``counts``: X (CSR float32, whole numbers), var ``gene_id`` and ``gene_symbol``, obs ``sample``
    and ``batch`` (categories) before the user's own columns, and ``uns["source"]``: path, format,
    sha256, detected (sentences), label (empty when none), n_cells, n_genes. ``dimensions``: the
    numbers that memory and time of later stages are predicted from.

    Parameters
    ----------
    folder
        The sample's folder.
    source
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        How to read it.
    seed
        Recorded only; nothing here is random.

    Raises
    ------
    UserError
        The file cannot be read, does not hold counts, lacks a requested column, or has too few
        cells.
    """
    import anndata as ad
    import numpy as np

    from scsiameseclu.io.sample import read_sample
    from scsiameseclu.store.files import add_warnings, write_h5ad
    from scsiameseclu.store.provenance import record

    sample = read_sample(source, request, sample=folder.sample)
    if sample.errors:
        raise UserError("; also: ".join(sample.errors))
    for sentence in [*sample.notes, *sample.warnings]:
        log.info("%s", sentence)
    matrix = sample.loaded.matrix
    n_cells, n_genes = matrix.shape
    adata = ad.AnnData(X=matrix, obs=sample.obs, var=sample.loaded.var)
    adata.uns["source"] = {
        "path": source,
        "format": sample.loaded.format,
        "sha256": sha256(sample.loaded.files),
        "detected": np.array(sample.notes, dtype=object),
        "label": request.label or "",
        "n_cells": n_cells,
        "n_genes": n_genes,
    }
    adata.uns["provenance"] = record("ingest", seed=seed, settings=asdict(request))
    add_warnings(adata, sample.warnings)
    folder.write_json("dimensions", Size(n_cells, n_genes, int(matrix.nnz)).to_dict())
    write_h5ad(adata, folder.path("counts"))
    log.info("%d cells x %d genes", n_cells, n_genes)


def sha256(files: list[Path]) -> str:
    """The checksum of the files' bytes, one after the other (10x: matrix, features, barcodes)."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
