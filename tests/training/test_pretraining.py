"""The first phase: one cycle of step sizes."""

from itertools import pairwise

import torch

from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.pretraining import Pretraining


def test_the_step_size_warms_up_to_twice_the_rate_and_is_annealed() -> None:
    phase = Pretraining(ModelSettings(pretrain_steps=100, learning_rate=0.003))
    optimiser = phase.optimiser([torch.nn.Parameter(torch.zeros(1))])
    schedule = phase.schedule(optimiser)
    rates = []
    for _ in range(phase.n_steps):
        rates.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        schedule.step()
    peak = max(range(100), key=lambda step: rates[step])
    assert abs(rates[peak] - 2 * 0.003) < 1e-5
    assert 20 < peak < 40
    assert all(a < b for a, b in pairwise(rates[: peak + 1]))
    assert all(a > b for a, b in pairwise(rates[peak:]))
    assert rates[0] < 0.003
    assert rates[-1] < 1e-3 * rates[0]
