"""Access to counts, log-normalised values and representations of an AnnData, with checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names
from scsiameseclu.io.values import MAX_LOGARITHM, Values, describe
from scsiameseclu.preprocess.expression import log_normalise

BLOCK_CELLS = 4096
"""Number of cells of a dense matrix that are converted at once."""
COUNTS, EMBEDDING = "counts", "X_siamese"
MAX_REPRESENTATION = 1e15
"""Largest absolute value of a representation, so that squared distances are finite as float32."""


def find_counts(adata: ad.AnnData, layer: str | None = None) -> sp.csr_matrix:
    """Raw counts as CSR float32 (n_cells, n_genes).

    Parameters
    ----------
    layer
        Layer to use; by default ``layers["counts"]`` if it exists, otherwise ``X``.

    Raises
    ------
    UserError
        The AnnData is backed, lacks the layer, or has no counts there.
    """
    if layer is None and COUNTS in adata.layers:
        layer = COUNTS
    matrix = _matrix(adata, layer)
    values = describe(matrix)
    if not values.are_counts:
        raise UserError(
            f"{_range(layer, values)}, which are not counts; put raw counts into X or "
            f'layers["{COUNTS}"], or specify their layer'
        )
    return matrix


def find_logged(adata: ad.AnnData, layer: str | None = None) -> sp.csr_matrix:
    """Log-normalised values of a layer (by default ``X``) as CSR float32 (n_cells, n_genes).

    Raises
    ------
    UserError
        The AnnData is backed, lacks the layer, or its values are negative (scaled data), not
        finite, or too large to be logarithms.
    """
    matrix = _matrix(adata, layer)
    values = describe(matrix)
    if not _may_be_logarithms(values):
        raise UserError(
            f"{_range(layer, values)}, which are not log-normalised; use values that are not "
            "centred or scaled"
        )
    return matrix


def log_normalised(adata: ad.AnnData, layer: str | None = None) -> sp.csr_matrix:
    """Log-normalised values, computed from counts if necessary; CSR float32 (n_cells, n_genes).

    Parameters
    ----------
    layer
        Layer to use, by default ``X``; counts are log-normalised. If ``X`` is missing or scaled,
        ``layers["counts"]`` is log-normalised instead.

    Raises
    ------
    UserError
        The AnnData is backed, lacks the layer, or has neither counts nor log-normalised values.
    """
    if layer is None and adata.X is None and COUNTS in adata.layers:
        layer = COUNTS
    matrix = _matrix(adata, layer)
    values = describe(matrix)
    if values.are_counts:
        return log_normalise(matrix)[0]
    if _may_be_logarithms(values):
        return matrix
    if layer is None and COUNTS in adata.layers:
        return log_normalised(adata, COUNTS)
    raise UserError(
        f"{_range(layer, values)}, which are neither counts nor log-normalised; specify a layer "
        "with counts or log-normalised values"
    )


def find_representation(adata: ad.AnnData, use_rep: str) -> np.ndarray:
    """A representation of the cells in ``obsm``, float32 (n_cells, n_dimensions).

    Raises
    ------
    UserError
        The representation does not exist, is not a matrix of finite numbers, or is constant.
    """
    if use_rep not in adata.obsm:
        available = list_names(adata.obsm)
        advice = "call scsiameseclu.tl.cluster(adata) first; " if use_rep == EMBEDDING else ""
        raise UserError(f"adata.obsm has no {use_rep!r} (use_rep); {advice}available: {available}")
    where, stored = f"adata.obsm[{use_rep!r}]", adata.obsm[use_rep]
    try:
        values = np.asarray(stored.toarray() if sp.issparse(stored) else stored)
        with np.errstate(over="ignore"):
            values = values.astype(np.float32, casting="unsafe")
    except (ValueError, TypeError) as error:
        raise UserError(f"{where} has entries that are not numbers; remove them") from error
    if values.ndim != 2 or values.shape[1] == 0 or not np.isfinite(values).all():
        raise UserError(f"{where} must be a matrix (n_cells, n_dimensions) of finite numbers")
    if np.abs(values).max(initial=0) > MAX_REPRESENTATION:
        raise UserError(f"{where} has values above {MAX_REPRESENTATION:.0e}; scale them")
    if len(values) > 1 and (values == values[:1]).all():
        raise UserError(f"{where} is the same for all cells; use another representation")
    return values


def check_unique(genes: pd.Index) -> None:
    """Raise a UserError if names of genes are repeated, so that their columns are ambiguous."""
    repeated = genes[genes.duplicated()]
    if len(repeated):
        raise UserError(
            f"names of genes are repeated ({len(repeated)}, first: {repeated[0]}); call "
            "adata.var_names_make_unique() first"
        )


def gene_positions(names: pd.Index, wanted: Sequence[str]) -> np.ndarray:
    """Position of each wanted gene in ``names``, -1 if missing, (n_wanted,).

    Raises
    ------
    UserError
        A wanted gene is repeated in ``names``.
    """
    candidates = np.flatnonzero(names.isin(wanted))
    check_unique(names[candidates])
    places = names[candidates].get_indexer(pd.Index(wanted))
    return np.asarray(np.append(candidates, -1)[places])


def _matrix(adata: ad.AnnData, layer: str | None) -> sp.csr_matrix:
    """X or a layer as CSR float32; ``layer="X"`` is X unless a layer has that name."""
    if adata.isbacked:
        raise UserError(
            "adata is backed by a file; read it into memory first: adata = adata.to_memory()"
        )
    layer = _named(adata, layer)
    if layer is not None and layer not in adata.layers:
        raise UserError(f"adata has no layer {layer!r}; available: {list_names(adata.layers)}")
    matrix: Any = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        raise UserError(f'adata has no matrix X; put raw counts into X or layers["{COUNTS}"]')
    if not sp.issparse(matrix):
        rows = range(0, max(matrix.shape[0], 1), BLOCK_CELLS)
        matrix = sp.vstack([sp.csr_matrix(np.asarray(matrix[r : r + BLOCK_CELLS])) for r in rows])
    return sp.csr_matrix(matrix, dtype=np.float32)


def _named(adata: ad.AnnData, layer: str | None) -> str | None:
    return None if layer == "X" and "X" not in adata.layers else layer


def _range(layer: str | None, values: Values) -> str:
    """Start of a message: a matrix and the range of its values."""
    name = "adata.X" if layer in (None, "X") else f'adata.layers["{layer}"]'
    n_invalid = values.n_nan + values.n_infinite
    suffix = f", {n_invalid} of them not finite" if n_invalid else ""
    return f"{name} has values from {values.smallest:.3g} to {values.largest:.3g}{suffix}"


def _may_be_logarithms(values: Values) -> bool:
    """Whether all values are finite, non-negative and small enough for logarithms of counts."""
    n_invalid = values.n_negative + values.n_nan + values.n_infinite
    return not n_invalid and values.largest < MAX_LOGARITHM
