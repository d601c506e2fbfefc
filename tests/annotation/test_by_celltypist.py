"""The vote of a CellTypist model, against the model's own formula."""

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from real_data import demo_counts
from scipy.special import expit

from scsiameseclu.annotation.by_celltypist import celltypist_vote, load_model
from scsiameseclu.errors import UserError

N_MODEL_GENES = 40


@pytest.fixture(scope="module")
def counts() -> ad.AnnData:
    return demo_counts()


@pytest.fixture(scope="module")
def model(counts: ad.AnnData, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    """A model of the demo's published labels in some of its genes, in an order of its own."""
    folder = tmp_path_factory.mktemp("celltypist")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CELLTYPIST_FOLDER", str(folder))
        celltypist = pytest.importorskip("celltypist")
    logged = ad.AnnData(normalised(counts.X), var=pd.DataFrame(index=counts.var_names))
    chosen = logged[:, np.random.default_rng(0).permutation(counts.n_vars)[:N_MODEL_GENES]].copy()
    labels = counts.obs["bulk_labels"].astype(str).to_numpy()
    trained = celltypist.train(chosen, labels=labels, check_expression=False, n_jobs=1)
    path = folder / "demo.pkl"
    trained.write(str(path))
    return path, trained


def normalised(counts: sp.csr_matrix) -> sp.csr_matrix:
    totals = np.asarray(counts.sum(axis=1)).ravel()
    return sp.csr_matrix(sp.diags(1e4 / totals) @ counts).log1p()


def by_hand(counts: ad.AnnData, trained: Any) -> tuple[np.ndarray, np.ndarray]:
    """Best type and its probability: one logistic regression for each type."""
    columns = counts.var_names.get_indexer(trained.features)
    values = normalised(counts.X)[:, columns].toarray()
    scaled = np.minimum((values - trained.scaler.mean_) / trained.scaler.scale_, 10)
    classifier = trained.classifier
    probability = expit(scaled @ classifier.coef_.T + classifier.intercept_)
    return classifier.classes_[probability.argmax(axis=1)], probability.max(axis=1)


def test_votes_are_those_of_the_formula(counts: ad.AnnData, model: tuple[Path, Any]) -> None:
    path, trained = model
    vote, match = celltypist_vote(counts.var, [counts.X], path)
    best, probability = by_hand(counts, trained)
    assert vote.source == "celltypist"
    assert match.overlap == 1
    np.testing.assert_allclose(vote.strength, probability, atol=1e-4)
    clear = np.abs(probability - 0.5) > 1e-3
    expected = np.where(probability >= 0.5, best, "Unknown")
    assert (vote.names[clear] == expected[clear]).all()
    assert 0.01 < (vote.names == "Unknown").mean() < 0.5


def test_blocks_of_cells_and_names_of_genes_change_nothing(
    counts: ad.AnnData, model: tuple[Path, Any]
) -> None:
    path, _ = model
    whole, _ = celltypist_vote(counts.var, [counts.X], path)
    order = np.random.default_rng(1).permutation(counts.n_vars)
    other = counts[:, order]
    genes = other.var.assign(gene_symbol=other.var["gene_symbol"].str.lower())
    parts = (other.X[first : first + 300] for first in range(0, counts.n_obs, 300))
    vote, _ = celltypist_vote(genes, parts, path)
    np.testing.assert_allclose(vote.strength, whole.strength, atol=1e-4)
    assert (vote.names == whole.names).mean() > 0.99


def test_a_cell_without_counts_is_no_error(counts: ad.AnnData, model: tuple[Path, Any]) -> None:
    empty = sp.vstack([counts.X[:2], sp.csr_matrix((1, counts.n_vars), dtype=np.float32)]).tocsr()
    vote, _ = celltypist_vote(counts.var, [empty], model[0])
    assert vote.names.shape == (3,)
    assert np.isfinite(vote.strength).all()


def test_files_that_are_no_model(
    counts: ad.AnnData, model: tuple[Path, Any], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"none.pkl is not a file; check celltypist_model"):
        load_model(tmp_path / "none.pkl")
    path = tmp_path / "text.pkl"
    path.write_text("no model")
    with pytest.raises(UserError, match=r"text.pkl cannot be read"):
        load_model(path)
    names = [f"other{number}" for number in range(counts.n_vars)]
    genes = pd.DataFrame({"gene_id": names, "gene_symbol": names})
    with pytest.raises(UserError, match=r"the data has 0% of the genes of CellTypist model"):
        celltypist_vote(genes, [counts.X], model[0])
