"""Made mixtures: cells of three types, a known share of whose counts is from the soup."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

N_GENES = 1_500
TOTAL = 3_000


@dataclass(frozen=True)
class Soup:
    """Counts (n_cells, n_genes), their native part, types, true contamination and profile."""

    counts: csr_matrix
    native: csr_matrix
    types: np.ndarray
    contamination: np.ndarray
    profile: np.ndarray
    foreign: np.ndarray
    """Mask of the genes that a type does not express, (n_types, n_genes)."""


def profiles() -> np.ndarray:
    """Three types that share half of their genes; each has 250 that the others do not express."""
    rng = np.random.default_rng(7)
    shared = np.tile(rng.gamma(0.7, size=N_GENES), (3, 1)) * rng.gamma(5, 0.2, (3, N_GENES))
    for own in range(3):
        block = slice(750 + 250 * own, 1_000 + 250 * own)
        for other in {0, 1, 2} - {own}:
            shared[other, block] = 0
    return np.asarray(shared / shared.sum(axis=1, keepdims=True))


def soup(
    mean: float, *, sizes: tuple[int, ...] = (200, 100, 60), seed: int = 0, sharp: float = 40.0
) -> Soup:
    """Mix cells with a soup of all of them; contamination is from a beta distribution."""
    rng = np.random.default_rng(seed)
    types = np.repeat(np.arange(3), sizes)
    of_types = profiles()
    totals = rng.poisson(TOTAL, types.size)
    share = rng.beta(sharp * mean, sharp * (1 - mean), types.size) if mean else 0 * totals
    profile = np.average(of_types, axis=0, weights=sizes)
    n_foreign = rng.binomial(totals, share)
    own = np.stack(
        [rng.multinomial(n, of_types[t]) for n, t in zip(totals - n_foreign, types, strict=True)]
    )
    ambient = np.stack([rng.multinomial(n, profile) for n in n_foreign])
    return Soup(
        csr_matrix((own + ambient).astype(np.float32)),
        csr_matrix(own.astype(np.float32)),
        types,
        n_foreign / totals,
        profile,
        of_types == 0,
    )
