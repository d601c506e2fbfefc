"""What is taken for counts, for log-normalised values, and for neither."""

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.expression import log_normalise
from scsiameseclu.preprocess.matrices import find_counts, find_logged, log_normalised


@pytest.fixture
def counts() -> sp.csr_matrix:
    drawn = np.random.default_rng(0).poisson(1.5, (30, 12))
    return sp.csr_matrix(drawn.astype(np.float32))


def test_counts_come_from_the_layer_then_from_x(counts: sp.csr_matrix) -> None:
    logged = log_normalise(counts)[0]
    both = ad.AnnData(logged, layers={"counts": counts, "spliced": 2 * counts})
    assert (find_counts(both) != counts).nnz == 0
    assert (find_counts(both, "spliced") != 2 * counts).nnz == 0
    assert (find_counts(ad.AnnData(counts)) != counts).nnz == 0
    with pytest.raises(UserError, match=r"adata.X has values from 0 .* not counts"):
        find_counts(ad.AnnData(logged))


def test_dense_integers_are_counts(counts: sp.csr_matrix) -> None:
    dense = ad.AnnData(counts.toarray().astype(np.int64))
    found = find_counts(dense)
    assert found.dtype == np.float32
    assert (found != counts).nnz == 0


def test_log_values_are_computed_only_from_counts(counts: sp.csr_matrix) -> None:
    logged = log_normalise(counts)[0]
    scaled = logged.toarray() - 0.5
    for adata in (
        ad.AnnData(counts),
        ad.AnnData(logged, layers={"counts": 3 * counts}),
        ad.AnnData(scaled, layers={"counts": counts}),
        ad.AnnData(X=None, layers={"counts": counts}),
    ):
        assert (log_normalised(adata) != logged).nnz == 0
    named = ad.AnnData(scaled, layers={"mine": logged})
    assert (log_normalised(named, "mine") != logged).nnz == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda values: values - 1, "from -1"),
        (lambda values: 100.5 * values, "not log-normalised"),
        (lambda values: np.where(values > 3, np.nan, values), "not finite"),
    ],
    ids=["negative", "too large", "missing"],
)
def test_values_that_are_not_logarithms(counts: sp.csr_matrix, change: object, said: str) -> None:
    adata = ad.AnnData(change(log_normalise(counts)[0].toarray() + counts.toarray()))  # type: ignore[operator]
    with pytest.raises(UserError, match=said):
        find_logged(adata)
    with pytest.raises(UserError, match="neither counts nor log-normalised"):
        log_normalised(adata)


def test_a_missing_layer_is_named(counts: sp.csr_matrix) -> None:
    adata = ad.AnnData(counts, layers={"spliced": counts})
    for find in (find_counts, find_logged, log_normalised):
        with pytest.raises(UserError, match="no layer 'raw'; available: spliced"):
            find(adata, "raw")


def test_a_backed_file_is_refused(counts: sp.csr_matrix, tmp_path: Path) -> None:
    ad.AnnData(counts).write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    with pytest.raises(UserError, match="to_memory"):
        find_counts(backed)
