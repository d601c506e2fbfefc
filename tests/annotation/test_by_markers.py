"""Scores of marker sets against their formula, and what is concluded from them."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.stats import linregress
from synthetic_expression import expressed

from scsiameseclu.annotation import by_markers as module
from scsiameseclu.annotation.by_markers import Annotation, annotate_clusters
from scsiameseclu.annotation.marker_sets import given_markers
from scsiameseclu.annotation.profiles import similar_groups
from scsiameseclu.errors import UserError
from scsiameseclu.settings import AnnotationSettings

SETS = {kind: [f"{kind}{number}" for number in range(5)] for kind in ("A", "B", "C")}
OTHERS = [f"x{number}" for number in range(60)]
GENES = [*SETS["A"], *SETS["B"], *SETS["C"], *OTHERS]
SIZES = {"0": 60, "1": 45, "2": 25}


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    """Three clusters of one type each; one marker is hardly expressed, one gene almost nowhere."""
    adata = expressed(SIZES, dict(zip(SIZES, SETS.values(), strict=True)), GENES)
    values = adata.X.toarray()
    values[:, GENES.index("A4")] = 0
    values[:2, GENES.index("A4")] = 0.05
    values[:, -1] = 0
    values[3, -1] = 3.0
    adata.X = type(adata.X)(values)
    return adata


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "own.tsv"
    lines = [f"{kind}\t{gene}\t1" for kind, genes in SETS.items() for gene in genes]
    lines[1] = "A\tA1\t2.5"  # weights count
    path.write_text("cell_type\tgene\tweight\n" + "\n".join(lines) + "\nB\tx0\t-1\nC\tnone\t1\n")
    return path


def settings(path: Path, **changed: object) -> AnnotationSettings:
    return AnnotationSettings(marker_table=str(path), **changed)  # type: ignore[arg-type]


def annotated(cells: ad.AnnData, path: Path, **changed: object) -> Annotation:
    return annotate_clusters(cells, cells.obs["cluster"], settings(path, **changed))


def contrast(cells: ad.AnnData, groups: pd.Series, centre: np.ndarray) -> np.ndarray:
    """Mean expression of groups, less the centre, over the deviation of cells."""
    values = cells.X.toarray().astype(float)
    means = [values[(groups == name).to_numpy()].mean(axis=0) for name in groups.cat.categories]
    return (np.array(means) - centre) / np.maximum(values.std(axis=0), 0.3)


def t_values(rows: np.ndarray, cells: ad.AnnData, path: Path) -> np.ndarray:
    """Of the regression of each row on the weights of each set, over expressed and marker genes."""
    sets = pd.read_csv(path, sep="\t")
    values = cells.X.toarray() > 0
    labels = cells.obs["cluster"]
    shares = [values[(labels == name).to_numpy()].mean(axis=0) for name in SIZES]
    genes = np.array(cells.var_names)
    taken = (np.max(shares, axis=0) >= 0.1) | np.isin(genes, sets["gene"])
    found = np.zeros((len(rows), 3))
    for column, (_, lines) in enumerate(sets.groupby("cell_type")):
        weights = lines.set_index("gene")["weight"].reindex(genes[taken]).fillna(0)
        for place, row in enumerate(rows):
            r = linregress(weights, row[taken]).rvalue
            found[place, column] = r * np.sqrt((taken.sum() - 2) / (1 - r**2))
    return found


def centre_of(cells: ad.AnnData) -> np.ndarray:
    """The mean of the clusters' means: each cluster counts once."""
    values, labels = cells.X.toarray().astype(float), cells.obs["cluster"]
    return np.mean([values[(labels == name).to_numpy()].mean(axis=0) for name in SIZES], axis=0)


def test_scores_are_t_values_of_the_contrast(cells: ad.AnnData, table: Path) -> None:
    found = annotated(cells, table)
    rows = contrast(cells, cells.obs["cluster"], centre_of(cells))
    assert list(found.scores.columns) == ["A", "B", "C"]
    assert list(found.scores.index) == list(SIZES)
    np.testing.assert_allclose(found.scores, t_values(rows, cells, table), rtol=1e-3)
    assert found.table["cell_type"].tolist() == ["A", "B", "C"]


def test_the_table_tells_the_best_and_the_runner_up(cells: ad.AnnData, table: Path) -> None:
    found = annotated(cells, table)
    ordered = np.sort(found.scores.to_numpy(), axis=1)
    lines = found.table
    assert lines["cluster"].tolist() == list(SIZES)
    assert lines["n_cells"].tolist() == list(SIZES.values())
    np.testing.assert_allclose(lines["score"], ordered[:, -1])
    np.testing.assert_allclose(lines["runner_up_score"], ordered[:, -2])
    np.testing.assert_allclose(lines["margin"], ordered[:, -1] - ordered[:, -2])
    second = [found.scores.columns[row.argsort()[-2]] for row in found.scores.to_numpy()]
    assert lines["runner_up"].tolist() == second
    assert lines["markers_found"].tolist() == [
        "A0,A1,A2,A3,A4",
        "B0,B1,B2,B3,B4,x0",
        "C0,C1,C2,C3,C4",
    ]
    assert lines["n_markers"].tolist() == [5, 6, 5]
    assert found.overlap == pytest.approx(16 / 17)
    assert found.tissue == str(table)
    assert found.warnings == []


