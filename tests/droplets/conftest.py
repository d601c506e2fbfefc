"""A made capture: large cells, small cells of another type, and empty droplets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy.sparse import csr_matrix

N_GENES = 400
KINDS = ("empty", "large", "small")


@dataclass(frozen=True)
class Capture:
    """Counts (n_droplets, n_genes), the kind of each droplet, and the profiles by kind."""

    counts: csr_matrix
    kind: np.ndarray
    profiles: dict[str, np.ndarray]


def profile(rng: np.random.Generator) -> np.ndarray:
    """Proportions of genes, most of them rare."""
    weights = rng.lognormal(0, 2, N_GENES)
    return weights / weights.sum()


def sampled(totals: np.ndarray, proportions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multinomial counts of droplets with these totals."""
    return np.stack([rng.multinomial(total, proportions) for total in totals])


def make_capture(seed: int = 0, n_empty: int = 6000) -> Capture:
    """Large cells are 90 % of the cells, so that the ambient profile is close to theirs."""
    rng = np.random.default_rng(seed)
    large, small = profile(rng), profile(rng)
    ambient = 0.9 * large + 0.1 * small
    totals = {
        "empty": rng.integers(2, 160, n_empty),
        "large": rng.lognormal(np.log(4000), 0.3, 180).astype(int),
        "small": rng.integers(180, 500, 60),
    }
    profiles = {"empty": ambient, "large": large, "small": small}
    parts = [sampled(totals[kind], profiles[kind], rng) for kind in KINDS]
    kind = np.repeat(KINDS, [len(part) for part in parts])
    order = rng.permutation(kind.size)
    matrix = csr_matrix(np.concatenate(parts)[order].astype(np.float32))
    return Capture(matrix, kind[order], profiles)


@pytest.fixture(scope="session")
def capture() -> Capture:
    return make_capture()
