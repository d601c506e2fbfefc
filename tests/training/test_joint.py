"""The joint phase: what it starts from, what it trains, and when it ends."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from small_cells import N_CELLS, N_GENES, N_PCS, SmallCells, small_cells
from torch.nn.functional import one_hot

from scsiameseclu.clustering.members import Proportions
from scsiameseclu.module.build import build_network, build_objective, choose_readout, fit_space
from scsiameseclu.module.graph_views import perturbed_view
from scsiameseclu.module.joint_space import join
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.joint import JointPhase, SoftClusters, cluster_means
from scsiameseclu.training.pretraining import Pretraining
from scsiameseclu.training.trainer import Trainer

CPU = torch.device("cpu")
SHORT = {
    "hidden_size": 16,
    "latent_size": 4,
    "batch_size": 16,
    "pretrain_steps": 12,
    "cluster_steps": 8,
    "refresh_every": 3,
    "tolerance": 0.0,
    "learning_rate": 0.01,
    "edge_drop": 0.3,
    "fusion": True,
}
START = np.arange(N_CELLS) % 5 % 3


@pytest.fixture
def cells() -> SmallCells:
    return small_cells()


def prepared(cells: SmallCells, **options: object) -> tuple[Trainer, JointPhase]:
    """A trainer after the first phase, and the second."""
    settings = ModelSettings(**SHORT | options)
    torch.manual_seed(0)
    network = build_network(N_GENES, N_PCS, settings)
    objective = build_objective(N_GENES, N_PCS, settings)
    groups, readout = torch.zeros(N_CELLS, 0), choose_readout(settings)
    trainer = Trainer(network, objective, cells.data, readout, groups, 16, 0, CPU)
    trainer.run(Pretraining(settings))
    space = fit_space(cells.components, settings)
    return trainer, JointPhase(settings, cells.adjacency, space, cells.components, START)


def test_clusters_start_at_the_means_of_the_partition(cells: SmallCells) -> None:
    trainer, phase = prepared(cells)
    phase.begin(trainer)
    embedding = join([*phase.shared, trainer.block()])
    clusters = phase.clusters
    for cluster in range(3):
        members = torch.from_numpy(cluster == START)
        torch.testing.assert_close(clusters.centres[cluster], embedding[members].mean(dim=0))
        prototype = trainer.network.fusion.attention.prototypes[cluster]
        torch.testing.assert_close(prototype, trainer.latents[members].mean(dim=0))
    own = (embedding - clusters.centres[START]).pow(2).sum(dim=1)
    torch.testing.assert_close(clusters.scale, own.mean().detach())
    torch.testing.assert_close(phase.targets.sum(dim=1), torch.ones(N_CELLS))
    assert trainer.membership is phase.targets


def test_edges_are_perturbed_by_the_latents(cells: SmallCells) -> None:
    trainer, phase = prepared(cells)
    before = trainer.data.perturbed
    latents = trainer.read_out().clone()
    phase.begin(trainer)
    expected = perturbed_view(cells.adjacency, cells.components, latents.numpy(), 0.3)
    torch.testing.assert_close(trainer.data.perturbed, expected)
    assert not torch.allclose(expected, before)
    assert trainer.loader.data is trainer.data


@pytest.mark.parametrize("options", [{}, {"space": "latent", "propagate_latent": True}])
def test_prototypes_attention_centres_and_networks_get_gradients(
    options: dict[str, object], cells: SmallCells
) -> None:
    trainer, phase = prepared(cells, **options)
    trainer.run(phase)
    attention = trainer.network.fusion.attention
    trained = {
        "prototypes": attention.prototypes,
        "weight": attention.weight,
        "centres": phase.clusters.centres,
        **dict(trainer.network.named_parameters()),
        **dict(trainer.objective.named_parameters()),
    }
    for name, parameter in trained.items():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name
    assert float(attention.weight.detach()) != 0
    membership = one_hot(torch.from_numpy(START)).float()
    start = cluster_means(trainer.latents, membership)
    assert not torch.equal(attention.prototypes, start)


def test_the_clustering_loss_reaches_the_networks(cells: SmallCells) -> None:
    """With nothing else but the reconstruction in both, weight 0 and 1 train other networks."""
    blocks = []
    for weight in (0.0, 1.0, 1.0):
        trainer, phase = prepared(cells, clustering=weight)
        trainer.run(phase)
        blocks.append(trainer.block())
        assert {record["phase"] for record in trainer.history} == {"pretrain", "cluster"}
        losses = [record["clustering"] for record in trainer.history if "clustering" in record]
        assert all((loss > 0) == (weight > 0) for loss in losses)
    assert not torch.equal(blocks[0], blocks[1])
    assert torch.equal(blocks[1], blocks[2])


def test_training_makes_cells_agree_with_their_targets(cells: SmallCells) -> None:
    trainer, phase = prepared(cells, cluster_steps=150, refresh_every=200, clustering_rate=1.0)
    trainer.run(phase)
    losses = [record["clustering"] for record in trainer.history if "clustering" in record]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:2])


@pytest.mark.parametrize("kind", Proportions)
def test_proportions_are_learned_fixed_or_ignored(kind: Proportions) -> None:
    generator = torch.Generator().manual_seed(0)
    centres = torch.eye(3) * 3
    truth = torch.tensor([0] * 60 + [1] * 30 + [2] * 10)
    embedding = centres[truth] + 0.3 * torch.randn(100, 3, generator=generator)
    clusters = SoftClusters(centres, torch.full((3,), 1 / 3), torch.tensor(0.3))
    for _ in range(12):
        targets = clusters.targets(embedding, kind, 5.0)
    sizes = targets.sum(dim=0) / 100
    true = torch.tensor([0.6, 0.3, 0.1])
    if kind is Proportions.LEARNED:
        torch.testing.assert_close(clusters.proportions, true, atol=0.02, rtol=0)
        torch.testing.assert_close(sizes, true, atol=0.02, rtol=0)
        return
    torch.testing.assert_close(clusters.proportions, torch.full((3,), 1 / 3))
    if kind is Proportions.FIXED:
        torch.testing.assert_close(sizes, torch.full((3,), 1 / 3), atol=0.01, rtol=0)
    else:
        torch.testing.assert_close(sizes, true, atol=0.02, rtol=0)


@pytest.mark.parametrize("kind", ["learned", "fixed"])
def test_joint_training_learns_proportions_if_asked_to(kind: str, cells: SmallCells) -> None:
    trainer, phase = prepared(cells, proportions=kind)
    trainer.run(phase)
    start = torch.from_numpy(np.bincount(START) / N_CELLS).float()
    moved = not torch.allclose(phase.clusters.proportions, start, atol=1e-4)
    assert moved == (kind == "learned")
    assert float(phase.clusters.proportions.sum()) == pytest.approx(1, abs=1e-4)


def test_targets_are_renewed_in_time_and_at_the_end(
    cells: SmallCells, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed = []
    original = JointPhase._renew_targets

    def renew(self: JointPhase, trainer: Trainer) -> None:
        renewed.append(trainer.step)
        original(self, trainer)

    monkeypatch.setattr(JointPhase, "_renew_targets", renew)
    trainer, phase = prepared(cells)
    trainer.run(phase)
    assert renewed == [12, 15, 18, 20]
    assert trainer.stopped.startswith("stopped after 20 steps, the most allowed:")


def test_targets_follow_the_embedding(cells: SmallCells, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last are the transport of what is embedded then, and the groups of other terms."""
    last: list[torch.Tensor] = []
    original = JointPhase.end

    def end(self: JointPhase, trainer: Trainer) -> None:
        embedding = join([*self.shared, trainer.block()])
        last.append(self.clusters.targets(embedding, Proportions.FIXED, self.settings.sharpness))
        original(self, trainer)

    monkeypatch.setattr(JointPhase, "end", end)
    trainer, phase = prepared(cells, proportions="fixed", clustering_rate=1.0)
    phase.begin(trainer)
    first = phase.targets.clone()
    trainer.run(phase)
    torch.testing.assert_close(phase.targets, last[0])
    assert not torch.allclose(phase.targets, first, atol=1e-3)
    assert trainer.membership is phase.targets


