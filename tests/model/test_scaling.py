"""The scaling of genes projects the fitted cells to where they are."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.model.scaling import GeneScaling, gene_scaling
from scsiameseclu.preprocess.expression import principal_components, project
from scsiameseclu.settings import ExpressionSettings


@pytest.fixture
def work() -> ad.AnnData:
    """Log-normalised cells of two kinds, two thirds of the genes chosen; one does not vary."""
    rng = np.random.default_rng(0)
    means = np.where(np.arange(200)[:, None] < 80, 1.0, rng.uniform(0.5, 4, 30)[None])
    values = np.log1p(rng.poisson(means)).astype(np.float32)
    values[:, 3] = 0
    adata = ad.AnnData(sp.csr_matrix(values))
    adata.var_names = [f"g{number}" for number in range(30)]
    adata.var["highly_variable"] = np.arange(30) % 3 < 2
    principal_components(adata, ExpressionSettings(n_pcs=10, max_value=3.0), seed=0)
    return adata


def scaled(work: ad.AnnData, max_value: float = 10.0) -> tuple[GeneScaling, sp.csr_matrix]:
    chosen = work.var["highly_variable"].to_numpy()
    part = sp.csr_matrix(work.X[:, chosen])
    return gene_scaling(work, part, chosen, 123.0, max_value), part


def components(scaling: GeneScaling, part: sp.csr_matrix) -> np.ndarray:
    return project(
        part,
        scaling.mean,
        scaling.deviation,
        scaling.loadings,
        scaling.centre,
        scaling.max_value,
    )


def test_fitted_cells_are_projected_to_their_components(work: ad.AnnData) -> None:
    scaling, part = scaled(work)
    np.testing.assert_allclose(components(scaling, part), work.obsm["X_pca"], atol=1e-3)
    assert scaling.max_value == 3.0  # that of the components
    assert scaling.median_total == 123.0


def test_moments_are_those_of_the_chosen_genes(work: ad.AnnData) -> None:
    scaling, part = scaled(work)
    values = part.toarray().astype(float)
    deviation = values.std(axis=0, ddof=1)
    assert scaling.genes == [f"g{n}" for n in range(30) if n % 3 < 2]
    np.testing.assert_allclose(scaling.mean, values.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(scaling.deviation, np.where(deviation == 0, 1, deviation), rtol=1e-5)
    assert scaling.deviation[scaling.genes.index("g3")] == 1


def test_loadings_of_components_from_elsewhere_are_regressed(work: ad.AnnData) -> None:
    expected = work.obsm["X_pca"].copy()
    work.obsm["X_pca"] = expected + 5.0  # not centred either
    del work.uns["pca"]
    scaling, part = scaled(work, max_value=3.0)
    assert scaling.loadings.shape == (20, 10)
    found = components(scaling, part)
    np.testing.assert_allclose(found.mean(axis=0), work.obsm["X_pca"].mean(axis=0), atol=1e-2)
    errors = np.linalg.norm(found - work.obsm["X_pca"], axis=0)
    assert (errors < 0.05 * np.linalg.norm(expected, axis=0)).all()
    assert scaling.max_value == 3.0