def test_a_score_or_a_lead_below_the_limit_is_unassigned(cells: ad.AnnData, table: Path) -> None:
    lines = annotated(cells, table).table
    limit = float(lines["score"].sort_values().iloc[1])
    for name, values in (("min_score", lines["score"]), ("margin", lines["margin"])):
        limit = float(values.sort_values().iloc[1])
        at = annotated(cells, table, **{name: limit}).table
        assert ((at["cell_type"] == "Unassigned") == (values < limit)).all()
        above = annotated(cells, table, **{name: limit + 1e-6}).table
        assert ((above["cell_type"] == "Unassigned") == (values <= limit)).all()
        assert above["best_match"].tolist() == lines["best_match"].tolist()


def test_types_of_equal_score_stand_in_the_order_of_the_table(
    cells: ad.AnnData, tmp_path: Path
) -> None:
    path = tmp_path / "twins.tsv"
    lines = [f"{name}\t{gene}" for name in ("Z", "Y", "X") for gene in SETS["A"]]
    path.write_text("cell_type\tgene\n" + "\n".join([*lines, *(f"B\t{g}" for g in SETS["B"])]))
    found = annotated(cells, path)
    assert found.table["cell_type"].tolist()[0] == "Unassigned"
    first = found.table.iloc[0]
    assert (first["best_match"], first["runner_up"], first["margin"]) == ("Z", "Y", 0)
    assert annotated(cells, path, margin=0.0).table["cell_type"][0] == "Z"


def test_the_only_type_has_no_rival(cells: ad.AnnData, tmp_path: Path) -> None:
    path = tmp_path / "one.tsv"
    path.write_text("cell_type\tgene\n" + "".join(f"A\t{gene}\n" for gene in SETS["A"]))
    lines = annotated(cells, path, margin=100.0).table
    assert lines["cell_type"].tolist() == ["A", "Unassigned", "Unassigned"]
    assert lines["runner_up"].tolist() == [""] * 3
    assert lines["margin"].isna().all()


def test_cells_have_the_types_of_their_clusters(cells: ad.AnnData, table: Path) -> None:
    mixed = cells[np.random.default_rng(0).permutation(cells.n_obs)].copy()
    found = annotated(mixed, table)
    expected = mixed.obs["cluster"].astype(str).map({"0": "A", "1": "B", "2": "C"})
    pd.testing.assert_series_equal(found.cells["cell_type"], expected, check_names=False)
    scores = found.table.set_index("cluster")["score"]
    np.testing.assert_allclose(found.cells["score"], mixed.obs["cluster"].astype(str).map(scores))


def test_cells_of_a_mixed_cluster_have_types_of_their_own(cells: ad.AnnData, table: Path) -> None:
    truth = cells.obs["cluster"].map({"0": "A", "1": "B", "2": "C"}).astype(str).to_numpy()
    labels = cells.obs["cluster"].astype(str).replace({"1": "0"}).astype("category")
    embedding = np.eye(3)[np.unique(truth, return_inverse=True)[1]]
    embedding = embedding + np.random.default_rng(0).normal(0, 0.01, embedding.shape)
    found = annotate_clusters(cells, labels, settings(table), embedding=embedding)
    assert (found.cells["cell_type"] == truth).all()
    assert found.cells.index.equals(cells.obs_names)
    without = annotate_clusters(cells, labels, settings(table)).cells["cell_type"]
    assert (without == truth).mean() < 0.7