def test_the_phase_has_a_step_size_of_its_own(cells: SmallCells) -> None:
    _, phase = prepared(cells, clustering_rate=0.25)
    optimiser = phase.optimiser([torch.nn.Parameter(torch.zeros(1))])
    assert optimiser.param_groups[0]["lr"] == pytest.approx(0.25 * 0.01)
    assert phase.schedule(optimiser) is None


def test_training_ends_when_clusters_no_longer_change(cells: SmallCells) -> None:
    trainer, phase = prepared(cells, tolerance=1.0)
    trainer.run(phase)
    assert phase.changed < 1.0
    assert trainer.step == 12 + 3
    assert trainer.stopped == (
        f"converged after 15 steps: {phase.changed:.2%} of the cells changed cluster between two "
        "targets"
    )


def test_a_phase_resumes_to_the_same_bytes(cells: SmallCells) -> None:
    options = {"proportions": "learned", "propagation": 0.1, "latent_refinement": 0.1}
    trainer, phase = prepared(cells, **options)
    states = []
    trainer.after_step = lambda: states.append(copy.deepcopy(trainer.state_dict()))
    trainer.run(phase)
    for step in (0, 2, 3, 6):
        other, again = prepared(small_cells(), **options)
        other.load_state_dict(states[step])
        other.run(again)
        assert torch.equal(other.block(), trainer.block())
        assert torch.equal(again.targets, phase.targets)
        assert other.history == trainer.history
        assert other.stopped == trainer.stopped


def test_the_latents_are_centred_again_when_the_phase_ends(cells: SmallCells) -> None:
    """New cells are placed by the centre of the latents that were clustered."""
    trainer, phase = prepared(cells)
    before = trainer.network.latent_centre.clone()
    trainer.run(phase)
    centre = trainer.network.latent_centre
    torch.testing.assert_close(centre, trainer.read_out().mean(dim=0))
    assert not torch.allclose(centre, before, atol=1e-4)
