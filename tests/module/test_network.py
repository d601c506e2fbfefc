"""The network: shared weights over both views, fused; what it needs it can save."""

import numpy as np
import pytest
import torch

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.fusion import AdaptiveFusion, Fusion, MeanFusion
from scsiameseclu.module.network import SiameseNetwork

CELLS = np.arange(10, 30)


def network_of(
    data: CellData, *, noise: float = 0.0, swap: float = 0.0, fusion: type[Fusion] = AdaptiveFusion
) -> SiameseNetwork:
    torch.manual_seed(0)
    sizes = data.expression.n_columns, data.perturbed.shape[1]
    return SiameseNetwork(
        *sizes, hidden_size=16, latent_size=4, fusion=fusion, noise=noise, swap=swap
    )


def test_without_augmentation_training_sees_what_is_encoded(data: CellData) -> None:
    network, batch = network_of(data), data.batch(CELLS)
    latents = network(batch, torch.Generator())
    encoded = network.encode(*data.encoder_inputs(10, 30))
    torch.testing.assert_close(latents.fused, encoded, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(latents.graph[0], network.graph_encoder(batch.perturbed))
    torch.testing.assert_close(latents.graph[1], network.graph_encoder(batch.diffused))
    assert torch.equal(latents.expression[0], latents.expression[1])


@pytest.mark.parametrize("fusion", [AdaptiveFusion, MeanFusion])
def test_the_latents_are_fused(data: CellData, fusion: type[Fusion]) -> None:
    network = network_of(data, fusion=fusion)
    latents = network(data.batch(CELLS), torch.Generator())
    graph = (latents.graph[0] + latents.graph[1]) / 2
    torch.testing.assert_close(latents.fused, network.fusion(latents.expression[0], graph))


@pytest.mark.parametrize("strength", [{"noise": 0.1}, {"swap": 0.3}])
def test_both_views_are_augmented_each_for_itself(
    data: CellData, strength: dict[str, float]
) -> None:
    network, batch = network_of(data, **strength), data.batch(CELLS)
    one = network(batch, torch.Generator().manual_seed(0))
    plain = network_of(data)(batch, torch.Generator())
    assert not torch.equal(one.expression[0], one.expression[1])
    for view in (0, 1):
        assert not torch.equal(one.expression[view], plain.expression[view])
        noisy = not torch.equal(one.graph[view], plain.graph[view])
        assert noisy == ("noise" in strength)
    other = network(batch, torch.Generator().manual_seed(1))
    assert not torch.equal(one.fused, other.fused)


def test_a_block_is_centred_and_of_unit_rows(data: CellData) -> None:
    network = network_of(data)
    latent = torch.randn(9, 4, generator=torch.Generator().manual_seed(0)) + 5
    network.latent_centre.copy_(latent.mean(dim=0))
    block = network.block(latent)
    torch.testing.assert_close(block.norm(dim=1), torch.ones(9))
    expected = torch.nn.functional.normalize(latent - latent.mean(dim=0), dim=1)
    torch.testing.assert_close(block, expected)


@pytest.mark.parametrize("attentive", [False, True])
def test_a_state_is_restored_with_its_prototypes(data: CellData, attentive: bool) -> None:
    network = network_of(data)
    if attentive:
        network.fusion.attend(torch.randn(3, 4, generator=torch.Generator().manual_seed(0)))
        with torch.no_grad():
            network.fusion.attention.weight.fill_(0.7)
    state = network.state_dict()
    assert any("prototypes" in name for name in state) == attentive
    other = network_of(data)
    torch.nn.init.normal_(other.expression_encoder.layers[0].weight)
    other.restore(state)
    inputs = data.encoder_inputs(0, 20)
    assert torch.equal(other.encode(*inputs), network.encode(*inputs))
