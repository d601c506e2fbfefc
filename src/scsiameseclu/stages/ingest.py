"""Ingest: from the user's file to ``counts.h5ad``."""

import hashlib
import logging
from dataclasses import asdict
from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.stages.resources import Size

log = logging.getLogger(__name__)


def ingest(
    source: str,
    output: Path,
    *,
    sample: str,
    request: ReadRequest,
    seed: int | None = None,
    size: Path | None = None,
) -> None:
    """Read raw counts, check them, and write them once.

    Writes ``output`` with X (CSR float32, whole numbers), var ``gene_id`` and ``gene_symbol``, obs
    ``sample`` and ``batch`` (categories) before the user's own columns, and ``uns["source"]``:
    path, format, sha256, detected (sentences), label (empty when none), n_cells, n_genes.

    Parameters
    ----------
    source
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    output
        The h5ad to write.
    sample
        The sample's name.
    request
        What the user says about the file.
    seed
        Kept in the provenance only; nothing here is random.
    size
        Where to write the numbers of cells, genes and stored values, from which the memory and time
        of later stages are predicted.

    Raises
    ------
    UserError
        The file cannot be read, does not hold counts, lacks a column asked for, or has too few
        cells.
    """
    import anndata as ad
    import numpy as np

    from scsiameseclu.io.sample import read_sample
    from scsiameseclu.store.atomic import write_json
    from scsiameseclu.store.files import add_warnings, write_h5ad
    from scsiameseclu.store.provenance import record

    found = read_sample(source, request, sample=sample)
    if found.errors:
        raise UserError("; moreover, ".join(found.errors))
    for sentence in [*found.notes, *found.warnings]:
        log.info("%s", sentence)
    matrix = found.loaded.matrix
    adata = ad.AnnData(X=matrix, obs=found.obs, var=found.loaded.var)
    adata.uns["source"] = {
        "path": source,
        "format": found.loaded.format,
        "sha256": sha256(found.loaded.files),
        "detected": np.array(found.notes, dtype=object),
        "label": request.label or "",
        "n_cells": matrix.shape[0],
        "n_genes": matrix.shape[1],
    }
    adata.uns["provenance"] = record("ingest", seed=seed, settings=asdict(request))
    add_warnings(adata, found.warnings)
    write_h5ad(adata, output)
    if size is not None:
        n_cells, n_genes = matrix.shape
        write_json(size, Size(n_cells, n_genes, int(matrix.nnz)).to_dict())
    log.info("%d cells x %d genes in %s", *matrix.shape, output)


def sha256(files: list[Path]) -> str:
    """The checksum of the files' bytes, one after the other (10x: matrix, features, barcodes)."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
