"""Reads any supported file of counts: detects its format and calls the reader of that format."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np

from scsiameseclu.errors import UserError
from scsiameseclu.io.demo import PREFIX
from scsiameseclu.io.demo import load as load_demo
from scsiameseclu.io.detect import detect_format
from scsiameseclu.io.h5ad import load_h5ad
from scsiameseclu.io.loaded import Loaded, Origin
from scsiameseclu.io.loom import load_loom
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.tenx_h5 import load_10x_h5
from scsiameseclu.io.tenx_mtx import load_10x_mtx
from scsiameseclu.io.text import load_text
from scsiameseclu.io.values import complaints
from scsiameseclu.io.xy import load_xy_h5

READERS: dict[str, Callable[[Path, ReadRequest, Origin], Loaded]] = {
    "10x_h5": load_10x_h5,
    "10x_mtx": load_10x_mtx,
    "h5ad": load_h5ad,
    "loom": load_loom,
    "csv": load_text,
    "tsv": load_text,
    "xy_h5": load_xy_h5,
}
# The formats to which each option of a request applies.
APPLIES_TO = {
    "layer": ("h5ad", "loom"),
    "genome": ("10x_h5", "10x_mtx"),
    "orientation": ("csv", "tsv", "10x_mtx"),
}


def load(path: str | Path, request: ReadRequest) -> Loaded:
    """Read a file, whatever its values are.

    Parameters
    ----------
    path
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        What the user says about it.

    Raises
    ------
    UserError
        The file cannot be read, or has not what the request asks for.
    """
    origin = Origin(str(path))
    if str(path).startswith(PREFIX):
        _reject_unused_options(request, "demo", origin)
        return load_demo(str(path).removeprefix(PREFIX), origin)
    kind = detect_format(Path(path), request, origin)
    _reject_unused_options(request, kind, origin)
    with origin.reading(kind), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old layouts and names that are mended here
        return READERS[kind](Path(path), request, origin)


def _reject_unused_options(request: ReadRequest, kind: str, origin: Origin) -> None:
    """Refuse options that have no effect on this kind of file."""
    for word, formats in APPLIES_TO.items():
        value = getattr(request, word)
        if value not in (None, "auto") and kind not in formats:
            raise origin.error(f"is {kind}, to which `{word}` ({value}) does not apply; remove it")


def value_errors(loaded: Loaded, origin: Origin) -> list[str]:
    """Sentences on what makes a file's values no counts; none when they are counts."""
    where = f"{loaded.place} {origin.where}" if loaded.place else origin.where
    return [f"{where} {complaint}" for complaint in complaints(loaded.values)]


def round_counts(loaded: Loaded) -> None:
    """Round counts that float arithmetic left a little off, and drop stored zeros, in place."""
    np.rint(loaded.matrix.data, out=loaded.matrix.data)
    loaded.matrix.eliminate_zeros()
    loaded.matrix.sort_indices()


def read_counts(path: str | Path, request: ReadRequest | None = None) -> ad.AnnData:
    """Read raw counts.

    Returns
    -------
    AnnData
        X: CSR float32 of whole numbers (n_cells, n_genes); obs: index the barcodes as they stand in
        the file, columns as given; var: unique names, ``gene_id``, ``gene_symbol``;
        ``uns["source"]``: path, format, detected.

    Raises
    ------
    UserError
        The file cannot be read, has not what the request asks for, or does not hold counts.
    """
    loaded = load(path, request or ReadRequest())
    errors = value_errors(loaded, Origin(str(path)))
    if errors:
        raise UserError(errors[0])
    round_counts(loaded)
    detected = [*loaded.notes, *loaded.warnings]
    source = {"path": str(path), "format": loaded.format, "detected": detected}
    return ad.AnnData(X=loaded.matrix, obs=loaded.obs, var=loaded.var, uns={"source": source})
