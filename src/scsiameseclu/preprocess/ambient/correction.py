"""Removal of ambient RNA from counts."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.preprocess.ambient.estimation import (
    BLOCK_CELLS,
    Ambient,
    ambient_probability,
    profiles_of_entries,
)


def correct_counts(counts: csr_matrix, ambient: Ambient, seed: int) -> csr_matrix:
    """Remove the expected ambient counts, and round the rest to integers at random.

    A count :math:`c` of which :math:`v = c (1 - p)` is expected to be native becomes
    :math:`\\lfloor v \\rfloor`, or one more with probability :math:`v - \\lfloor v \\rfloor`. The
    expectation is exact, and the result consists of counts, as the likelihoods of the networks
    require. Cells without an estimate remain as they are.

    Parameters
    ----------
    counts
        The raw counts from which ``ambient`` was estimated, (n_cells, n_genes).
    ambient
        Result of :func:`~scsiameseclu.preprocess.ambient.estimate_ambient`.
    seed
        Seed for the rounding.

    Returns
    -------
    csr_matrix
        Float32, (n_cells, n_genes); no value exceeds that in ``counts``.
    """
    rng = np.random.default_rng(seed)
    values = np.empty(counts.data.size, dtype=np.float32)
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        rows = np.arange(first, min(first + BLOCK_CELLS, counts.shape[0]))
        block = counts[rows]
        share = np.repeat(ambient.contamination[rows], np.diff(block.indptr))
        foreign = ambient_probability(share, *profiles_of_entries(block, rows, ambient))
        native = block.data * (1 - np.nan_to_num(foreign))
        whole = np.floor(native)
        whole += rng.random(whole.size) < native - whole
        values[counts.indptr[first] : counts.indptr[rows[-1] + 1]] = whole
    corrected = csr_matrix((values, counts.indices.copy(), counts.indptr.copy()), counts.shape)
    corrected.eliminate_zeros()
    return corrected
