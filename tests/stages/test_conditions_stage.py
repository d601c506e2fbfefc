"""The stage conditions: its tables agree with the cells, and it never stops a cohort."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_cohort import CHANGED, TYPES, Cohort, make_cohort, write_cohort

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ConditionSettings
from scsiameseclu.stages import conditions
from scsiameseclu.store.files import read_h5ad
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import STAGES

SETTINGS = ConditionSettings(covariates="age", min_cells=5)
WRITTEN = STAGES["conditions"].writes


@pytest.fixture(scope="module")
def cohort() -> Cohort:
    return make_cohort()


@pytest.fixture(scope="module")
def compared(cohort: Cohort, tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    folder = write_cohort(tmp_path_factory.mktemp("cohort"), cohort)
    conditions.run(folder, settings=SETTINGS)
    return folder


def numbers(folder: SampleFolder, name: str) -> pd.DataFrame:
    return pd.read_csv(folder.path(name), sep="\t", keep_default_na=False, na_values=["NA"])


def test_shares_are_those_of_the_cells(compared: SampleFolder, cohort: Cohort) -> None:
    shares = numbers(compared, "shares_table")
    assert set(shares["level"]) == {"clusters", "types"}
    types = shares[shares["level"] == "types"].set_index(["replicate", "group"])
    counted = cohort.obs.groupby(["sample", "type"]).size()
    assert types["n_cells"].sort_index().tolist() == counted.sort_index().tolist()
    np.testing.assert_allclose(types.groupby("replicate")["share"].sum(), 1, rtol=1e-5)
    names = dict(zip(TYPES, "2103", strict=True))
    clusters = shares[shares["level"] == "clusters"].astype({"group": str})
    clusters = clusters.set_index(["replicate", "group"])["n_cells"]
    for (replicate, group), n in types["n_cells"].items():
        assert clusters[replicate, names[group]] == n


def test_more_frequent_cells_are_recognised(compared: SampleFolder) -> None:
    table = numbers(compared, "composition_table")
    assert len(table) == 2 * len(TYPES)
    for level, group in (("types", "B"), ("clusters", "2")):
        of = table[table["level"] == level].astype({"group": str}).set_index("group")
        row = of.loc[group]
        assert row["low"] > 0 and row["adjusted_p"] < 0.05  # noqa: PT018
        assert row["low"] < 1 < row["high"]  # twice as many relative to the other types
        assert (of["adjusted_p"].drop(group) > 0.05).all()
        assert row["difference"] == pytest.approx(row["share"] - row["share_reference"], abs=1e-5)
    assert (table["reason"] == "").all()


def test_genes_of_one_type_are_recognised(compared: SampleFolder, cohort: Cohort) -> None:
    table = numbers(compared, "differential_table")
    changed = set(cohort.genes[CHANGED])
    significant = table[table["padj"] <= 0.05]
    assert set(significant["gene"][significant["group"] == "B"]) >= changed
    effect = table[table["group"] == "B"].set_index("gene")["log2FoldChange"]
    assert effect[list(changed)].mean() == pytest.approx(2, abs=0.4)
    assert len(significant) - len(changed) <= 3
    summary = compared.uns("conditions", "conditions")["summary"].set_index("group")
    assert summary.loc["B", "n_up"] >= len(changed)
    assert summary["design"].drop("Unassigned").eq("~ condition + donor").all()
    assert "mixture" in summary.loc["Unassigned", "reason"]


def test_sums_and_notes_are_kept(compared: SampleFolder, cohort: Cohort) -> None:
    sums = read_h5ad(compared.path("pseudobulk"))
    cells = ((cohort.obs["type"] == "NK") & (cohort.obs["sample"] == "stim_2")).to_numpy()
    expected = np.asarray(cohort.counts[cells].sum(axis=0)).ravel()
    np.testing.assert_array_equal(sums["NK|stim_2"].X.toarray().ravel(), expected)
    assert sums.obs.loc["NK|stim_2", "n_cells"] == cells.sum()
    result = read_h5ad(compared.path("conditions"))
    assert result.obs["replicate"].astype(str).tolist() == cohort.obs["sample"].tolist()
    assert any("covariate age is left out" in words for words in result.uns["warnings"])
    record = result.uns["provenance"]["conditions"]
    assert json.loads(record["settings"]) == SETTINGS.to_dict()


def test_same_bytes_again(compared: SampleFolder, cohort: Cohort, tmp_path: Path) -> None:
    again = write_cohort(tmp_path, cohort)
    conditions.run(again, settings=SETTINGS)
    for name in WRITTEN:
        assert again.path(name).read_bytes() == compared.path(name).read_bytes(), name


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (ConditionSettings(reference_condition="healthy"), "reference condition healthy"),
        (ConditionSettings(), r"one condition \(stim\)"),
    ],
)
def test_a_cohort_without_conditions_is_not_compared(
    cohort: Cohort, tmp_path: Path, settings: ConditionSettings, words: str
) -> None:
    """As when the only sample of a condition failed: the cohort is finished without it."""
    kept = (cohort.obs["condition"] == "stim").to_numpy() | ("healthy" in words)
    part = Cohort(cohort.obs[kept], cohort.counts[kept], cohort.genes)
    folder = write_cohort(tmp_path, part)
    conditions.run(folder, settings=settings)
    assert all(folder.path(name).exists() for name in WRITTEN)
    assert len(folder.table("composition_table")) == len(folder.table("differential_table")) == 0
    (warning,) = read_h5ad(folder.path("conditions")).uns["warnings"]
    assert re.search(words, warning)


def test_an_unknown_covariate_is_named(cohort: Cohort, tmp_path: Path) -> None:
    folder = write_cohort(tmp_path, cohort)
    with pytest.raises(UserError, match=r"no column smoker .*as meta_smoker"):
        conditions.run(folder, settings=ConditionSettings(covariates="sex, smoker"))
