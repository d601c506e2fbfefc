"""Entry point for reading counts: detects the format and calls its reader."""

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
from scsiameseclu.io.hashtags import take_hashtags
from scsiameseclu.io.loaded import LIMITS, Loaded, Origin
from scsiameseclu.io.locate import is_zarr, matrix_below
from scsiameseclu.io.loom import load_loom
from scsiameseclu.io.not_genes import leave_out
from scsiameseclu.io.request import ReadRequest, hashtag_table
from scsiameseclu.io.tenx_h5 import load_10x_h5
from scsiameseclu.io.tenx_mtx import load_10x_mtx
from scsiameseclu.io.text import load_text
from scsiameseclu.io.unpack import unpacked
from scsiameseclu.io.values import describe, value_problems
from scsiameseclu.io.xy import load_xy_h5
from scsiameseclu.run_settings import LimitSettings

READERS: dict[str, Callable[[Path, ReadRequest, Origin], Loaded]] = {
    "10x_h5": load_10x_h5,
    "10x_mtx": load_10x_mtx,
    "h5ad": load_h5ad,
    "loom": load_loom,
    "csv": load_text,
    "tsv": load_text,
    "xy_h5": load_xy_h5,
}
# The formats to which each request option applies.
APPLIES_TO = {
    "layer": ("h5ad", "loom"),
    "genome": ("10x_h5", "10x_mtx"),
    "orientation": ("csv", "tsv", "10x_mtx"),
}


def load(path: str | Path, request: ReadRequest, limits: LimitSettings = LIMITS) -> Loaded:
    """Read a file without requiring its values to be counts.

    Parameters
    ----------
    path
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        How to read it.
    limits
        Limits of what is read.

    Raises
    ------
    UserError
        The file cannot be read, lacks what is requested, or is larger than a limit.
    """
    origin = Origin(str(path), limits)
    if str(path).startswith(PREFIX):
        _reject_unused_options(request, "demo", origin)
        demo = load_demo(str(path).removeprefix(PREFIX), origin)
        _take_hashtags(demo, request, origin)
        return demo
    with unpacked(Path(path), origin) as place:
        loaded = _load(place, request, origin)
        n_cells, n_genes = loaded.matrix.shape
        origin.check_size(cells=n_cells, genes=n_genes, values=loaded.matrix.nnz)
        if place != Path(path):
            loaded.files = [Path(path)]
    if not loaded.values.are_counts and loaded.values.usable(request.counts):
        _round_expected(loaded)
    _take_hashtags(loaded, request, origin)
    leave_out(loaded)
    return loaded


def _take_hashtags(loaded: Loaded, request: ReadRequest, origin: Origin) -> None:
    if request.hashtags and not hashtag_table(request.hashtags):
        take_hashtags(loaded, request.hashtags, origin)


def _load(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    is_folder = path.is_dir() and not is_zarr(path)
    below = matrix_below(path, origin.path) if is_folder else None
    place = below or path
    kind = detect_format(place, request, origin)
    _reject_unused_options(request, kind, origin)
    with origin.reading(kind), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about old layouts and duplicate names, handled here
        loaded = READERS[kind](place, request, origin)
    if below is not None:
        loaded.notes.insert(0, f"the matrix in {below.relative_to(path)} is used")
    return loaded


def _reject_unused_options(request: ReadRequest, kind: str, origin: Origin) -> None:
    """Reject options that do not apply to the format."""
    for name, formats in APPLIES_TO.items():
        value = getattr(request, name)
        if value not in (None, "auto") and kind not in formats:
            raise origin.error(f"is {kind}, to which `{name}` ({value}) does not apply; remove it")


def value_errors(loaded: Loaded, origin: Origin) -> list[str]:
    """Messages on why the values are not counts; empty if they are."""
    where = f"{loaded.place} {origin.where}" if loaded.place else origin.where
    problems = value_problems(loaded.values, has_layers=loaded.format in APPLIES_TO["layer"])
    return [f"{where} {problem}" for problem in problems]


def _round_expected(loaded: Loaded) -> None:
    """Round expected counts to integers, in place, and note by how much their sum changes."""
    before = loaded.matrix.sum(dtype=np.float64)
    share = 100 * loaded.values.n_fractional / max(loaded.values.n_stored, 1)
    np.rint(loaded.matrix.data, out=loaded.matrix.data)
    loaded.matrix.eliminate_zeros()
    loaded.values = describe(loaded.matrix)
    after = loaded.matrix.sum(dtype=np.float64)
    loaded.notes.append(
        f"{share:.3g} % of the values were not whole numbers and were rounded, as requested; "
        f"their sum was {before:,.0f} and is {after:,.0f}"
    )


def round_counts(loaded: Loaded) -> None:
    """Round counts with floating-point error to integers and drop stored zeros, in place."""
    np.rint(loaded.matrix.data, out=loaded.matrix.data)
    loaded.matrix.eliminate_zeros()
    loaded.matrix.sort_indices()


def read_counts(
    path: str | Path, request: ReadRequest | None = None, limits: LimitSettings = LIMITS
) -> ad.AnnData:
    """Read raw counts.

    Parameters
    ----------
    path
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        How to read it.
    limits
        Limits of what is read.

    Returns
    -------
    AnnData
        ``X``: integral counts, CSR float32 (n_cells, n_genes); ``obs``: metadata of the file,
        indexed by its barcodes; ``var``: unique names, ``gene_id``, ``gene_symbol``;
        ``uns["source"]``: path, format, detected.

    Raises
    ------
    UserError
        The file cannot be read, lacks what is requested, does not contain counts, or is larger than
        a limit.
    """
    loaded = load(path, request or ReadRequest(), limits)
    errors = value_errors(loaded, Origin(str(path)))
    if errors:
        raise UserError(errors[0])
    round_counts(loaded)
    detected = [*loaded.notes, *loaded.warnings]
    source = {"path": str(path), "format": loaded.format, "detected": detected}
    return ad.AnnData(X=loaded.matrix, obs=loaded.obs, var=loaded.var, uns={"source": source})
