"""Reading and checking of one sample; all problems are collected, not only the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from anndata.utils import make_index_unique

from scsiameseclu.demultiplexing import DOUBLET, NEGATIVE
from scsiameseclu.errors import UserError
from scsiameseclu.io.blocks import as_strings, column_sums
from scsiameseclu.io.capture import (
    HASHTAG,
    call_among_droplets,
    demultiplex_cells,
    leave_out_padding,
    reject_droplets,
)
from scsiameseclu.io.loaded import LIMITS, Loaded, Origin, list_names
from scsiameseclu.io.metadata import join_metadata, read_metadata
from scsiameseclu.io.numbers import PLAIN
from scsiameseclu.io.obs import SUFFIX, missing_labels, reserved_label, sanitize_columns
from scsiameseclu.io.plausibility import check_plausibility
from scsiameseclu.io.readers import load, round_counts, value_errors
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.settings import DropletSettings

UNKNOWN_BATCH = "unknown"
BOOLEANS = {"True", "False", "None", "nan"}
"""Text of booleans and of missing values."""


@dataclass
class Sample:
    """A sample as read from its file, with messages.

    ``loaded.matrix`` and ``obs`` have the same cells in the same order; cell names are unique.
    ``summaries`` are entries of ``uns``: ``droplets`` if cells were called, ``hashtags`` if they
    were demultiplexed.
    ``capture`` is the column of ``obs`` with the captures, if requested.
    """

    loaded: Loaded
    obs: pd.DataFrame
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    summaries: dict[str, Any] = field(default_factory=dict)
    capture: str | None = None

    def keep(self, mask: np.ndarray) -> None:
        """Keep the cells in a mask, (n_cells,)."""
        self.loaded.matrix = self.loaded.matrix[mask.nonzero()[0]]
        if self.loaded.hashtags is not None:
            self.loaded.hashtags = self.loaded.hashtags[mask]
        self.obs = self.obs[mask].copy()
        for name in self.obs.select_dtypes("category"):
            self.obs[name] = self.obs[name].cat.remove_unused_categories()


def read_sample(
    source: str,
    request: ReadRequest,
    *,
    sample: str,
    droplets: DropletSettings | None = None,
    limits: LimitSettings = LIMITS,
) -> Sample:
    """Read a sample, join its metadata, apply its subset, and collect all problems.

    Parameters
    ----------
    source
        A file, a 10x folder, or ``demo:a`` / ``demo:b``.
    request
        How to read it.
    sample
        Name of the sample, for the columns ``sample`` and ``batch``.
    droplets
        Whether and how cells are called among the barcodes; None where this is not possible.
    limits
        Limits of what is read.

    Raises
    ------
    UserError
        The file cannot be read at all; every other problem is in ``errors``.
    """
    origin = Origin(source, limits)
    loaded = load(source, request, limits)
    result = Sample(loaded, loaded.obs, warnings=list(loaded.warnings), notes=list(loaded.notes))
    result.errors += value_errors(loaded, origin)
    if loaded.values.are_counts:
        round_counts(loaded)
    calls = droplets is not None and droplets.cells == "call"
    if droplets is not None and calls and loaded.values.are_counts:
        call_among_droplets(result, droplets, origin)
    elif loaded.values.are_counts:
        leave_out_padding(result)
    _join(result, request, origin)
    result.obs, rename_notes = sanitize_columns(result.obs)
    result.notes += rename_notes
    demultiplex_cells(result, request, origin)
    _take_subset(result, request, origin)
    _check_columns(result, request, origin)
    _check_size(result, request, origin)
    if not calls:
        reject_droplets(result, origin, advice=droplets is not None)
    if loaded.values.are_counts:
        check_plausibility(result, request, origin)
    _name_cells(result)
    if request.capture is not None:
        result.capture = column_of(result.obs, request.capture)
        _warn_without_capture(result)
    _set_batch(result, request, sample)
    return result


def _join(result: Sample, request: ReadRequest, origin: Origin) -> None:
    if request.metadata is None:
        return
    table_origin = origin.of(request.metadata)
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
    result.keep(mask)


def _equal(column: pd.Series, texts: np.ndarray, value: str) -> np.ndarray:
    """Mask of the cells with a value; booleans in any case (TRUE), numbers in any notation."""
    kind = getattr(column.dtype, "kind", "O")
    if set(texts) <= BOOLEANS:
        return np.char.lower(texts.astype(str)) == value.lower()
    if kind in "iuf" and PLAIN.fullmatch(value):
        return (texts == value) | (column.to_numpy() == float(value))
    return np.asarray(texts == value)


def _check_columns(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Check the label, batch and capture columns."""
    for role in ("label", "batch", "capture"):
        wanted = getattr(request, role)
        if wanted is not None and column_of(result.obs, wanted) is None:
            result.errors.append(_missing_column(result.obs, wanted, role, origin))
    if request.label is None:
        return
    if problem := reserved_label(request.label):
        result.errors.append(f"{origin.where} {problem}")
    elif column := column_of(result.obs, request.label):
        missing = int(missing_labels(result.obs[column]).sum())
        if missing:
            result.warnings.append(
                f"{missing} of {len(result.obs)} cells have no label in column {request.label!r}; "
                "they are clustered but excluded from the label metrics"
            )


def _warn_without_capture(result: Sample) -> None:
    """Warn about cells without a capture."""
    if result.capture is None:
        return
    missing = int(missing_labels(result.obs[result.capture]).sum())
    if missing:
        result.warnings.append(
            f"{missing} of {len(result.obs)} cells have no capture in column {result.capture!r}; "
            "their doublets are looked for among themselves"
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
    empty_cells = int((np.diff(result.loaded.matrix.indptr) == 0).sum())
    detected = column_sums(result.loaded.matrix)[0] > 0
    if empty_cells:
        result.warnings.append(f"{empty_cells} of {n_cells} cells are empty (no counts)")
    if not detected.all():
        empty = int((~detected).sum())
        result.notes.append(f"{empty} of {n_genes} genes are empty (no counts in any cell)")


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
    if request.batch is None and "hashtags" in result.summaries:
        tags = result.obs[HASHTAG]
        column = HASHTAG if tags[~tags.isin([DOUBLET, NEGATIVE])].nunique() > 1 else None
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
