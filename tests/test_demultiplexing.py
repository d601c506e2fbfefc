"""Cells are assigned to hashtags of which the truth is known."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from made_capture import DOUBLET, NEGATIVE, hashed

import scsiameseclu as ssc
from scsiameseclu.demultiplexing import demultiplex
from scsiameseclu.errors import UserError


@pytest.mark.parametrize("n_hashtags", [2, 3, 8])
@pytest.mark.parametrize("background", [0, 15])
def test_hashtags_doublets_and_negative_cells_are_recognised(
    n_hashtags: int, background: float
) -> None:
    made = hashed(1500, n_hashtags, background=background)
    result = demultiplex(made.counts)
    found = np.asarray(result.hashtag)
    assert (found == made.truth).mean() > 0.98
    for kind in (DOUBLET, NEGATIVE):
        assert (found == made.truth)[made.truth == kind].mean() > 0.9, kind
    assert result.warnings == []


def test_probabilities_are_calibrated() -> None:
    made = hashed(4000, 3, background=80)
    result = demultiplex(made.counts)
    right = np.asarray(result.hashtag) == made.truth
    assert result.probability.mean() == pytest.approx(right.mean(), abs=0.06)
    sure = result.probability > 0.99
    assert right[sure].mean() > right[~sure].mean()
    assert ((result.probability > 1 / 5) & (result.probability <= 1)).all()


def test_order_of_cells_and_hashtags_changes_nothing() -> None:
    made = hashed(800)
    expected = demultiplex(made.counts)
    moved = demultiplex(made.counts.iloc[::-1, ::-1])
    assert list(moved.hashtag[::-1]) == list(expected.hashtag)
    np.testing.assert_allclose(moved.probability[::-1], expected.probability, atol=1e-6)


def test_a_hashtag_that_was_not_used_is_named() -> None:
    made = hashed(800)
    counts = made.counts.assign(HTO_4=np.random.default_rng(0).poisson(8, 800))
    result = demultiplex(counts)
    assert (np.asarray(result.hashtag) == made.truth).mean() > 0.98
    (warning,) = result.warnings
    assert "HTO_4" in warning


def test_cells_beyond_both_groups_belong_to_the_nearer_one() -> None:
    """A wide group of labelled cells does not take the cells with the fewest counts."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(60, (600, 2))
    counts[np.arange(400), np.arange(400) % 2] += (400 * rng.lognormal(0, 1.2, 400)).astype(int)
    counts[400:410] = [3, 2]
    result = demultiplex(pd.DataFrame(counts, columns=["HTO_1", "HTO_2"]))
    assert (result.hashtag[400:410] == NEGATIVE).all()
    assert (result.hashtag[:400][::2] == "HTO_1").mean() > 0.9


def test_counts_of_another_sample_are_warned_about() -> None:
    made = hashed(400)
    counts = pd.concat([made.counts, 0 * made.counts, 0 * made.counts])
    assert "have no hashtag" in demultiplex(counts).warnings[-1]


def test_values_that_cannot_be_demultiplexed_are_refused() -> None:
    counts = hashed(50).counts
    with pytest.raises(UserError, match="two or more"):
        demultiplex(counts[["HTO_1"]])
    for wrong in (
        np.log1p(counts),
        -counts,
        counts.astype(float).replace(counts.iat[0, 0], np.nan),
    ):
        with pytest.raises(UserError, match="raw counts"):
            demultiplex(wrong)


@pytest.mark.parametrize("place", ["obs", "table", "array"])
def test_the_public_function_reads_obs_and_obsm(place: str) -> None:
    made = hashed(300)
    adata = ad.AnnData(np.ones((300, 2), dtype=np.float32))
    made.counts.index = adata.obs_names
    hashtags: str | list[str] = "hto"
    if place == "obs":
        adata.obs[made.counts.columns] = made.counts
        hashtags = list(made.counts.columns)
    else:
        adata.obsm["hto"] = made.counts if place == "table" else made.counts.to_numpy()
    result = ssc.pp.demultiplex(adata, hashtags, key_added="tag", copy=True)
    assert "tag" not in adata.obs
    found = result.obs["tag"].astype(str)
    if place == "array":
        found = found.replace({f"hashtag_{n}": f"HTO_{n + 1}" for n in range(3)})
    assert (found.to_numpy() == made.truth).mean() > 0.95
    assert result.uns["tag"]["n_cells"].sum() == 300
    with pytest.raises(UserError, match="available: "):
        ssc.pp.demultiplex(adata, "HTO_9" if place != "obs" else ["HTO_9"])


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["H0", "H0", "H1"], "hashtag 'H0' is given twice"),
        (["H0", "Negative"], "a hashtag is named 'Negative'"),
        (["H0", "text"], "hashtag 'text' are not numbers"),
        (["H0"], "two or more"),
    ],
)
def test_hashtags_that_cannot_be_told_apart(names: list[str], words: str) -> None:
    columns = {name: ["a", "b"] if name == "text" else [3, 5] for name in names}
    counts = pd.DataFrame(columns)[names]
    with pytest.raises(UserError, match=words):
        demultiplex(counts)