def test_scores_of_cells_are_means_over_groupings(
    cells: ad.AnnData, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Groups are scored against the clusters' background."""
    monkeypatch.setattr(module, "CELLS_PER_GROUP", 30)
    embedding = np.random.default_rng(1).normal(size=(cells.n_obs, 4))
    strict = settings(table, min_score=-100.0, margin=0.0)
    found = annotate_clusters(cells, cells.obs["cluster"], strict, embedding=embedding, seed=3)
    total = np.zeros((cells.n_obs, 3))
    for seed in range(3, 8):
        groups = similar_groups(embedding, 30, seed)
        rows = contrast(cells, groups, centre_of(cells))
        total += t_values(rows, cells, table)[groups.cat.codes]
    mean = total / 5
    np.testing.assert_allclose(found.cells["score"], mean.max(axis=1), rtol=1e-3)
    expected = np.array(["A", "B", "C"])[mean.argmax(axis=1)]
    assert (found.cells["cell_type"] == expected).all()


def test_where_groups_are_not_clear_the_cluster_decides(cells: ad.AnnData, table: Path) -> None:
    noise = np.random.default_rng(1).normal(size=(cells.n_obs, 4))
    plain = annotated(cells, table)
    strict = settings(table, min_score=float(plain.table["score"].min()))
    found = annotate_clusters(cells, cells.obs["cluster"], strict, embedding=noise)
    pd.testing.assert_frame_equal(found.cells, plain.cells, check_dtype=False)


@pytest.mark.parametrize(("n_genes", "scored"), [(2, []), (3, ["A", "B"])])
def test_two_clusters_and_three_genes_are_enough(
    n_genes: int, scored: list[str], cells: ad.AnnData, tmp_path: Path
) -> None:
    path = tmp_path / "own.tsv"
    path.write_text("cell_type\tgene\nA\tA0\nB\tB0\n")
    two = cells[cells.obs["cluster"] != "2", ["A0", "B0", "x1"][:n_genes]].copy()
    two.obs["cluster"] = two.obs["cluster"].cat.remove_unused_categories()
    found = annotated(two, path)
    assert list(found.scores.columns) == scored
    assert list(found.scores.index) == ["0", "1"]
    if scored:
        assert found.table["best_match"].tolist() == scored


# -- warnings and errors ----------------------------------------------------------------


def test_half_of_the_cells_without_a_type_is_no_reason_to_warn(
    cells: ad.AnnData, table: Path
) -> None:
    lines = annotated(cells, table).table.set_index("cluster")
    only_first = table.read_text().replace("B\tB", "B\tX").replace("C\tC", "C\tX")
    table.write_text(only_first)
    found = annotated(cells, table, min_score=float(lines["score"]["0"]) * 0.8)
    assert found.table["cell_type"].tolist() == ["A", "Unassigned", "Unassigned"]
    assert len(found.warnings) == 1
    assert "70 of 130 cells are Unassigned" in found.warnings[0]
    less = cells[:120]
    again = annotated(less.copy(), table, min_score=float(lines["score"]["0"]) * 0.7)
    assert again.table["cell_type"].tolist() == ["A", "Unassigned", "Unassigned"]
    assert again.warnings == []  # 60 of 120


def test_few_genes_of_an_own_table_in_the_data_are_an_error(
    cells: ad.AnnData, tmp_path: Path
) -> None:
    path = tmp_path / "own.tsv"
    lines = [f"A\t{gene}" for gene in [*SETS["A"][:2], *(f"no{n}" for n in range(8))]]
    path.write_text("cell_type\tgene\n" + "\n".join(lines))
    assert annotated(cells, path).overlap == pytest.approx(0.2)
    path.write_text("cell_type\tgene\n" + "\n".join([*lines, "A\tno9"]))
    with pytest.raises(UserError, match=r"18% of the genes .* such as A0 \(gid0\)"):
        annotate_clusters(cells, cells.obs["cluster"], settings(path))


def test_one_cluster_cannot_be_named(cells: ad.AnnData, table: Path) -> None:
    one = pd.Series(pd.Categorical(["0"] * cells.n_obs), index=cells.obs_names)
    embedding = np.random.default_rng(0).normal(size=(cells.n_obs, 3))
    found = annotate_clusters(cells, one, settings(table), embedding=embedding)
    assert found.table["cell_type"].tolist() == ["Unassigned"]
    assert found.scores.shape == (1, 0)
    assert set(found.cells["cell_type"]) == {"Unassigned"}
    assert "only one cluster" in found.warnings[0]


def test_a_set_of_all_genes_scores_nothing_and_changes_no_other_set(cells: ad.AnnData) -> None:
    clusters = cells.obs["cluster"]
    plain = annotate_clusters(
        cells, clusters, AnnotationSettings(), marker_sets=given_markers(SETS)
    )
    with_all = given_markers(SETS | {"all": GENES})
    taken = annotate_clusters(cells, clusters, AnnotationSettings(), marker_sets=with_all)
    assert (taken.scores["all"] == 0).all()
    # The last gene takes part only where a set names it.
    np.testing.assert_allclose(taken.scores[list(SETS)], plain.scores, rtol=0.1)
    assert taken.table["cell_type"].tolist() == plain.table["cell_type"].tolist()


def test_clusters_of_equal_means_are_unassigned(cells: ad.AnnData) -> None:
    same = ad.concat([cells, cells, cells], keys=["a", "b", "c"], index_unique="-")
    clusters = pd.Series(pd.Categorical(np.repeat(["a", "b", "c"], cells.n_obs)), same.obs_names)
    sets = given_markers(SETS)
    found = annotate_clusters(same, clusters, AnnotationSettings(min_score=0.5), marker_sets=sets)
    assert (found.scores.to_numpy() == 0).all()
    assert set(found.table["cell_type"]) == {"Unassigned"}
