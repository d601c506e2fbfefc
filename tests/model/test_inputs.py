"""What training sees of a sample: views by their formulas, and nothing that no term needs."""

import anndata as ad
import numpy as np
import pytest
import torch

from scsiameseclu.model.inputs import N_GROUPS, TrainingInputs, training_inputs
from scsiameseclu.model.preparation import Prepared, prepare
from scsiameseclu.module.graph_views import normalised_adjacency, perturbed_view, propagate
from scsiameseclu.module.terms import GROUPS, PROPAGATED
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def prepared(demo: ad.AnnData) -> Prepared:
    return prepare(demo.copy(), ExpressionSettings(n_top_genes=200), GraphSettings(), seed=0)


def inputs_of(prepared: Prepared, *needs: str, **options: object) -> TrainingInputs:
    settings = ModelSettings(**options)
    return training_inputs(prepared, settings, frozenset(needs), 0, CPU)


def test_views_are_of_unit_components(prepared: Prepared) -> None:
    inputs = inputs_of(prepared, edge_drop=0.3)
    components = inputs.components
    assert float(components.pow(2).mean()) == pytest.approx(1, rel=1e-4)
    expected = perturbed_view(prepared.adjacency, components, components.numpy(), 0.3)
    torch.testing.assert_close(inputs.data.perturbed, expected)
    assert not torch.allclose(inputs_of(prepared).data.perturbed, expected)
    total = np.asarray(prepared.counts.sum(axis=1)).ravel()
    np.testing.assert_array_equal(inputs.data.size_factor, total)


def test_switching_diffusion_off_propagates_twice(prepared: Prepared) -> None:
    operator = normalised_adjacency(prepared.adjacency)
    on, off = inputs_of(prepared, diffusion=True), inputs_of(prepared, edge_drop=0.1)
    plain = propagate(operator, off.components)
    torch.testing.assert_close(off.data.diffused, plain)
    assert not torch.allclose(on.data.diffused, plain)
    # what is on changes its own view alone
    torch.testing.assert_close(on.data.perturbed, plain)
    assert not torch.allclose(off.data.perturbed, plain)


def test_without_augmentation_both_views_are_propagated_components(prepared: Prepared) -> None:
    inputs = inputs_of(prepared)
    plain = propagate(normalised_adjacency(prepared.adjacency), inputs.components)
    torch.testing.assert_close(inputs.data.perturbed, plain)
    torch.testing.assert_close(inputs.data.diffused, plain)


def test_what_no_term_needs_is_not_computed(prepared: Prepared) -> None:
    inputs = inputs_of(prepared)
    assert inputs.data.propagated.shape == (prepared.n_cells, 0)
    assert inputs.groups.shape == (prepared.n_cells, 0)
    assert inputs.landmarks.latents is None
    inputs = inputs_of(prepared, GROUPS, PROPAGATED)
    expected = propagate(normalised_adjacency(prepared.adjacency), inputs.components)
    torch.testing.assert_close(inputs.data.propagated, expected)
    assert inputs.groups.shape == (prepared.n_cells, N_GROUPS)
    assert bool((inputs.groups.sum(dim=1) == 1).all())


def test_landmarks_are_fitted_cells(prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scsiameseclu.model.landmarks.MAX_LANDMARKS", 100)
    assert inputs_of(prepared).landmarks.diffused is None
    inputs = inputs_of(prepared, diffusion=True)
    kept, landmarks = inputs.kept, inputs.landmarks
    assert kept.size == 100
    components = inputs.components.numpy()
    np.testing.assert_array_equal(landmarks.components, components[kept])
    once = normalised_adjacency(prepared.adjacency) @ components
    np.testing.assert_allclose(landmarks.once, once[kept], atol=1e-5)
    np.testing.assert_array_equal(landmarks.diffused, inputs.data.diffused.numpy()[kept])
