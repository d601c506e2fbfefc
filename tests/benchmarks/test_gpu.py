"""The GPU benchmark's inputs are sound, and its parts run, on the CPU here."""

import anndata as ad
import gpu
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.model.preparation import Prepared
from scsiameseclu.settings import ModelSettings

N_CELLS = 400
SETTINGS = ModelSettings(networks=1, pretrain_steps=30, hidden_size=16, max_clusters=5)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Cells of three kinds, each with genes of its own."""
    rng = np.random.default_rng(0)
    means = rng.gamma(0.3, 1, (3, 300))
    counts = rng.poisson(means[np.arange(120) % 3]).astype(np.float32)
    path = tmp_path_factory.mktemp("gpu") / "real.h5ad"
    ad.AnnData(sp.csr_matrix(counts)).write_h5ad(path)
    return gpu.prepared(path, N_CELLS, "cpu")[0]


def test_inputs_are_of_all_cells(inputs: Prepared) -> None:
    assert inputs.counts.shape == inputs.expression.shape == (N_CELLS, 300)
    assert inputs.components.shape == (N_CELLS, 50)
    assert inputs.adjacency.shape == (N_CELLS, N_CELLS)
    assert (inputs.adjacency != inputs.adjacency.T).nnz == 0
    assert inputs.adjacency.data.min() > 0
    assert inputs.adjacency.data.max() <= 1
    degrees = np.diff(inputs.adjacency.indptr)
    assert degrees.min() >= 14
    np.testing.assert_array_equal(inputs.counts.data, np.rint(inputs.counts.data))


def test_a_fit_is_timed_and_finds_the_kinds(inputs: Prepared) -> None:
    row = gpu.fit(inputs, "cpu", SETTINGS)
    assert row["seconds"] > 0
    assert 3 <= row["clusters"] <= 5


def test_arithmetic_changes_speed_not_what_is_learned(inputs: Prepared) -> None:
    single, half = (gpu.steps(inputs, "cpu", SETTINGS, kind, False) for kind in ("single", "bf16"))
    assert min(single["steps_per_s"], half["steps_per_s"]) > 0
    assert single["loss"] != half["loss"]
    assert half["loss"] == pytest.approx(single["loss"], rel=0.02)
