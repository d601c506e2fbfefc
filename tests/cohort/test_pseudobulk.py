"""Pseudobulk: sums by hand, and DESeq2's tests on them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from made_cohort import CHANGED, Cohort, make_cohort
from scipy import stats
from scipy.special import polygamma

from scsiameseclu.cohort.pseudobulk import (
    Pseudobulk,
    add_counts,
    compare_expression,
    degrees_of_freedom,
)
from scsiameseclu.cohort.replicates import Replicates, replicates_of


def replicates(cohort: Cohort, **more: str | None) -> Replicates:
    keys = {"sample_key": "sample", "condition_key": "condition", "donor_key": "donor"}
    return replicates_of(cohort.obs, **(keys | more))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return make_cohort(n_cells=80, seed=3)


@pytest.fixture(scope="module")
def sums(cohort: Cohort) -> Pseudobulk:
    groups = cohort.obs["type"].astype("category")
    blocks = (cohort.counts[first : first + 77] for first in range(0, len(groups), 77))
    return add_counts(blocks, replicates(cohort), groups, cohort.genes)


def test_sums_by_hand(cohort: Cohort, sums: Pseudobulk) -> None:
    names = list(replicates(cohort).table.index)
    for group in ("B", "T"):
        for name in ("ctrl_0", "stim_3"):
            cells = ((cohort.obs["type"] == group) & (cohort.obs["sample"] == name)).to_numpy()
            place = sums.groups.index(group), names.index(name)
            expected = np.asarray(cohort.counts[cells].sum(axis=0)).ravel()
            np.testing.assert_array_equal(sums.counts[place], expected)
            assert sums.cells[place] == cells.sum()
    assert sums.counts.sum() == cohort.counts.sum()


def test_cells_without_a_group_or_condition_are_left_out() -> None:
    of = Replicates(pd.DataFrame({"condition": ["x"]}), np.array([0, -1, 0]), "x", (), ())
    counts = sp.csr_matrix(np.array([[1, 2], [4, 8], [16, 32]], np.float32))
    groups = pd.Series(pd.Categorical(["a", "a", None], ["a", "b"]))
    sums = add_counts([counts], of, groups, pd.Index(["g", "h"]))
    assert sums.counts.tolist() == [[[1, 2]], [[0, 0]]]
    assert sums.cells.tolist() == [[1], [0]]
    with pytest.raises(ValueError, match="2 rows in total, but there are 3 cells"):
        add_counts([counts[:2]], of, groups, pd.Index(["g", "h"]))


def only(sums: Pseudobulk, *groups: str) -> Pseudobulk:
    places = [sums.groups.index(group) for group in groups]
    return Pseudobulk(sums.counts[places], sums.cells[places], list(groups), sums.genes)


def test_changed_genes_and_their_sign(cohort: Cohort, sums: Pseudobulk) -> None:
    of = only(sums, "B")
    table, summary, notes = compare_expression(replicates(cohort), of, min_cells=3)
    there = table.set_index("gene")
    changed = there.index.intersection(cohort.genes[CHANGED])
    assert len(changed) >= 5  # the others have too few counts
    assert there.loc[changed, "padj"].max() < 1e-4
    assert there.loc[changed, "log2FoldChange"].mean() == pytest.approx(2, abs=0.4)
    assert summary.loc[0, "n_up"] >= len(changed)
    assert summary.loc[0, "design"] == "~ condition + donor"
    assert table["pvalue"].is_monotonic_increasing
    assert notes == []
    swapped = replicates(cohort, reference="stim")
    back = compare_expression(swapped, _reordered(cohort, of), min_cells=3)[0]
    effect = back.set_index("gene")["log2FoldChange"].reindex(there.index)
    np.testing.assert_allclose(effect, -there["log2FoldChange"], atol=0.01)


def _reordered(cohort: Cohort, sums: Pseudobulk) -> Pseudobulk:
    """The sums in the order of the replicates with reference stim."""
    names = replicates(cohort).table.index
    order = names.get_indexer(replicates(cohort, reference="stim").table.index)
    return Pseudobulk(sums.counts[:, order], sums.cells[:, order], sums.groups, sums.genes)


def test_donors_as_covariates_make_the_tests_sharper(cohort: Cohort) -> None:
    rng = np.random.default_rng(0)
    donors = np.exp(rng.normal(0, 0.6, (4, 40)))
    names = replicates(cohort).table.index
    counts = rng.poisson(300 * donors[names.str[-1].astype(int)])[None].astype(float)
    of = Pseudobulk(counts, np.full((1, 8), 50), ["T"], pd.Index([f"g{n}" for n in range(40)]))
    blocked, alone = (
        compare_expression(replicates(cohort, donor_key=key), of)[0]["lfcSE"].median()
        for key in ("donor", None)
    )
    assert blocked < 0.5 * alone


def test_p_values_without_a_change(cohort: Cohort) -> None:
    """Negative binomial counts, whose dispersion DESeq2 has to estimate from eight replicates."""
    rng = np.random.default_rng(1)
    mean, dispersion = rng.lognormal(4, 1, 300), 0.1
    counts = rng.poisson(rng.gamma(1 / dispersion, dispersion * mean, (1, 8, 300))).astype(float)
    names = pd.Index([f"g{n}" for n in range(300)])
    of = Pseudobulk(counts, np.full((1, 8), 50), ["T"], names)
    table = compare_expression(replicates(cohort, donor_key=None), of)[0]
    assert len(table) > 260
    assert 0.02 < (table["pvalue"] < 0.05).mean() < 0.06
    normal = 2 * stats.norm.sf(np.abs(table["log2FoldChange"] / table["lfcSE"]))
    assert (table["pvalue"].dropna() >= normal[table["pvalue"].notna()] - 1e-9).all()


def test_degrees_of_freedom_are_those_of_the_uncertain_part() -> None:
    known = {"prior_variance": float(polygamma(1, 2.0)), "residual": 6}  # a prior of 4
    mean, plain = np.array([5.0, 5.0, 1e9, 0.0]), np.array([False, True, False, False])
    df = degrees_of_freedom(np.full(4, 0.2), mean, unmoderated=plain, **known)
    assert df[:3] == pytest.approx([10 / 0.5**2, 6 / 0.5**2, 10])
    assert df[3] > 1e6  # Poisson counts: the normal distribution


def test_why_a_group_is_not_tested(cohort: Cohort, sums: Pseudobulk) -> None:
    few = only(sums, "B", "T")
    cells = few.cells.copy()
    cells[0, :3] = 9
    counts = few.counts.copy()
    counts[1] = 9
    counts[1, :, :4] = 10
    table, summary, _ = compare_expression(
        replicates(cohort), Pseudobulk(counts, cells, few.groups, few.genes)
    )
    reasons = summary.set_index("group")["reason"]
    assert len(table) == 0
    assert reasons["B"] == (
        "ctrl has 1 replicate; at least 2 are required (replicates with at least 10 cells count)"
    )
    assert reasons["T"].startswith("4 genes have at least 10 counts in as many replicates")
    assert summary["n_reference"].tolist() == [1, 4]
