"""Counts, log-normalised values and representations of an AnnData, checked."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names
from scsiameseclu.io.values import MAX_LOGARITHM, Values, describe
from scsiameseclu.preprocess.expression import log_normalise

BLOCK_CELLS = 4096  # cells of a dense matrix that are made sparse at once
COUNTS = "counts"


def find_counts(adata: ad.AnnData, layer: str | None = None) -> sp.csr_matrix:
    """Raw counts as CSR float32 (n_cells, n_genes).

    Parameters
    ----------
    layer
        The layer to take; by default ``layers["counts"]`` if there is one, else X.

    Raises
    ------
    UserError
        The AnnData is backed, has no such layer, or holds no counts there.
    """
    if layer is None and COUNTS in adata.layers:
        layer = COUNTS
    matrix = _matrix(adata, layer)
    values = describe(matrix)
    if not values.are_counts:
        raise UserError(
            f"{_range(layer, values)}, which are not counts; put raw counts into X or "
            f'layers["{COUNTS}"], or name their layer'
        )
    return matrix


def find_logged(adata: ad.AnnData, layer: str | None = None) -> sp.csr_matrix:
    """Log-normalised values of a layer, by default of X, as CSR float32 (n_cells, n_genes).

    Raises
    ------
    UserError
        The AnnData is backed, has no such layer, or its values are negative (scaled data), not
        finite, or too large to be logarithms.
    """
    matrix = _matrix(adata, layer)
    values = describe(matrix)
    if not _may_be_logarithms(values):
        raise UserError(
            f"{_range(layer, values)}, which are not log-normalised; give values before they are "
            "centred or scaled"
        )
    return matrix


def log_normalised(adata: ad.AnnData, layer: str | None = None) -> sp.csr_matrix:
    """Log-normalised values, computed from counts if need be; CSR float32 (n_cells, n_genes).

    Parameters
    ----------
    layer
        The layer to take, by default X; counts in it are log-normalised. Where X is empty or
        scaled, ``layers["counts"]`` is log-normalised instead.

    Raises
    ------
    UserError
        The AnnData is backed, has no such layer, or has neither counts nor logarithms.
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
        f"{_range(layer, values)}, which are neither counts nor log-normalised; name a layer of "
        "counts or of log-normalised values"
    )


def find_representation(adata: ad.AnnData, use_rep: str) -> np.ndarray:
    """A representation of the cells in ``obsm``, float32 (n_cells, n_dimensions).

    Raises
    ------
    UserError
        There is none of this name, or it is not a matrix of finite numbers.
    """
    if use_rep not in adata.obsm:
        available = list_names(adata.obsm)
        raise UserError(f"adata.obsm has no {use_rep!r} (use_rep); available: {available}")
    values = np.asarray(adata.obsm[use_rep], dtype=np.float32)
    if values.ndim != 2 or not np.isfinite(values).all():
        raise UserError(
            f"adata.obsm[{use_rep!r}] must be a matrix (n_cells, n_dimensions) of finite numbers"
        )
    return values


def _matrix(adata: ad.AnnData, layer: str | None) -> sp.csr_matrix:
    """X or a layer as CSR float32."""
    if adata.isbacked:
        raise UserError(
            "adata is backed by a file; read it into memory first: adata = adata.to_memory()"
        )
    if layer is not None and layer not in adata.layers:
        raise UserError(f"adata has no layer {layer!r}; available: {list_names(adata.layers)}")
    matrix: Any = adata.X if layer is None else adata.layers[layer]
    if matrix is None:
        raise UserError(f'adata has no matrix X; put raw counts into X or layers["{COUNTS}"]')
    if not sp.issparse(matrix):
        rows = range(0, max(matrix.shape[0], 1), BLOCK_CELLS)
        matrix = sp.vstack([sp.csr_matrix(np.asarray(matrix[r : r + BLOCK_CELLS])) for r in rows])
    return sp.csr_matrix(matrix, dtype=np.float32)


def _range(layer: str | None, values: Values) -> str:
    """The beginning of a sentence on a matrix and its values."""
    place = "adata.X" if layer is None else f'adata.layers["{layer}"]'
    missing = values.n_nan + values.n_infinite
    also = f", {missing} of them not finite" if missing else ""
    return f"{place} holds values from {values.smallest:.3g} to {values.largest:.3g}{also}"


def _may_be_logarithms(values: Values) -> bool:
    """Whether no value is negative, not finite, or larger than a logarithm of counts can be."""
    bad = values.n_negative + values.n_nan + values.n_infinite
    return not bad and values.largest < MAX_LOGARITHM
