"""One sample from its file to checked counts; every problem is gathered, not only the first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from anndata.utils import make_index_unique

from scsiameseclu.errors import UserError
from scsiameseclu.io.blocks import as_strings
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.metadata import join_metadata, read_metadata
from scsiameseclu.io.obs import OWN_COLUMNS, SUFFIX, missing_labels, tidy
from scsiameseclu.io.readers import load, round_counts, value_errors
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.limits import MIN_CELLS

UNKNOWN_BATCH = "unknown"


@dataclass
class Sample:
    """A sample that was read, and the sentences about it.

    ``loaded.matrix`` and ``obs`` have the same cells; ``obs`` has unique names.
    """

    loaded: Loaded
    obs: pd.DataFrame
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_sample(source: str, request: ReadRequest, *, sample: str) -> Sample:
    """Read, join the metadata, take the subset, and look for everything that could be wrong.

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
    result.obs, renamed = tidy(result.obs)
    result.notes += renamed
    _take_subset(result, request, origin)
    _check_columns(result, request, origin)
    _check_size(result, request, origin)
    _name_cells(result)
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
    """The column of cells that the user calls ``wanted``, which may have been renamed."""
    renamed = wanted.replace("/", "_").strip()
    options = [wanted, renamed, renamed + SUFFIX]
    return next((name for name in options if name in obs.columns), None)


def _no_column(obs: pd.DataFrame, wanted: str, role: str, origin: Origin) -> str:
    there = [str(name).removesuffix(SUFFIX) for name in obs.columns]
    return f"{origin.where} has no column of cells {wanted!r} ({role}); it has: {list_names(there)}"


def _take_subset(result: Sample, request: ReadRequest, origin: Origin) -> None:
    if request.subset is None:
        return
    wanted, _, value = request.subset.partition("=")
    column = column_of(result.obs, wanted.strip())
    if column is None:
        result.errors.append(_no_column(result.obs, wanted, "subset", origin))
        return
    values = as_strings(result.obs[column].to_numpy())
    chosen = values == value.strip()
    if not chosen.any():
        there = list_names(sorted(set(values.tolist())))
        result.errors.append(
            f"{origin.where} has no cell with {request.subset}; column {wanted!r} has: {there}"
        )
        return
    result.notes.append(f"subset {request.subset}: {int(chosen.sum())} of {chosen.size} cells")
    _keep(result, chosen)


def _keep(result: Sample, chosen: np.ndarray) -> None:
    result.loaded.matrix = result.loaded.matrix[chosen.nonzero()[0]]
    obs = result.obs[chosen].copy()
    for name in obs.select_dtypes("category"):
        obs[name] = obs[name].cat.remove_unused_categories()
    result.obs = obs


def _check_columns(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Label and batch."""
    for role, wanted in (("label", request.label), ("batch", request.batch)):
        if wanted is not None and column_of(result.obs, wanted) is None:
            result.errors.append(_no_column(result.obs, wanted, role, origin))
    if request.label in OWN_COLUMNS:
        result.errors.append(
            f"{origin.where} has its label in a column named {request.label!r}, which the pipeline "
            "itself writes; rename it, and column `label` with it"
        )
    elif request.label is not None and (column := column_of(result.obs, request.label)):
        absent = int(missing_labels(result.obs[column]).sum())
        if absent:
            result.warnings.append(
                f"{absent} of {len(result.obs)} cells have no label in column {request.label!r}; "
                "they are clustered, and left out of the label metrics"
            )


def _check_size(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Enough cells; empty cells and genes."""
    n_cells, n_genes = result.loaded.matrix.shape
    if n_cells < MIN_CELLS or n_genes == 0:
        what = f"{n_cells} cells" if n_genes else f"{n_cells} cells and no genes"
        cut = f" with {request.subset}" if request.subset else ""
        result.errors.append(
            f"{what} in {origin.where}{cut}; at least {MIN_CELLS} are needed to cluster"
        )
    if not result.loaded.values.are_counts:
        return
    empty_cells = int((np.diff(result.loaded.matrix.indptr) == 0).sum())
    detected = np.bincount(result.loaded.matrix.indices, minlength=n_genes) > 0
    if empty_cells:
        result.warnings.append(f"{empty_cells} of {n_cells} cells are empty (no counts at all)")
    if not detected.all():
        empty = int((~detected).sum())
        result.notes.append(f"{empty} of {n_genes} genes are empty (no counts in any cell)")


def _name_cells(result: Sample) -> None:
    """Give repeated barcodes a suffix, and say so."""
    index = result.obs.index
    repeated = index.duplicated()
    if repeated.any():
        result.warnings.append(
            f"{int(repeated.sum())} barcodes occur more than once (first: {index[repeated][0]}) "
            "and were made unique by a suffix -1, -2, ..."
        )
        result.obs.index = make_index_unique(index)
    result.obs.index.name = None


def _set_batch(result: Sample, request: ReadRequest, sample: str) -> None:
    """Put the columns ``sample`` and ``batch`` before the user's own."""
    column = None if request.batch is None else column_of(result.obs, request.batch)
    if column is None:
        batch = pd.Series(sample, index=result.obs.index)
    else:
        given = result.obs[column].astype(object)
        absent = missing_labels(given)
        batch = given.astype(str).mask(absent, UNKNOWN_BATCH)
        if absent.any():
            result.warnings.append(
                f"{int(absent.sum())} cells have no batch in column {request.batch!r}; "
                f"they are batch {UNKNOWN_BATCH!r}"
            )
    first = pd.DataFrame({"sample": sample, "batch": batch}, index=result.obs.index)
    result.obs = pd.concat([first.astype("category"), result.obs], axis=1)
