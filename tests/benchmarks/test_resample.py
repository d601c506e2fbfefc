"""Resampled cells: integers, nothing where the real cell has nothing, and that cell's label."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import resample
import scipy.sparse as sp


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Three kinds of cells that share no gene."""
    counts = sp.block_diag([np.random.default_rng(n).poisson(4, (10, 8)) for n in range(3)])
    obs = pd.DataFrame({"kind": np.repeat(["a", "b", "c"], 10)}, index=[f"c{i}" for i in range(30)])
    path = tmp_path / "real.h5ad"
    ad.AnnData(sp.csr_matrix(counts, dtype=np.float32), obs=obs).write_h5ad(path)
    return path


def test_labels_are_those_of_the_profiles(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resample, "CHUNK", 40)
    resample.write(source, 100, tmp_path / "new.h5ad", label="kind")
    drawn = ad.read_h5ad(tmp_path / "new.h5ad")
    assert drawn.shape == (100, 24)
    values = drawn.X.data
    np.testing.assert_array_equal(values, np.rint(values))
    assert values.min() >= 1
    for number, kind in enumerate("abc"):
        own = drawn[drawn.obs["kind"] == kind].X.toarray()
        assert own[:, 8 * number : 8 * number + 8].any(axis=1).all()
        assert own.sum() == own[:, 8 * number : 8 * number + 8].sum()


def test_cells_come_without_labels_unless_asked_for(source: Path, tmp_path: Path) -> None:
    resample.write(source, 5, tmp_path / "new.h5ad")
    assert not list(ad.read_h5ad(tmp_path / "new.h5ad").obs)
