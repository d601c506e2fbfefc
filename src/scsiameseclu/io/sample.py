"""Reading and checking of one sample; all problems are collected, not only the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from anndata.utils import make_index_unique
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.blocks import as_strings
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.metadata import join_metadata, read_metadata
from scsiameseclu.io.numbers import PLAIN
from scsiameseclu.io.obs import RESERVED_COLUMNS, SUFFIX, missing_labels, sanitize_columns
from scsiameseclu.io.readers import load, round_counts, value_errors
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.limits import MIN_CELLS

UNKNOWN_BATCH = "unknown"
MIN_DROPLETS = 1000
"""Minimum number of barcodes of a raw matrix."""
MAX_DROPLET_COUNTS = 10
"""Maximum median of the counts per barcode of a raw matrix."""
BOOLEANS = {"True", "False", "None", "nan"}
"""Text of booleans and of missing values."""
DROPLET_RATIO, MAX_FULL_SHARE = 20, 0.2
"""Cells of a raw matrix have this many times the median of its counts, and are few."""


@dataclass
class Sample:
    """A sample as read from its file, with messages.

    ``loaded.matrix`` and ``obs`` have the same cells in the same order; cell names are unique.
    ``capture`` is the column of ``obs`` with the captures, if requested.
    """

    loaded: Loaded
    obs: pd.DataFrame
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    capture: str | None = None


def read_sample(source: str, request: ReadRequest, *, sample: str) -> Sample:
    """Read a sample, join its metadata, apply its subset, and collect all problems.

    Parameters
    ----------
    source
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        How to read it.
    sample
        Name of the sample, for the columns ``sample`` and ``batch``.

    Raises
    ------
    UserError
        The file cannot be read at all; every other problem is in ``errors``.
    """
    origin = Origin(source)
    loaded = load(source, request)
    result = Sample(loaded, loaded.obs, warnings=list(loaded.warnings), notes=list(loaded.notes))
    result.errors += value_errors(loaded, origin)
    if loaded.values.are_counts:
        round_counts(loaded)
    _join(result, request, origin)
    result.obs, rename_notes = sanitize_columns(result.obs)
    result.notes += rename_notes
    _take_subset(result, request, origin)
    _check_columns(result, request, origin)
    _check_size(result, request, origin)
    _name_cells(result)
    if request.capture is not None:
        result.capture = column_of(result.obs, request.capture)
    _set_batch(result, request, sample)
    return result


def _join(result: Sample, request: ReadRequest, origin: Origin) -> None:
    if request.metadata is None:
        return
    table_origin = Origin(request.metadata)
    try:
        table = read_metadata(Path(request.metadata), table_origin)
        result.obs, notes, warnings = join_metadata(result.obs, table, table_origin)
    except UserError as error:
        result.errors.append(str(error))
        return
    result.notes += notes
    result.warnings += warnings


def column_of(obs: pd.DataFrame, wanted: str) -> str | None:
    """The column that corresponds to the user's column ``wanted``, which may have been renamed."""
    renamed = wanted.replace("/", "_").strip()
    candidates = [wanted, renamed, renamed + SUFFIX]
    return next((name for name in candidates if name in obs.columns), None)


def _missing_column(obs: pd.DataFrame, wanted: str, role: str, origin: Origin) -> str:
    available = list_names(str(name).removesuffix(SUFFIX) for name in obs.columns)
    return f"{origin.where} has no cell metadata column {wanted!r} ({role}); available: {available}"


def _take_subset(result: Sample, request: ReadRequest, origin: Origin) -> None:
    if request.subset is None:
        return
    wanted, _, value = request.subset.partition("=")
    column = column_of(result.obs, wanted.strip())
    if column is None:
        result.errors.append(_missing_column(result.obs, wanted, "subset", origin))
        return
    values = as_strings(result.obs[column].to_numpy())
    mask = _equal(result.obs[column], values, value.strip())
    if not mask.any():
        available = list_names(sorted(set(values.tolist())))
        result.errors.append(
            f"{origin.where} has no cell with {request.subset}; values of column {wanted!r}: "
            f"{available}"
        )
        return
    result.notes.append(f"subset {request.subset}: {int(mask.sum())} of {mask.size} cells")
    _keep(result, mask)


def _equal(column: pd.Series, texts: np.ndarray, value: str) -> np.ndarray:
    """Mask of the cells with a value; booleans in any case (TRUE), numbers in any notation."""
    kind = getattr(column.dtype, "kind", "O")
    if set(texts) <= BOOLEANS:
        return np.char.lower(texts.astype(str)) == value.lower()
    if kind in "iuf" and PLAIN.fullmatch(value):
        return (texts == value) | (column.to_numpy() == float(value))
    return np.asarray(texts == value)


