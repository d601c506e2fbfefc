"""Normalisation and PCA: the sparse road ends where scanpy's dense one does."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp

from scsiameseclu.preprocess.batches import batches_of
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    gene_moments,
    log_normalise,
    normalised_dispersions,
    principal_components,
    project,
    scale_sparse,
)
from scsiameseclu.settings import ExpressionSettings


@pytest.fixture(scope="module")
def counts() -> sp.csr_matrix:
    rng = np.random.default_rng(0)
    rates = rng.gamma(0.3, 4, size=(4, 400))[rng.integers(0, 4, 300)]
    return sp.csr_matrix(rng.poisson(rates).astype(np.float32))


@pytest.fixture(scope="module")
def normalised(counts: sp.csr_matrix) -> ad.AnnData:
    adata = ad.AnnData(log_normalise(counts)[0])
    choose_variable_genes(adata, ExpressionSettings(n_top_genes=150))
    principal_components(adata, ExpressionSettings(n_top_genes=150, n_pcs=10), seed=0)
    return adata


def test_log_normalise_is_scanpys(counts: sp.csr_matrix) -> None:
    theirs = ad.AnnData(counts.copy())
    sc.pp.normalize_total(theirs)
    sc.pp.log1p(theirs)
    ours, size_factors = log_normalise(counts)
    np.testing.assert_allclose(ours.toarray(), theirs.X.toarray(), atol=1e-5)
    assert np.median(size_factors) == pytest.approx(1)


def test_empty_cell_stays_finite() -> None:
    ours, size_factors = log_normalise(sp.csr_matrix(np.array([[0, 0], [1, 3]], dtype=np.float32)))
    assert np.isfinite(ours.toarray()).all()
    assert size_factors[0] == 1


def test_sparse_scaling_is_scanpys_scaling(counts: sp.csr_matrix) -> None:
    matrix = log_normalise(counts)[0]
    dense = ad.AnnData(matrix.toarray())
    sc.pp.scale(dense, max_value=2)
    mean, deviation = dense.var["mean"].to_numpy(), dense.var["std"].to_numpy()
    ours = scale_sparse(matrix, mean, deviation, 2.0).toarray() - mean / deviation
    # scanpy clips from below too; the zeros of a common gene may lie there
    np.testing.assert_allclose(np.maximum(ours, -2), dense.X, atol=1e-4)


def test_components_match_dense_pca(normalised: ad.AnnData) -> None:
    chosen = normalised[:, normalised.var["highly_variable"]].to_memory()
    dense = ad.AnnData(chosen.X.toarray())
    sc.pp.scale(dense)
    dense.X = np.minimum(dense.X, 10)
    sc.pp.pca(dense, n_comps=10)
    ours, theirs = normalised.obsm["X_pca"], dense.obsm["X_pca"]
    correlation = [abs(np.corrcoef(ours[:, i], theirs[:, i])[0, 1]) for i in range(3)]
    assert min(correlation) > 0.999


def test_projecting_the_fitted_cells_returns_their_scores(normalised: ad.AnnData) -> None:
    chosen = normalised.var["highly_variable"].to_numpy()
    scores = project(
        normalised.X[:, chosen],
        normalised.var["pca_mean"].to_numpy()[chosen],
        normalised.var["pca_deviation"].to_numpy()[chosen],
        normalised.varm["PCs"][chosen],
        normalised.uns["pca"]["centre"],
        10.0,
    )
    np.testing.assert_allclose(scores, normalised.obsm["X_pca"], atol=1e-3)


def test_variable_genes_within_batches(counts: sp.csr_matrix) -> None:
    adata = ad.AnnData(log_normalise(counts)[0])
    batches = pd.Series(np.repeat(["x", "y"], 150), adata.obs_names, dtype="category")
    choose_variable_genes(adata, ExpressionSettings(n_top_genes=100), batches)
    assert "highly_variable_nbatches" in adata.var
    assert adata.var["highly_variable"].sum() == 100
    assert adata.obs.empty


def test_an_unused_category_does_not_switch_batches_off(counts: sp.csr_matrix) -> None:
    adata = ad.AnnData(log_normalise(counts)[0])
    column = pd.Categorical(np.repeat(["x", "y"], 150), categories=["w", "x", "y"])
    adata.obs["donor"] = column
    choose_variable_genes(adata, ExpressionSettings(n_top_genes=100), batches_of(adata, "donor"))
    assert set(adata.var["highly_variable_nbatches"]) == {0, 1, 2}


def test_a_small_batch_switches_batches_off_and_says_so(
    counts: sp.csr_matrix, caplog: pytest.LogCaptureFixture
) -> None:
    adata = ad.AnnData(log_normalise(counts)[0])
    batches = pd.Series(["x"] * 251 + ["y"] * 49, adata.obs_names, dtype="category")
    choose_variable_genes(adata, ExpressionSettings(n_top_genes=100), batches)
    assert "highly_variable_nbatches" not in adata.var
    assert "batch y has 49 cells, fewer than 50" in caplog.text


def test_blocks_of_cells_change_nothing(
    counts: sp.csr_matrix, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, factors = log_normalise(counts)
    mean, variance = gene_moments(whole)
    np.testing.assert_allclose(variance, whole.toarray().astype(float).var(axis=0, ddof=1))
    monkeypatch.setattr("scsiameseclu.preprocess.expression.BLOCK_CELLS", 64)
    blocked, again = log_normalise(counts)
    assert (blocked != whole).nnz == 0
    assert (again == factors).all()
    np.testing.assert_allclose(gene_moments(whole), (mean, variance), rtol=1e-12)


@pytest.mark.parametrize("constant", [False, True])
def test_variable_genes_are_scanpys(counts: sp.csr_matrix, constant: bool) -> None:
    dense = counts.toarray()
    dense[:, :5] = 0
    dense[:, 5] *= 1000  # alone in its bin of mean expression
    if constant:
        dense[:, 6:9] = 1
    logged = log_normalise(sp.csr_matrix(dense))[0]
    ours, theirs = ad.AnnData(logged), ad.AnnData(logged.copy())
    choose_variable_genes(ours, ExpressionSettings(n_top_genes=150))
    sc.pp.highly_variable_genes(theirs, n_top_genes=150)
    assert (ours.var["highly_variable"] == theirs.var["highly_variable"]).all()
    np.testing.assert_allclose(
        normalised_dispersions(*gene_moments(logged, linear=True)),
        theirs.var["dispersions_norm"],
        atol=1e-5,
    )


def test_moments_of_a_logarithmic_matrix(counts: sp.csr_matrix) -> None:
    values = np.expm1(log_normalise(counts)[0].toarray().astype(float))
    mean, variance = gene_moments(log_normalise(counts)[0], linear=True)
    np.testing.assert_allclose(mean, values.mean(axis=0))
    np.testing.assert_allclose(variance, values.var(axis=0, ddof=1))


def test_genes_of_equal_dispersion_are_all_chosen(counts: sp.csr_matrix) -> None:
    logged = log_normalise(sp.csr_matrix(np.repeat(counts[:, :1].toarray() + 1, 200, axis=1)))[0]
    logged.data += np.tile(np.arange(300) % 2, (200, 1)).T.ravel()  # equal in all genes
    adata = ad.AnnData(logged)
    choose_variable_genes(adata, ExpressionSettings(n_top_genes=100))
    assert adata.var["highly_variable"].all()
