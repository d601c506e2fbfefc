"""Properties of the MAD bounds."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.preprocess.quality.thresholds import Bound, thresholds
from scsiameseclu.settings import QualitySettings

DEFAULT = QualitySettings()


def metrics(n: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    counts = np.round(np.exp(rng.normal(8, 0.5, n)))
    return pd.DataFrame(
        {
            "n_genes": np.round(counts * rng.uniform(0.2, 0.4, n)),
            "total_counts": counts,
            "pct_top20": rng.normal(40, 8, n),
            "pct_mito": rng.gamma(4, 1, n),
        }
    )


def outside(table: pd.DataFrame, bounds: dict[str, Bound]) -> np.ndarray:
    masks = [b.below(table[m].to_numpy()) | b.above(table[m].to_numpy()) for m, b in bounds.items()]
    return np.any(masks, axis=0)


def test_bounds_are_those_of_the_formula() -> None:
    table = metrics()
    logged = np.log1p(table["total_counts"].to_numpy())
    mad = np.median(np.abs(logged - np.median(logged)))
    bound = thresholds(table, DEFAULT)["total_counts"]
    assert np.log1p(bound.low) == pytest.approx(np.median(logged) - 5 * mad)
    assert np.log1p(bound.high) == pytest.approx(np.median(logged) + 5 * mad)


@pytest.mark.parametrize("seed", range(5))
def test_more_mads_never_lose_more_cells(seed: int) -> None:
    table = metrics(seed=seed)
    lost = []
    for mads in (0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0):
        settings = replace(DEFAULT, mad_counts=mads, mad_genes=mads, mad_top20=mads, mad_mito=mads)
        lost.append(outside(table, thresholds(table, settings)))
    for stricter, looser in pairwise(lost):
        assert not (looser & ~stricter).any()
    assert lost[0].sum() > lost[-1].sum()


def test_bounds_do_not_depend_on_the_order_of_cells_nor_on_empty_cells() -> None:
    table = metrics()
    empty = pd.DataFrame({name: [0.0] * 900 for name in table}).assign(
        pct_top20=np.nan, pct_mito=np.nan
    )
    shuffled = pd.concat([empty, table.sample(frac=1, random_state=1)])
    # as text, since a missing bound is NaN, which equals nothing
    assert str(thresholds(shuffled, DEFAULT)) == str(thresholds(table, DEFAULT))


def test_equal_cells_all_stay() -> None:
    table = pd.DataFrame(
        {
            "n_genes": [500.0] * 50,
            "total_counts": [2000.0] * 50,
            "pct_top20": [30.0] * 50,
            "pct_mito": [20.0] * 50,
        }
    )
    assert not outside(table, thresholds(table, DEFAULT)).any()
    strict = replace(DEFAULT, mad_counts=0, mad_genes=0, mad_top20=0, mad_mito=0)
    assert not outside(table, thresholds(table, strict)).any()


def test_floor_keeps_cells_within_a_factor_3_5_of_a_flat_median() -> None:
    table = metrics(100)
    table["total_counts"] = 1000.0
    table.loc[0, "total_counts"] = 300.0
    table.loc[1, "total_counts"] = 270.0
    bound = thresholds(table, DEFAULT)["total_counts"]
    assert bound.below(table["total_counts"].to_numpy()).nonzero()[0].tolist() == [1]


def test_mito_needs_both_to_be_an_outlier_and_to_be_above_the_floor() -> None:
    table = metrics()
    table["pct_mito"] = np.linspace(0.5, 1.5, len(table))
    table.loc[0, "pct_mito"] = 7.9  # far above the median, below 8 %
    table.loc[1, "pct_mito"] = 8.1
    high = thresholds(table, DEFAULT)["pct_mito"]
    assert high.above(table["pct_mito"].to_numpy()).nonzero()[0].tolist() == [1]
    table["pct_mito"] = np.linspace(20, 40, len(table))  # a stressed tissue: nothing stands out
    assert not thresholds(table, DEFAULT)["pct_mito"].above(table["pct_mito"].to_numpy()).any()


def test_a_population_above_is_not_taken_for_outliers() -> None:
    table = metrics(1000)
    table.loc[:99, "total_counts"] *= 100
    bound = thresholds(table, DEFAULT)["total_counts"]
    assert bound.widened >= 100
    assert 0 < bound.above(table["total_counts"].to_numpy()).sum() <= 20


def test_own_numbers_replace_the_end_they_name() -> None:
    table = metrics()
    plain = thresholds(table, DEFAULT)
    own = thresholds(
        table, QualitySettings(min_counts=7, max_genes=99, max_pct_mito=1.5, min_genes=0)
    )
    assert own["total_counts"] == Bound(7.0, plain["total_counts"].high)
    assert (own["n_genes"].low, own["n_genes"].high) == (0.0, 99.0)
    assert own["pct_mito"].high == 1.5
    assert own["pct_top20"] == plain["pct_top20"]


def test_unknown_mitochondrial_share_bounds_nothing() -> None:
    table = metrics().assign(pct_mito=np.nan)
    bound = thresholds(table, DEFAULT)["pct_mito"]
    assert np.isnan(bound.low)
    assert np.isnan(bound.high)
    assert not bound.above(table["pct_mito"].to_numpy()).any()