def _keep(result: Sample, mask: np.ndarray) -> None:
    result.loaded.matrix = result.loaded.matrix[mask.nonzero()[0]]
    obs = result.obs[mask].copy()
    for name in obs.select_dtypes("category"):
        obs[name] = obs[name].cat.remove_unused_categories()
    result.obs = obs


def _check_columns(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Check the label, batch and capture columns."""
    for role in ("label", "batch", "capture"):
        wanted = getattr(request, role)
        if wanted is not None and column_of(result.obs, wanted) is None:
            result.errors.append(_missing_column(result.obs, wanted, role, origin))
    if request.label in RESERVED_COLUMNS:
        result.errors.append(
            f"{origin.where} has its labels in column {request.label!r}, a name that the pipeline "
            "reserves for its results; rename the column, and update column `label`"
        )
    elif request.label is not None and (column := column_of(result.obs, request.label)):
        missing = int(missing_labels(result.obs[column]).sum())
        if missing:
            result.warnings.append(
                f"{missing} of {len(result.obs)} cells have no label in column {request.label!r}; "
                "they are clustered but excluded from the label metrics"
            )


def _check_size(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Check the number of cells, and count empty cells and genes."""
    n_cells, n_genes = result.loaded.matrix.shape
    if n_cells < MIN_CELLS or n_genes == 0:
        size = f"{n_cells} cells" if n_genes else f"{n_cells} cells and no genes"
        subset = f" with {request.subset}" if request.subset else ""
        result.errors.append(
            f"{origin.where} has {size}{subset}; clustering requires at least {MIN_CELLS} cells"
        )
    if not result.loaded.values.are_counts:
        return
    if problem := droplet_problem(result.loaded.matrix):
        result.errors.append(f"{origin.where} {problem}")
    empty_cells = int((np.diff(result.loaded.matrix.indptr) == 0).sum())
    detected = np.bincount(result.loaded.matrix.indices, minlength=n_genes) > 0
    if empty_cells:
        result.warnings.append(f"{empty_cells} of {n_cells} cells are empty (no counts)")
    if not detected.all():
        empty = int((~detected).sum())
        result.notes.append(f"{empty} of {n_genes} genes are empty (no counts in any cell)")


def droplet_problem(matrix: csr_matrix) -> str:
    """Why a matrix seems to contain empty droplets; empty if it does not.

    Parameters
    ----------
    matrix
        Counts, (n_cells, n_genes).
    """
    n_cells = matrix.shape[0]
    if n_cells < MIN_DROPLETS:
        return ""
    totals = np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
    median = float(np.median(totals))
    full = int((totals >= DROPLET_RATIO * max(median, 1.0)).sum())
    if median > MAX_DROPLET_COUNTS or full < MIN_CELLS or full > MAX_FULL_SHARE * n_cells:
        return ""
    return (
        f"seems to be the raw matrix with empty droplets: half of its {n_cells} barcodes have "
        f"{median:.0f} counts or fewer, and {full} have {DROPLET_RATIO} times as many or more; use "
        "the filtered matrix of the same run"
    )


def _name_cells(result: Sample) -> None:
    """Make repeated barcodes unique, with a warning."""
    index = result.obs.index
    repeated = index.duplicated()
    if repeated.any():
        result.warnings.append(
            f"{int(repeated.sum())} barcodes are repeated (first: {index[repeated][0]}) and were "
            "made unique with suffixes -1, -2, ..."
        )
        result.obs.index = make_index_unique(index)
    result.obs.index.name = None


def _set_batch(result: Sample, request: ReadRequest, sample: str) -> None:
    """Insert the columns ``sample`` and ``batch`` before the other columns."""
    column = None if request.batch is None else column_of(result.obs, request.batch)
    if column is None:
        batch = pd.Series(sample, index=result.obs.index)
    else:
        values = result.obs[column].astype(object)
        missing = missing_labels(values)
        names = as_strings(result.obs[column].to_numpy())
        batch = pd.Series(names, index=values.index).mask(missing, UNKNOWN_BATCH)
        if missing.any():
            result.warnings.append(
                f"{int(missing.sum())} cells have no batch in column {request.batch!r}; "
                f"they are assigned to batch {UNKNOWN_BATCH!r}"
            )
    first = pd.DataFrame({"sample": sample, "batch": batch}, index=result.obs.index)
    result.obs = pd.concat([first.astype("category"), result.obs], axis=1)
