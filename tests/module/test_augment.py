"""Augmentation: where swapped values come from, and how noise is distributed."""

import numpy as np
import pytest
import torch

from scsiameseclu.module.augment import add_noise, random_mask, swap_genes


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_swapped_values_of_a_cell_come_from_one_other_cell() -> None:
    n_cells, n_genes = 40, 30
    values = torch.arange(float(n_cells * n_genes)).reshape(n_cells, n_genes)
    swapped = swap_genes(values, 0.4, generator())
    assert bool((swapped % n_genes == torch.arange(float(n_genes))).all())  # of the same gene
    donors = []
    for cell in range(n_cells):
        sources = set((swapped[cell] // n_genes).int().tolist())
        assert len(sources - {cell}) <= 1
        donors += list(sources - {cell})
    assert len(set(donors)) == len(donors) > 30  # each cell gives to one
    assert float((swapped != values).float().mean()) == pytest.approx(0.4, abs=0.05)


def test_without_a_share_nothing_is_swapped_or_drawn() -> None:
    values, source = torch.rand(4, 5), generator()
    assert swap_genes(values, 0.0, source) is values
    assert add_noise(values, 0.0, source) is values
    assert torch.equal(source.get_state(), generator().get_state())
    assert not torch.equal(add_noise(values, 1e-3, source), values)


def test_all_genes_are_swapped_at_a_share_of_one() -> None:
    values = torch.arange(60.0).reshape(10, 6)
    swapped = swap_genes(values, 1.0, generator())
    rows = (swapped[:, 0] // 6).long()
    assert torch.equal(swapped, values[rows])
    assert sorted(rows.tolist()) == list(range(10))


@pytest.mark.parametrize("share", [0.0, 1e-5, 0.3, 0.5, 0.999, 1.0])
def test_a_random_mask_has_its_share_and_no_pattern(share: float) -> None:
    mask = random_mask(torch.Size([501, 403]), share, generator(1)).double()
    spread = (share * (1 - share)) ** 0.5
    assert mask.mean().item() == pytest.approx(share, abs=4 * spread / mask.numel() ** 0.5 + 2e-5)
    if share == 0:
        assert not mask.any()
    for other in (mask.roll(1, 1), mask.roll(4, 1), mask.roll(1, 0)):
        both = (mask * other).mean().item()
        assert both == pytest.approx(share**2, abs=5 * spread / mask.numel() ** 0.5 + 2e-5)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (2, 2)])
def test_a_mask_has_the_shape_asked_for(shape: tuple[int, int]) -> None:
    assert random_mask(torch.Size(shape), 0.5, generator()).shape == shape
    assert bool(random_mask(torch.Size(shape), 1.0, generator()).all())


def test_noise_multiplies_by_a_normal_around_one() -> None:
    noisy = add_noise(torch.full((300, 300), 2.0), 0.1, generator()) / 2.0
    assert float(noisy.mean()) == pytest.approx(1, abs=2e-3)
    assert float(noisy.std()) == pytest.approx(0.1, abs=2e-3)
    flat = noisy.flatten().double()
    third = ((flat - flat.mean()) / flat.std()).pow(3).mean()
    assert float(third) == pytest.approx(0, abs=0.05)
    zeros = add_noise(torch.zeros(5, 5), 0.1, generator())
    assert not zeros.any()  # what is not expressed stays so


def test_noise_of_each_entry_is_its_own() -> None:
    noise = add_noise(torch.ones(200, 200), 0.1, generator()) - 1
    correlations = [np.corrcoef(noise[:-1].flatten(), noise[1:].flatten())[0, 1]]
    correlations += [np.corrcoef(noise[:, :-1].flatten(), noise[:, 1:].flatten())[0, 1]]
    assert max(map(abs, correlations)) < 0.02
