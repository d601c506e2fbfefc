"""Genes and components of any cell are scaled as those of the fitted cells were."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.model.preparation import Prepared, prepare
from scsiameseclu.preprocess.expression import log_normalise
from scsiameseclu.settings import ExpressionSettings, GraphSettings


@pytest.fixture(scope="module")
def fitted(demo: ad.AnnData) -> tuple[Prepared, ad.AnnData]:
    adata = demo.copy()
    return prepare(adata, ExpressionSettings(n_top_genes=200), GraphSettings(), seed=0), adata


def test_fitted_cells_get_their_own_values_and_components(
    fitted: tuple[Prepared, ad.AnnData],
) -> None:
    prepared, adata = fitted
    scaling = prepared.scaling
    totals = np.asarray(adata.X.sum(axis=1)).ravel()
    values = scaling.log_normalised(prepared.counts, totals)
    np.testing.assert_allclose(values.toarray(), prepared.expression.toarray(), atol=1e-5)
    unit = scaling.unit(prepared.components)
    np.testing.assert_allclose(scaling.components(values), unit, atol=1e-3)
    assert np.mean(unit.astype(float) ** 2) == pytest.approx(1, rel=1e-4)


def test_moments_are_those_of_the_variable_genes(fitted: tuple[Prepared, ad.AnnData]) -> None:
    prepared, adata = fitted
    dense = log_normalise(adata.X)[0][:, adata.var["highly_variable"].to_numpy()].toarray()
    np.testing.assert_allclose(prepared.scaling.mean, dense.mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(prepared.scaling.deviation, dense.std(axis=0, ddof=1), rtol=1e-4)
    assert prepared.scaling.genes == list(adata.var_names[adata.var["highly_variable"]])


def test_scaled_values_stay_sparse_and_are_clipped(fitted: tuple[Prepared, ad.AnnData]) -> None:
    prepared, _ = fitted
    scaling = prepared.scaling
    extreme = prepared.expression.copy()
    extreme.data[0] = 1e6
    scaled = scaling.scaled(extreme)
    assert scaled.nnz == extreme.nnz
    assert scaled.data[0] == scaled.data.max() == scaling.max_value == 10.0
    others = np.arange(1, extreme.nnz)
    expected = (extreme.data / scaling.deviation[extreme.indices])[others]
    np.testing.assert_allclose(scaled.data[others], np.minimum(expected, 10), rtol=1e-5)


def test_missing_genes_are_filled_with_their_mean(fitted: tuple[Prepared, ad.AnnData]) -> None:
    prepared, _ = fitted
    scaling, missing = prepared.scaling, np.zeros(200, dtype=bool)
    assert scaling.filled(prepared.expression, missing) is prepared.expression
    missing[[3, 7]] = True
    filled = scaling.filled(prepared.expression, missing).toarray()
    np.testing.assert_allclose(filled[:, missing], np.tile(scaling.mean[missing], (350, 1)))
    np.testing.assert_array_equal(filled[:, ~missing], prepared.expression.toarray()[:, ~missing])


def test_a_cell_without_counts_stays_empty(fitted: tuple[Prepared, ad.AnnData]) -> None:
    empty = fitted[0].scaling.log_normalised(sp.csr_matrix((1, 200)), np.zeros(1))
    assert empty.nnz == 0


def test_loadings_of_components_from_elsewhere_are_regressed(
    fitted: tuple[Prepared, ad.AnnData],
) -> None:
    """Also of components that are not centred."""
    first, adata = fitted
    other = adata.copy()
    other.obsm["X_pca"] = first.components[:, :10] + 5.0
    del other.uns["pca"]
    prepared = prepare(other, ExpressionSettings(n_top_genes=200), GraphSettings(), seed=0)
    scaling = prepared.scaling
    assert scaling.loadings.shape == (200, 10)
    expected = scaling.unit(prepared.components)
    found = scaling.components(prepared.expression)
    np.testing.assert_allclose(found.mean(axis=0), expected.mean(axis=0), rtol=1e-3)
    spread = expected - expected.mean(axis=0)
    assert np.linalg.norm(found - expected) < 0.1 * np.linalg.norm(spread)


def test_columns_of_scanpy_are_not_taken_for_the_scaling(demo: ad.AnnData) -> None:
    """scanpy.pp.scale writes var["mean"] and var["std"], before or after the first fit."""
    settings = ExpressionSettings(n_top_genes=200), GraphSettings()
    expected = prepare(demo.copy(), *settings, seed=0).scaling
    adata = demo.copy()
    adata.var["mean"], adata.var["std"], adata.var["deviation"] = 9.0, 7.0, 5.0
    for _ in range(2):  # the second time with the slots of the first
        scaling = prepare(adata, *settings, seed=0).scaling
        for name in ("mean", "deviation", "loadings", "centre"):
            np.testing.assert_array_equal(getattr(scaling, name), getattr(expected, name))
        assert (adata.var["mean"] == 9).all()
        adata.var["mean"] = 9.0


def test_components_that_another_tool_has_changed_are_regressed(demo: ad.AnnData) -> None:
    """Such as those of Harmony in place of the principal components."""
    settings = ExpressionSettings(n_top_genes=200), GraphSettings()
    adata = demo.copy()
    own = prepare(adata, *settings, seed=0).scaling
    adata.obsm["X_pca"] = adata.obsm["X_pca"][:, ::-1].copy()
    scaling = prepare(adata, *settings, seed=0).scaling
    assert np.abs(scaling.loadings - own.loadings).max() > 0.01
    chosen = adata.var["highly_variable"].to_numpy()
    projected = scaling.components(log_normalise(adata.X)[0][:, chosen])
    changed = scaling.unit(adata.obsm["X_pca"])
    assert np.linalg.norm(projected - changed) < 0.3 * np.linalg.norm(changed)


def test_a_part_of_the_cells_keeps_the_scaling_of_all(
    fitted: tuple[Prepared, ad.AnnData],
) -> None:
    first, adata = fitted
    part = adata[::2].copy()
    prepared = prepare(part, ExpressionSettings(n_top_genes=200), GraphSettings(), seed=0)
    np.testing.assert_array_equal(prepared.scaling.loadings, first.scaling.loadings)
    np.testing.assert_array_equal(prepared.scaling.deviation, first.scaling.deviation)
