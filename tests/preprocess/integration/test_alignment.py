"""Batches are aligned as far as they differ, and what only one of them has keeps its place."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.preprocess.integration import align, batch_mixing
from scsiameseclu.preprocess.integration.alignment import MIN_CELLS

N_COMPONENTS = 12
CENTRES = np.random.default_rng(7).normal(size=(4, N_COMPONENTS)) * 4.0


def cells(types: list[int], n_each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Cells of some types with unit noise, (n_cells, n_components), and their types."""
    of_type = np.repeat(types, n_each)
    noise = np.random.default_rng(seed).normal(size=(len(of_type), N_COMPONENTS))
    return CENTRES[of_type] + noise, of_type


def batches(*sizes: int) -> pd.Series:
    names = np.repeat([f"b{n}" for n in range(len(sizes))], sizes)
    return pd.Series(pd.Categorical(names))


def aligned(values: np.ndarray, of: pd.Series, seed: int = 0) -> np.ndarray:
    alignment = align(values, of, seed)
    assert alignment is not None
    return alignment.components.values


SHIFT = np.random.default_rng(1).normal(size=N_COMPONENTS) * 2.0


def test_a_constant_shift_is_undone() -> None:
    first, _ = cells([0, 1, 2, 3], 50, seed=0)
    values, of = np.vstack([first, first + SHIFT]), batches(200, 200)
    moved = aligned(values, of)
    np.testing.assert_array_equal(moved[:200], first)  # the batch that comes first stays
    off = np.linalg.norm(moved[200:] - first, axis=1)
    assert off.max() < 0.2 * np.linalg.norm(SHIFT)
    assert batch_mixing(values, of).mean() < 0.3
    assert batch_mixing(moved, of).mean() > 0.9


def test_a_continuum_keeps_its_length() -> None:
    """Partners of its ends are all further inside; the blur of the plan within a batch, too."""
    direction = CENTRES[0] / np.linalg.norm(CENTRES[0])
    off = []
    for seed in range(3):
        noise = 0.3 * np.random.default_rng(seed).normal(size=(300, N_COMPONENTS))
        line = np.outer(np.linspace(-8, 8, 300), direction) + noise
        moved = aligned(np.vstack([line, line + SHIFT]), batches(300, 300))[300:]
        off.append(np.linalg.norm(moved - line, axis=1).mean())
    assert np.mean(off) < 0.178 * np.linalg.norm(SHIFT)  # 0.194 without the blur


def test_a_type_that_the_other_batch_lacks_keeps_its_place() -> None:
    first, _ = cells([0, 1, 2], 60, seed=0)
    second, types = cells([0, 1, 2, 3], 40, seed=1)
    for values in (np.vstack([first, second]), np.vstack([first, second + SHIFT])):
        moved = aligned(values, batches(180, 160))[180:]
        alone = moved[types == 3].mean(axis=0)
        to_types = np.linalg.norm(CENTRES - alone, axis=1)
        assert to_types.argmin() == 3
        assert to_types[3] < 0.25 * np.sort(to_types)[1]


def test_shared_types_meet_although_their_proportions_differ() -> None:
    first = np.vstack([cells([0], 150, seed=0)[0], cells([1, 2], 20, seed=1)[0]])
    second = np.vstack([cells([0], 20, seed=2)[0], cells([1, 2], 80, seed=3)[0]]) + SHIFT
    moved = aligned(np.vstack([first, second]), batches(190, 180))[190:]
    for place, size, number in ((0, 20, 0), (20, 80, 1), (100, 80, 2)):
        gap = np.linalg.norm(moved[place : place + size].mean(axis=0) - CENTRES[number])
        assert gap < 0.35 * np.linalg.norm(SHIFT)


def test_a_random_cut_is_no_batch_effect() -> None:
    values, _ = cells([0, 1, 2, 3], 100, seed=0)
    cut = np.random.default_rng(0).permutation(np.repeat(["b0", "b1"], 200))
    of = pd.Series(pd.Categorical(cut))
    distance = np.linalg.norm(aligned(values, of) - values, axis=1)
    assert distance.mean() < 0.1 * np.sqrt(N_COMPONENTS)
    alignment = align(values, of, seed=0)
    assert alignment is not None
    assert max(alignment.summary()["strength"]) < 0.5
    assert min(alignment.summary()["matched"]) > 0.5


def test_one_batch_is_left_alone() -> None:
    values, _ = cells([0, 1], 60, seed=0)
    assert align(values, batches(120), seed=0) is None


def test_a_tiny_batch_is_left_alone(caplog: pytest.LogCaptureFixture) -> None:
    first, _ = cells([0, 1], 60, seed=0)
    few = first[: MIN_CELLS - 1] + SHIFT
    values, of = np.vstack([first, few]), batches(120, MIN_CELLS - 1)
    np.testing.assert_array_equal(aligned(values, of), values)
    assert "is not aligned" in caplog.text


def test_the_order_of_the_cells_does_not_matter() -> None:
    first, _ = cells([0, 1, 2], 40, seed=0)
    second, _ = cells([0, 1, 2], 30, seed=1)
    values, of = np.vstack([first, second + SHIFT]), batches(120, 90)
    order = np.random.default_rng(3).permutation(len(values))
    shuffled = aligned(values[order], of.iloc[order].reset_index(drop=True))
    np.testing.assert_allclose(shuffled, aligned(values, of)[order], atol=1e-6)


def test_the_seed_decides() -> None:
    first, _ = cells([0, 1, 2], 40, seed=0)
    second, _ = cells([0, 1, 2], 30, seed=1)
    values, of = np.vstack([first, second + SHIFT]), batches(120, 90)
    np.testing.assert_array_equal(aligned(values, of), aligned(values, of))
    assert not np.array_equal(aligned(values, of), aligned(values, of, seed=1))


def test_other_values_follow_the_components() -> None:
    """A block whose batches differ by another shift is aligned by the same matches."""
    first, _ = cells([0, 1, 2, 3], 50, seed=0)
    second, _ = cells([0, 1, 2, 3], 50, seed=1)
    alignment = align(np.vstack([first, second + SHIFT]), batches(200, 200), seed=0)
    assert alignment is not None
    turn = np.random.default_rng(5).normal(size=(N_COMPONENTS, 6))
    offset = np.random.default_rng(6).normal(size=6) * 5
    latent = np.vstack([first @ turn, second @ turn + offset])
    moved = alignment.carry(latent).values
    of = batches(200, 200)
    assert batch_mixing(latent, of).mean() < 0.3
    assert batch_mixing(moved, of).mean() > 0.8


def test_a_third_batch_finds_what_only_the_second_has() -> None:
    first, _ = cells([0, 1], 100, seed=0)
    second, _ = cells([0, 1, 2], 50, seed=1)
    third, types = cells([1, 2], 60, seed=2)
    values = np.vstack([first, second + SHIFT, third - SHIFT])
    moved = aligned(values, batches(200, 150, 120))
    only = moved[350:][types == 2].mean(axis=0)
    assert np.linalg.norm(only - moved[300:350].mean(axis=0)) < 0.35 * np.linalg.norm(SHIFT)


def test_mixing_is_relative_to_chance() -> None:
    values = np.random.default_rng(0).normal(size=(600, 3))
    assert batch_mixing(values, batches(450, 150)).mean() == pytest.approx(1, abs=0.05)
    apart = values + np.repeat([[0.0], [100.0]], [450, 150], axis=0)
    assert batch_mixing(apart, batches(450, 150)).max() == 0
    assert np.isnan(batch_mixing(values, batches(600))).all()
