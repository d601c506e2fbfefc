"""The augmentation changes values as it says, and only so many."""

import pytest
import torch

from scsiameseclu.module.augment import add_noise, random_mask, swap_genes


def test_swapped_values_come_from_the_same_gene() -> None:
    values = torch.arange(60.0).reshape(10, 6)
    swapped = swap_genes(values, 0.5, torch.Generator().manual_seed(0))
    assert bool((swapped % 6 == torch.arange(6.0)).all())
    assert 0.2 < float((swapped != values).float().mean()) < 0.6
    assert swap_genes(values, 0.0, torch.Generator()) is values


def test_noise_has_the_stated_mean_and_deviation() -> None:
    noisy = add_noise(torch.ones(200, 200), 0.1, torch.Generator().manual_seed(0))
    assert float(noisy.mean()) == pytest.approx(1, abs=2e-3)
    assert float(noisy.std()) == pytest.approx(0.1, abs=2e-3)


@pytest.mark.parametrize("share", [0.0, 1e-5, 0.3, 0.5, 0.999, 1.0])
def test_a_random_mask_has_its_share_and_no_pattern(share: float) -> None:
    mask = random_mask(torch.Size([501, 403]), share, torch.Generator().manual_seed(1)).double()
    spread = (share * (1 - share)) ** 0.5
    assert mask.mean().item() == pytest.approx(share, abs=4 * spread / mask.numel() ** 0.5 + 2e-5)
    for other in (mask.roll(1, 1), mask.roll(4, 1), mask.roll(1, 0)):
        both = (mask * other).mean().item()
        assert both == pytest.approx(share**2, abs=5 * spread / mask.numel() ** 0.5 + 2e-5)
