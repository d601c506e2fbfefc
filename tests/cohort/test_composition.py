"""Differential abundance: signs, artefacts of shares, confounders, and p-values under the null."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.cohort.composition import (
    centred,
    compare_composition,
    count_cells,
    shares_of,
)
from scsiameseclu.cohort.replicates import Replicates

SHARES = np.array([0.4, 0.25, 0.15, 0.1, 0.06, 0.04])
GROUPS = pd.Index(list("ABCDEF"))


def replicates(n: int = 4, runs: str = "", donors: bool = False) -> Replicates:
    """``n`` replicates per condition, in runs if given."""
    conditions = ["ctrl"] * n + ["stim"] * n
    names = [f"{c}{r}" for r, c in enumerate(conditions)]
    donor = [str(r % n) for r in range(2 * n)] if donors else names
    table = pd.DataFrame({"condition": conditions, "donor": donor, "samples": names}, index=names)
    covariates: tuple[str, ...] = ()
    if runs:
        table["run"], covariates = list(runs), ("run",)
    return Replicates(table, np.zeros(0, int), "ctrl", covariates, ())


def drawn(
    rng: np.random.Generator, of: Replicates, factor: np.ndarray, spread: float = 0.1
) -> pd.DataFrame:
    """Counts of replicates whose shares vary; ``factor`` (n_replicates, n_groups) changes them."""
    shares = SHARES * factor * np.exp(rng.normal(0, spread, factor.shape))
    counts = [rng.multinomial(1500, row / row.sum()) for row in shares]
    return pd.DataFrame(np.array(counts), of.table.index, GROUPS)


def fold(of: Replicates, group: int, times: float) -> np.ndarray:
    factor = np.ones((len(of.table), len(GROUPS)))
    factor[(of.table["condition"] == "stim").to_numpy(), group] = times
    return factor


def test_counts_by_hand() -> None:
    table = pd.DataFrame({"condition": ["x", "y"]}, index=["r", "s"])
    of = Replicates(table, np.array([0, 1, 1, -1, 0, 1]), "x", (), ())
    groups = pd.Series(pd.Categorical(["a", "b", "b", "a", None, "a"]))
    counts = count_cells(of, groups)
    assert counts.to_numpy().tolist() == [[1, 0], [1, 2]]
    assert shares_of(counts).loc["s"].tolist() == pytest.approx([1 / 3, 2 / 3])


@pytest.mark.parametrize(("times", "sign"), [(2.0, 1), (0.5, -1)])
def test_only_the_changed_group_is_called(times: float, sign: int) -> None:
    """Although the largest group changes, and with it the shares of all others."""
    of = replicates()
    counts = drawn(np.random.default_rng(0), of, fold(of, 0, times))
    table = compare_composition(of, counts)[0].set_index("group")
    assert (table["difference"].drop("A") * sign < 0).all()
    assert table.index[table["adjusted_p"] < 0.05].tolist() == ["A"]
    assert table.loc["A", "low"] < sign < table.loc["A", "high"]
    assert table.loc["A", "low"] * table.loc["A", "high"] > 0


def test_exchanged_conditions_exchange_the_sign() -> None:
    of = replicates()
    counts = drawn(np.random.default_rng(1), of, fold(of, 2, 2.0))
    swapped = counts.iloc[[4, 5, 6, 7, 0, 1, 2, 3]].set_axis(counts.index)
    there, back = (compare_composition(of, c)[0] for c in (counts, swapped))
    np.testing.assert_allclose(there["log2_change"], -back["log2_change"], atol=1e-8)
    np.testing.assert_allclose(there["p_value"], back["p_value"], atol=1e-8)
    np.testing.assert_allclose(there["low"], -back["high"], atol=1e-8)


def test_p_values_are_uniform_without_a_change() -> None:
    of, rng = replicates(), np.random.default_rng(2)
    tables = [compare_composition(of, drawn(rng, of, fold(of, 0, 1.0), 0.3))[0] for _ in range(100)]
    p = pd.concat(tables)["p_value"]
    assert 0.01 < (p < 0.05).mean() < 0.075
    assert p.mean() == pytest.approx(0.5, abs=0.06)
    called = [(table["adjusted_p"] < 0.05).any() for table in tables]
    assert np.mean(called) < 0.1


def test_intervals_cover_the_truth() -> None:
    of, rng = replicates(), np.random.default_rng(3)
    covered = []
    for _ in range(60):
        table = compare_composition(of, drawn(rng, of, fold(of, 3, 2.0), 0.2))[0]
        truth = np.array([0, 0, 0, 1, 0, 0])
        covered.append((table["low"] < truth) & (truth < table["high"]))
    assert np.mean(covered) > 0.92


def test_a_covariate_removes_a_confounder() -> None:
    """Run b has three times as many cells of group C, and most samples of stim are of run b."""
    runs = "aaababbb"
    factor = np.ones((8, len(GROUPS)))
    factor[[run == "b" for run in runs], 2] = 3
    rng = np.random.default_rng(4)
    counts = drawn(rng, replicates(), factor, 0.05)
    plain = compare_composition(replicates(), counts)[0].set_index("group")
    adjusted, design = compare_composition(replicates(runs=runs), counts)
    row = adjusted.set_index("group").loc["C"]
    assert design.formula == "~ condition + run"
    assert plain.loc["C", "log2_change"] > 0.6
    assert abs(row["log2_change"]) < 0.25
    assert row["p_value"] > 0.05


def test_donors_as_blocks_find_what_they_hide() -> None:
    """Donors differ fourfold in group C; within each donor it grows by half."""
    rng = np.random.default_rng(5)
    factor = fold(replicates(), 2, 1.5)
    factor[:, 2] *= np.tile([0.3, 0.6, 1.2, 1.2], 2)
    counts = drawn(rng, replicates(), factor, 0.03)
    p = [
        compare_composition(replicates(donors=donors), counts)[0].set_index("group")["p_value"]["C"]
        for donors in (False, True)
    ]
    assert p[1] < 0.05 < 0.1 < p[0]


def test_every_condition_is_compared_with_the_reference() -> None:
    conditions = ["ctrl"] * 3 + ["high"] * 3 + ["low"] * 3
    names = [f"{c}{r}" for r, c in enumerate(conditions)]
    table = pd.DataFrame({"condition": conditions, "donor": names, "samples": names}, index=names)
    of = Replicates(table, np.zeros(0, int), "ctrl", (), ())
    factor = np.ones((9, len(GROUPS)))
    factor[3:6, 1], factor[6:, 4] = 2, 0.5
    counts = drawn(np.random.default_rng(7), of, factor, 0.05)
    result = compare_composition(of, counts)[0].set_index(["condition", "group"])
    called = result.index[result["adjusted_p"] < 0.05]
    assert called.tolist() == [("high", "B"), ("low", "E")]
    assert result.loc[("high", "B"), "log2_change"] == pytest.approx(1, abs=0.3)
    assert result.loc[("low", "E"), "log2_change"] == pytest.approx(-1, abs=0.4)


def test_why_something_is_not_tested() -> None:
    of = replicates()
    counts = drawn(np.random.default_rng(6), of, fold(of, 0, 1.0))
    counts["F"] = 1
    table = compare_composition(of, counts)[0].set_index("group")
    assert table.loc["F", "reason"] == "8 cells in all replicates; at least 10 are required"
    assert table["p_value"].isna().tolist() == [False] * 5 + [True]
    assert table.loc["F", "share"] > 0
    alone = compare_composition(of, counts[["A"]])[0]
    assert alone["reason"].tolist() == ["there is no other group to compare with"]
    few = Replicates(of.table.iloc[:5], of.codes, "ctrl", (), ())
    table = compare_composition(few, counts.iloc[:5])[0]
    assert table["p_value"].isna().all()
    assert table["reason"].unique().tolist() == ["stim has 1 replicate; at least 2 are required"]
    assert table["share"].notna().all()


def test_effects_are_relative_to_those_that_do_not_change() -> None:
    effects, errors = np.array([0.1, 0.12, 0.09, 0.11, 1.5]), np.full(5, 0.05)
    moved, wider = centred(effects, errors)
    np.testing.assert_allclose(centred(effects + 3, errors)[0], moved, atol=1e-8)
    assert np.abs(moved[:4]).max() < 0.05
    assert moved[4] == pytest.approx(1.395, abs=0.01)
    # an outlier has no part in the centre, hence the full variance of both
    assert wider[4] ** 2 == pytest.approx(0.05**2 * (1 + 2 / 4), rel=0.02)
    pair, _ = centred(np.array([-1.0, 1.0]), np.array([0.01, 0.01]))
    assert pair.tolist() == [-1.0, 1.0]
