"""Settings choose parts, and what is off brings no parameters."""

import pytest
import torch

from scsiameseclu.module.build import (
    build_network,
    build_objective,
    choose_readout,
    fit_space,
    layout_of,
    load_space,
)
from scsiameseclu.module.fusion import AdaptiveFusion, MeanFusion
from scsiameseclu.module.joint_space import JointSpace, LatentSpace
from scsiameseclu.module.readout import Readout, SmoothedReadout
from scsiameseclu.settings import ModelSettings


def n_parameters(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(("fusion", "gate"), [(False, 0), (True, 8 * 8 + 8)])
def test_the_default_has_two_encoders_and_one_decoder(fusion: bool, gate: int) -> None:
    settings = ModelSettings(hidden_size=16, latent_size=4, fusion=fusion)
    network, objective = build_network(30, 5, settings), build_objective(30, 5, settings)
    expression = (30 * 16 + 16) + 2 * 16 + (16 * 4 + 4)
    graph = (5 * 16 + 16) + (16 * 4 + 4)
    assert n_parameters(network) == expression + graph + gate
    assert n_parameters(objective) == (4 * 16 + 16) + 2 * 16 + (16 * 30 + 30)
    assert (network.noise, network.swap) == (settings.expression_noise, settings.expression_swap)


@pytest.mark.parametrize(
    ("option", "n_more"),
    [
        ({"graph_reconstruction": 0.1}, (4 * 16 + 16) + (16 * 5 + 5)),
        ({"likelihood": "nb"}, 30),
        ({"likelihood": "zinb"}, 30 + 16 * 30 + 30),
        ({"propagation": 0.3, "latent_refinement": 0.1}, 0),
    ],
)
def test_terms_bring_their_parameters(option: dict[str, object], n_more: int) -> None:
    size = {"hidden_size": 16, "latent_size": 4}
    default = build_objective(30, 5, ModelSettings(**size))
    other = build_objective(30, 5, ModelSettings(**size, **option))
    assert n_parameters(other) - n_parameters(default) == n_more


def test_parts_that_are_switched() -> None:
    assert isinstance(build_network(30, 5, ModelSettings()).fusion, MeanFusion)
    assert isinstance(build_network(30, 5, ModelSettings(fusion=True)).fusion, AdaptiveFusion)
    assert type(choose_readout(ModelSettings())) is Readout
    assert type(choose_readout(ModelSettings(propagate_latent=True))) is SmoothedReadout


@pytest.mark.parametrize(("kind", "n_shared"), [("joint", 25), ("latent", 0)])
def test_the_space_is_saved_and_loaded(kind: str, n_shared: int) -> None:
    settings = ModelSettings(space=kind, latent_size=4, networks=2)
    cells = torch.randn(40, 25, generator=torch.Generator().manual_seed(0))
    space = fit_space(cells, settings)
    assert type(space) is (JointSpace if kind == "joint" else LatentSpace)
    loaded = load_space(space.tensors())
    assert type(loaded) is type(space)
    for one, other in zip(space.shared(cells), loaded.shared(cells), strict=True):
        assert torch.equal(one, other)
    assert layout_of(space, settings).n_dimensions == n_shared + 2 * 4
