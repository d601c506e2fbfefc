"""Summaries of the benchmark: worked means, no leak into the choice, and rows that are missing."""

import subprocess
import sys
from pathlib import Path

import loso
import numpy as np
import page
import pandas as pd
import pytest
import reliability
import rows as rows_of
import summary
from accuracy import LEVELS, PANEL, SETS, STUDIES
from methods import VARIANTS


def without(rows: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows that have not all of these values."""
    return rows[~np.logical_and.reduce([rows[name] == value for name, value in values.items()])]


def test_the_panel_has_sixteen_sets_of_fourteen_studies() -> None:
    assert len(PANEL) == len(set(PANEL)) == 16
    assert len({STUDIES.get(name, name) for name in PANEL}) == 14
    assert set(STUDIES) <= set(PANEL)


def test_panel_mean_is_the_mean_of_the_studies(rows: pd.DataFrame) -> None:
    """By hand, with one set that has fewer seeds; sets outside the panel do not count."""
    fewer = without(rows, set="pbmc3k", seed=2)
    by_set: dict[str, list[float]] = {}
    for row in fewer.itertuples():
        if row.method == "ours" and row.k == "given" and row.set in PANEL:
            by_set.setdefault(row.set, []).append(row.ari)
    means = {name: sum(own) / len(own) for name, own in by_set.items()}
    means["Baron"] = (means.pop("mouse1") + means.pop("mouse2")) / 2
    means["Han"] = (means.pop("mouse_bladder_2100") + means.pop("mouse_bladder_hvg")) / 2
    by_hand = sum(means.values()) / 14
    mean, n_sets = summary.panel_mean(rows_of.by_seed(fewer, "ours", "given", "ari"))
    assert n_sets == len(PANEL)
    assert mean == pytest.approx(by_hand)
    last = summary.with_k_given(fewer).rows[-1]
    assert last[0] == summary.MEAN
    assert last[1].startswith(f"{by_hand:.3f} / ")


def test_a_variant_is_compared_on_the_seeds_that_both_have(rows: pd.DataFrame) -> None:
    """A constant gain on two seeds is that gain, whatever ours has on others."""
    ours = rows[(rows["method"] == "ours") & (rows["seed"] < 2)]
    better = ours.assign(method="with zinb", ari=ours["ari"] + 0.05)
    both = pd.concat([without(rows, method="with zinb"), better])
    difference = summary.paired(both, "with zinb", "given")
    assert len(difference) == 2 * len(PANEL)
    assert summary.gain(difference) == pytest.approx((0.05, 0.0, len(PANEL)))
    line = next(row for row in summary.ablation(both).rows if row[0] == "with zinb")
    assert line[1:3] == ("ours", "2")
    assert line[4] == "+0.050 ± 0.000"


def test_the_full_model_is_the_reference_of_its_variants(rows: pd.DataFrame) -> None:
    variant = "full model without gene swap"
    worse = rows[rows["method"] == "full model"]
    worse = worse.assign(method=variant, ari=worse["ari"] - 0.1)
    table = summary.ablation(pd.concat([without(rows, method=variant), worse]))
    (line,) = [row for row in table.rows if row[0] == variant]
    assert line[1] == "full model"
    assert line[4] == line[6] == "-0.100 ± 0.000"


def test_a_row_that_is_there_twice_counts_once(rows: pd.DataFrame, tmp_path: Path) -> None:
    first = rows.head(1).assign(ari=0.0)
    pd.concat([first, rows]).to_csv(tmp_path / "twice.csv", index=False)
    read = rows_of.read(tmp_path / "twice.csv")
    pd.testing.assert_frame_equal(read[read["k"] != rows_of.BEST_LEVEL], rows)


def test_the_best_level_is_the_best_of_each_seed(rows: pd.DataFrame, tmp_path: Path) -> None:
    own = rows[(rows["method"] == "ours") & (rows["k"] == "unknown") & (rows["set"] == "mouse1")]
    own = own.assign(ari=[0.5, 0.6, 0.7])
    coarse, fine = LEVELS.values()
    parts = [
        own,
        own.assign(k=coarse, ari=[0.8, 0.1, 0.1]),
        own.assign(k=fine, ari=[0.1, 0.9, 0.1]),
        own.assign(k=fine, ari=1.0, method="with zinb"),
        own.assign(k="given", ari=1.0),
    ]
    pd.concat(parts).to_csv(tmp_path / "rows.csv", index=False)
    read = rows_of.read(tmp_path / "rows.csv")
    best = rows_of.by_seed(read, "ours", rows_of.BEST_LEVEL, "ari")
    assert best.to_dict() == {("mouse1", 0): 0.8, ("mouse1", 1): 0.9, ("mouse1", 2): 0.7}


def test_two_methods_are_compared_where_both_were_measured(rows: pd.DataFrame) -> None:
    """Leiden is 0.1 lower on two sets of one study, 0.3 on another, and missing elsewhere."""
    own = rows[(rows["method"] == "ours") & (rows["k"] == "unknown")]
    lower = {"mouse1": 0.1, "mouse2": 0.1, "pbmc3k": 0.3}
    leiden = own[own["set"].isin(lower)]
    leiden = leiden.assign(method="leiden", ari=leiden["ari"] - leiden["set"].map(lower))
    table = summary.differences(pd.concat([without(rows, method="leiden"), leiden]))
    assert table.rows[0][2] == f"+0.200 ± 0.100 (3 of {len(PANEL)} sets)"


@pytest.mark.parametrize("left_out", sorted({STUDIES.get(name, name) for name in PANEL}))
def test_the_choice_does_not_see_the_study_left_out(rows: pd.DataFrame, left_out: str) -> None:
    """The variants are told apart by the left-out study alone, in vain, and seen by all others."""
    before = loso.leave_one_out(loso.compare(rows).scores).set_index("left_out")
    loser = next(v for v in VARIANTS if v not in set(before["chosen"]))
    changed = rows.copy()
    own = changed["set"].replace(STUDIES) == left_out
    changed.loc[own, "ari"] = np.where(changed.loc[own, "method"] == loser, 1000.0, -1000.0)
    after = loso.leave_one_out(loso.compare(changed).scores).set_index("left_out")
    assert after.loc[left_out, "chosen"] == before.loc[left_out, "chosen"]
    assert set(after["chosen"].drop(left_out)) == {loser}


def test_the_choice_uses_common_seeds_and_whole_panels(rows: pd.DataFrame) -> None:
    part = without(
        without(rows, method="with zinb", seed=2), method="preset paper", set="worm_neuron"
    )
    field = loso.compare(part, without=("with graph decoder",))
    assert field.seeds == [0, 1]
    assert field.absent == ["preset paper"]
    assert set(VARIANTS) - set(field.variants) == {"preset paper", "with graph decoder"}
    of_two = part[(part["method"] == "ours") & (part["seed"] < 2) & (part["k"] == "given")]
    for study, sets in (("Baron", ["mouse1", "mouse2"]), ("pbmc3k", ["pbmc3k"])):
        expected = of_two.loc[of_two["set"].isin(sets), "nmi"].mean()
        assert field.scores.loc[("ours", study), "nmi_given"] == pytest.approx(expected)


def test_identical_runs_agree_everywhere_under_other_names() -> None:
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 6, 300)
    runs = [rng.permutation(6)[clusters].astype(str) for _ in range(4)]
    table = list(reliability.bins(runs, [rng.uniform(0, 1, 300) for _ in range(4)]))
    assert {row["agreement"] for row in table} == {1.0}
    assert sum(row["n_cells"] for row in table) == 4 * 300


def test_random_runs_agree_far_less() -> None:
    rng = np.random.default_rng(0)
    runs = [rng.integers(0, 6, 600).astype(str) for _ in range(4)]
    table = pd.DataFrame(reliability.bins(runs, [np.ones(600, dtype=np.float32)] * 4))
    assert len(table) == 1
    assert table["agreement"].item() < 0.35
    by_cells, by_sets, n_sets = reliability.calibration_errors(
        table.assign(k="given", set="mouse1"), "given"
    )
    assert by_cells == by_sets == pytest.approx(1 - table["agreement"].item())
    assert n_sets == 1


def test_a_cluster_without_a_partner_agrees_with_nothing() -> None:
    split = np.array(["0"] * 5 + ["1"] * 3 + ["2"] * 4)
    joined = np.array(["a"] * 8 + ["b"] * 4)
    assert reliability.agrees(split, joined).tolist() == [True] * 5 + [False] * 3 + [True] * 4


def test_the_reference_is_the_most_typical_of_the_others() -> None:
    rng = np.random.default_rng(1)
    typical = rng.integers(0, 4, 200)
    near, odd = typical.copy(), rng.integers(0, 4, 200)
    near[:20] = rng.integers(0, 4, 20)
    nearer = typical.copy()
    nearer[:5] = rng.integers(0, 4, 5)
    partitions = [odd, near, typical, nearer]
    assert reliability.reference_of(partitions, 3) in (1, 2)
    assert reliability.reference_of(partitions, 2) in (1, 3)
    assert reliability.reference_of(partitions[:2], 0) == 1


def test_one_run_has_no_reliability() -> None:
    assert list(reliability.bins([np.array(["0"])], [np.ones(1)])) == []


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5])
def test_missing_rows_are_told(rows: pd.DataFrame, kept: float) -> None:
    part = rows.sample(frac=kept, random_state=1)
    text = "\n".join(table.markdown() for table in summary.tables(part))
    if kept < 0.5:
        assert rows_of.NOT_MEASURED in text
    assert "nan" not in text
    field = loso.compare(part)
    told = loso.told(field, loso.leave_one_out(field.scores))
    assert told
    assert "nan" not in " ".join(told)
    html = page.render(part, None, None)
    assert "<h1>" in html
    assert "nan" not in html.split("</style>")[1]


def test_programs_write_their_files_and_the_page_asks_for_none(
    rows: pd.DataFrame, tmp_path: Path
) -> None:
    """All programs one after another, on rows and runs that are made up."""
    rng = np.random.default_rng(0)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    for seed in range(3):
        for name in list(SETS)[:2]:
            found = {k: rng.integers(0, 4, 90).astype(str) for k in ("given", "unknown")}
            sure = {f"confidence_{k}": rng.uniform(0, 1, 90) for k in found}
            np.savez(tmp_path / f"{name}-ours-{seed}.npz", **found, **sure)
            (tmp_path / f"{name}-ours-{seed}.json").write_text("{}")
    calibration, choice = tmp_path / "reliability.csv", tmp_path / "loso.csv"
    calls = [
        ["reliability", "--cache", tmp_path, "--output", calibration],
        ["loso", tmp_path / "rows.csv", "--output", choice, "--except", "preset paper"],
        ["summary", tmp_path / "rows.csv", "--output", tmp_path / "a.md"],
        ["plots", tmp_path / "rows.csv", "--reliability", calibration, "--output", tmp_path],
        [
            *("page", tmp_path / "rows.csv", "--reliability", calibration, "--loso", choice),
            *("--output", tmp_path / "a.html"),
        ],
    ]
    programs = Path(summary.__file__).parent
    for name, *arguments in calls:
        command = [sys.executable, programs / f"{name}.py", *arguments]
        subprocess.run([*map(str, command)], check=True, capture_output=True)
    for name in ("accuracy.svg", "reliability.svg"):
        assert 10_000 < (tmp_path / name).stat().st_size < 300_000
    html = (tmp_path / "a.html").read_text()
    assert html.count("<svg") == 2
    assert "http" not in html.replace("http://www.w3.org/2000/svg", "")
    assert "preset paper" not in set(pd.read_csv(choice)["chosen"])
    assert "made up" in (tmp_path / "a.md").read_text()


def test_choice_can_leave_out_variants_of_few_seeds(rows: pd.DataFrame) -> None:
    fewer = rows[(rows["seed"] == 0) | rows["method"].isin(["ours", "with gated fusion"])]
    field = loso.compare(fewer, min_seeds=3)
    assert field.variants == ["ours", "with gated fusion"]
    assert field.seeds == [0, 1, 2]
    assert loso.compare(fewer).seeds == [0]
