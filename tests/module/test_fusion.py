"""Fusion: a gate for each cell and dimension, and attention that can learn."""

import torch

from scsiameseclu.module.fusion import AdaptiveFusion, MeanFusion, PrototypeAttention


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_gate_starts_at_the_mean_and_weighs_each_latent() -> None:
    expression, graph = normal(6, 4), normal(6, 4, seed=1)
    fusion = AdaptiveFusion(4)
    torch.testing.assert_close(fusion(expression, graph), MeanFusion(4)(expression, graph))
    with torch.no_grad():
        fusion.gate.bias.copy_(torch.tensor([9.0] * 4 + [-9.0] * 4))
    torch.testing.assert_close(fusion(expression, graph), expression, atol=1e-3, rtol=1e-3)
    with torch.no_grad():
        fusion.gate.bias.neg_()
    torch.testing.assert_close(fusion(expression, graph), graph, atol=1e-3, rtol=1e-3)


def test_the_gate_depends_on_the_cell() -> None:
    fusion = AdaptiveFusion(4)
    torch.nn.init.normal_(fusion.gate.weight, generator=torch.Generator().manual_seed(0))
    cells, graph = normal(6, 4), torch.zeros(6, 4)
    share = fusion(cells, graph) / cells
    assert float(share.std(dim=0).min()) > 0.01


def test_attention_adds_the_prototypes_by_their_softmax() -> None:
    fused, prototypes = normal(6, 4), normal(3, 4, seed=1)
    attention = PrototypeAttention(prototypes)
    assert torch.equal(attention(fused), fused)  # its weight starts at 0
    with torch.no_grad():
        attention.weight.fill_(0.5)
    for cell, found in zip(fused, attention(fused), strict=True):
        scores = torch.stack([cell @ prototype / 2.0 for prototype in prototypes]).softmax(0)
        expected = cell + 0.5 * sum(s * p for s, p in zip(scores, prototypes, strict=True))
        torch.testing.assert_close(found, expected)


def test_attention_is_part_of_the_fusion_once_there_are_prototypes() -> None:
    fusion = AdaptiveFusion(4)
    assert {name for name, _ in fusion.named_parameters()} == {"gate.weight", "gate.bias"}
    fusion.attend(normal(3, 4, seed=1))
    with torch.no_grad():
        fusion.attention.weight.fill_(1.0)
    expression, graph = normal(6, 4), normal(6, 4, seed=2)
    mean = (expression + graph) / 2
    torch.testing.assert_close(fusion(expression, graph), fusion.attention(mean))
    assert not torch.allclose(fusion(expression, graph), mean)


def test_weight_and_prototypes_get_a_gradient() -> None:
    fusion = AdaptiveFusion(4)
    fusion.attend(normal(3, 4, seed=1))
    optimiser = torch.optim.SGD(fusion.parameters(), lr=0.1)
    for _ in range(2):  # the weight moves first, and then the prototypes
        optimiser.zero_grad()
        fusion(normal(6, 4), normal(6, 4, seed=2)).pow(2).sum().backward()
        optimiser.step()
    assert all(float(p.grad.abs().sum()) > 0 for p in fusion.attention.parameters())


def test_the_mean_has_nothing_to_learn() -> None:
    fusion = MeanFusion(4)
    fusion.attend(normal(3, 4))
    assert not list(fusion.parameters())
