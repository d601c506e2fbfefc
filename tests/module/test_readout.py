"""What is clustered: the latents themselves, or propagated ones, of a batch as of all cells."""

import numpy as np
import torch

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.network import Latents
from scsiameseclu.module.readout import Readout, SmoothedReadout
from scsiameseclu.module.terms import BANK, Step


def test_a_mini_batch_is_read_as_all_cells_are(data: CellData) -> None:
    latents = torch.randn(data.n_cells, 3, generator=torch.Generator().manual_seed(0))
    cells = np.arange(10, 20)
    batch, fused = data.batch(cells), latents[10:20]
    step = Step(
        batch, Latents((fused, fused), (fused, fused), fused), torch.Generator(), latents, fused
    )
    for readout in (Readout(), SmoothedReadout()):
        torch.testing.assert_close(readout.of_step(step), readout.of_all(latents, data)[10:20])
    assert torch.equal(Readout().of_all(latents, data), latents)
    assert not torch.allclose(SmoothedReadout().of_all(latents, data), latents)


def test_only_propagation_needs_the_other_cells() -> None:
    latents = [torch.ones(5, 3), torch.zeros(5, 3)]
    assert Readout.needs == frozenset()
    assert Readout().kept(latents, np.array([1, 2])) is None
    assert SmoothedReadout.needs == {BANK}
    kept = SmoothedReadout().kept(latents, np.array([1, 2]))
    assert kept.shape == (2, 2, 3)
    assert (kept[0] == 1).all()
    assert (kept[1] == 0).all()
