"""Synthetic cells as directions: unit rows around one centre per group."""

import numpy as np
import torch

from scsiameseclu.clustering.ensemble import NetworkSpace

SIZES = (500, 160, 120, 60, 20)


def around(centres: np.ndarray, truth: np.ndarray, spread: float, seed: int) -> np.ndarray:
    """Unit rows (n_cells, n_dimensions), float32: the centre of each cell's group plus noise."""
    noise = np.random.default_rng(seed).normal(size=(truth.size, centres.shape[1]))
    return unit(centres[truth] + spread * noise).astype(np.float32)


def unit(rows: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1."""
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def five_groups(seed: int, spread: float = 0.25) -> tuple[NetworkSpace, np.ndarray]:
    """Five groups of unequal size in two blocks of directions; seeds differ in their noise only."""
    truth = np.repeat(np.arange(5), SIZES)
    blocks = []
    for block, size in enumerate((12, 6)):
        centres = unit(np.random.default_rng(block).normal(size=(5, size)))
        blocks.append(torch.from_numpy(around(centres, truth, spread, 10 + seed + block)))
    return NetworkSpace(blocks), truth


def nested_groups(seed: int, spread: float = 0.08) -> tuple[NetworkSpace, np.ndarray, np.ndarray]:
    """Sixteen groups in eight pairs, and these in four pairs of pairs, 40 cells each.

    Returns
    -------
    The space, the pair of each cell (0 to 7) and its pair of pairs (0 to 3).
    """
    fine = np.repeat(np.arange(16), 40)
    axes = np.eye(28)
    centres = axes[fine[::40] // 4] + 0.7 * axes[4 + fine[::40] // 2] + 0.35 * axes[12 + fine[::40]]
    space = NetworkSpace([torch.from_numpy(around(unit(centres), fine, spread, seed))])
    return space, fine // 2, fine // 4
