"""Contamination of made mixtures, whose truth is known."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix, vstack
from soups import Soup, soup

from scsiameseclu.preprocess.ambient import correct_counts, estimate_ambient, quick_clusters


def foreign_share(counts: csr_matrix, mixed: Soup) -> float:
    """Share of the counts that is in genes which the type of the cell does not express."""
    masks = mixed.foreign[mixed.types].astype(np.float32)
    return float(counts.multiply(masks).sum() / counts.sum())


@pytest.mark.parametrize("mean", [0.03, 0.1, 0.25])
def test_contamination_is_that_of_the_mixture(mean: float) -> None:
    mixed = soup(mean)
    ambient = estimate_ambient(mixed.counts, mixed.types)
    assert ambient.contamination.mean() == pytest.approx(mixed.contamination.mean(), abs=0.01)
    assert np.corrcoef(ambient.contamination, mixed.contamination)[0, 1] > 0.8
    assert np.abs(ambient.group_contamination - mean).max() < 0.03
    assert ambient.warnings == []


def test_cells_without_ambient_rna_stay_as_they_are() -> None:
    mixed = soup(0.0)
    ambient = estimate_ambient(mixed.counts, mixed.types)
    assert ambient.contamination.max() < 0.01
    corrected = correct_counts(mixed.counts, ambient, seed=0)
    assert corrected.sum() > 0.999 * mixed.counts.sum()


def test_native_profiles_lack_foreign_genes_and_keep_own_ones() -> None:
    mixed = soup(0.2)
    ambient = estimate_ambient(mixed.counts, mixed.types)
    for kind in range(3):
        assert ambient.native[kind, mixed.foreign[kind]].sum() < 0.01
        own = mixed.native[mixed.types == kind].sum(axis=0)
        assert np.corrcoef(ambient.native[kind], np.asarray(own).ravel())[0, 1] > 0.99
    assert ambient.native.sum(axis=1) == pytest.approx(1)
    assert ambient.profile.sum(axis=1) == pytest.approx(1)


def test_quick_clusters_serve_as_well_as_types() -> None:
    mixed = soup(0.15)
    clusters = quick_clusters(mixed.counts, seed=0)
    corrected = correct_counts(mixed.counts, estimate_ambient(mixed.counts, clusters), seed=0)
    assert foreign_share(corrected, mixed) < 0.15 * foreign_share(mixed.counts, mixed)


def test_names_of_clusters_and_order_of_cells_do_not_matter() -> None:
    mixed = soup(0.1)
    first = estimate_ambient(mixed.counts, mixed.types).contamination
    renamed = np.array(["z", "b", "a"])[mixed.types]
    assert estimate_ambient(mixed.counts, renamed).contamination == pytest.approx(first)
    order = np.random.default_rng(0).permutation(mixed.types.size)
    shuffled = estimate_ambient(mixed.counts[order], mixed.types[order])
    assert shuffled.contamination == pytest.approx(first[order])


def test_captures_have_a_soup_each() -> None:
    """A clean and a contaminated capture: neither has the mean of both."""
    clean, dirty = soup(0.02, seed=1), soup(0.3, seed=2)
    counts = vstack([clean.counts, dirty.counts]).tocsr()
    types = np.r_[clean.types, dirty.types]
    captures = np.repeat(["clean", "dirty"], clean.types.size)
    both = estimate_ambient(counts, types, captures=captures).contamination
    assert both[: clean.types.size].mean() == pytest.approx(0.02, abs=0.02)
    assert both[clean.types.size :].mean() == pytest.approx(0.3, abs=0.02)
    alone = estimate_ambient(dirty.counts, dirty.types).contamination
    assert both[clean.types.size :] == pytest.approx(alone)


def test_the_profile_of_droplets_is_used() -> None:
    """Soup of the smallest type alone, as if its cells broke: only the droplets show it."""
    mixed = soup(0.0)
    rng = np.random.default_rng(0)
    profile = mixed.native[mixed.types == 2].sum(axis=0).A1
    profile = profile / profile.sum()
    foreign = np.stack([rng.multinomial(500, profile) for _ in mixed.types])
    counts = csr_matrix(mixed.counts + csr_matrix(foreign.astype(np.float32)))
    known = estimate_ambient(counts, mixed.types, droplets={"": 1e4 * profile})
    others = mixed.types < 2
    truth = 500 / counts.sum(axis=1).A1
    assert known.contamination[others] == pytest.approx(truth[others], abs=0.04)
    assert known.profile[0] == pytest.approx(profile)


def test_one_type_alone_has_no_estimate() -> None:
    """All genes are its own, so nothing tells how much is ambient; counts stay."""
    mixed = soup(0.1)
    rows = np.flatnonzero(mixed.types == 0)
    halves = np.arange(rows.size) % 2
    ambient = estimate_ambient(mixed.counts[rows], halves)
    assert np.isnan(ambient.contamination).all()
    assert "cannot be estimated" in ambient.warnings[0]
    corrected = correct_counts(mixed.counts[rows], ambient, seed=0)
    assert (corrected != mixed.counts[rows]).nnz == 0


@pytest.mark.parametrize("mean", [0.3, 0.5])
def test_an_estimate_that_is_not_trusted_is_told(mean: float) -> None:
    mixed = soup(mean, sharp=400)
    ambient = estimate_ambient(mixed.counts, mixed.types)
    if mean < 0.4:
        assert ambient.warnings == []
        return
    assert np.isnan(ambient.contamination).all()
    (warning,) = ambient.warnings
    told = float(warning.partition("the estimate is ")[2].partition("%")[0]) / 100
    assert told == pytest.approx(mean, abs=0.06)
    assert "above 40% it is not trusted" in warning
    shallow = estimate_ambient(mixed.counts[:9], mixed.types[:9])
    assert "no cluster has enough counts" in shallow.warnings[0]


def test_a_larger_sample_is_estimated_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = soup(0.1)
    whole = estimate_ambient(mixed.counts, mixed.types)
    for module in ("estimation", "correction"):
        monkeypatch.setattr(f"scsiameseclu.preprocess.ambient.{module}.BLOCK_CELLS", 70)
    parts = estimate_ambient(mixed.counts, mixed.types)
    assert parts.contamination == pytest.approx(whole.contamination)
    corrected = correct_counts(mixed.counts, parts, seed=0)
    assert (corrected > mixed.counts).nnz == 0
    assert corrected.shape == mixed.counts.shape


def test_quick_clusters_beyond_the_fitted_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = soup(0.1)
    monkeypatch.setattr("scsiameseclu.preprocess.ambient.clusters.MAX_FITTED", 150)
    clusters = quick_clusters(mixed.counts, seed=0)
    for cluster in np.unique(clusters):
        assert np.unique(mixed.types[clusters == cluster]).size == 1
