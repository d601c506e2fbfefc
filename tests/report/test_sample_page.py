"""The sample's page: what it shows, that it is safe, and what labels may change."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from finished import IMAGE, LABEL, SCRIPT
from html_page import Page

from scsiameseclu import __version__
from scsiameseclu.errors import UserError
from scsiameseclu.report.cluster_figures import (
    cluster_table,
    confidence_picture,
    evidence_picture,
)
from scsiameseclu.report.finished_sample import load_sample
from scsiameseclu.report.map_figures import SHOWN, category_map, plane
from scsiameseclu.report.marker_figures import group_expression, marker_pictures, marker_table
from scsiameseclu.report.quality_figures import notes_on_metrics, quality_pictures
from scsiameseclu.report.sample_page import sample_page
from scsiameseclu.report.summary import summary
from scsiameseclu.report.tables import sentence as as_sentence
from scsiameseclu.report.training_figures import line_legend
from scsiameseclu.stages import evaluate
from scsiameseclu.store.atomic import write_table
from scsiameseclu.store.files import sidecar, write_h5ad
from scsiameseclu.store.folder import SampleFolder

SECTIONS = [
    *("warnings", "overview", "quality", "map", "clusters", "markers"),
    *("annotation", "comparison", "training", "methods"),
]
COMPARISON = re.compile(r'<section id="comparison".*?</section>', re.DOTALL)


def render(folder: SampleFolder, label: str | None = LABEL) -> str:
    return sample_page(folder, label)


@pytest.fixture(scope="module")
def html(finished: SampleFolder) -> str:
    return render(finished)


@pytest.fixture(scope="module")
def page(html: str) -> Page:
    return Page(html)


def change_obs(path: Path, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    adata = ad.read_h5ad(path)
    adata.obs = change(adata.obs)
    adata.write_h5ad(path)


def test_sections_come_in_order_warnings_first(page: Page) -> None:
    assert [found["id"] for found in page.all("section")] == SECTIONS


def test_markup_is_sound(page: Page) -> None:
    assert page.unmatched == []
    ids = page.values("id")
    assert len(ids) == len(set(ids))
    for target in [*page.values("aria-labelledby"), *page.values("href")]:
        if target.startswith("#"):
            assert target[1:] in ids
    for target in page.values("aria-labelledby"):
        assert target in ids


def test_readable_by_keyboard_and_screen_reader(page: Page) -> None:
    for landmark in ("header", "nav", "main", "footer"):
        assert len(page.all(landmark)) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert all(found["scope"] in {"col", "row"} for found in page.all("th"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(len(found["aria-label"]) > 20 for found in page.all("svg"))
    assert len(page.all("figcaption")) == len(page.all("figure")) == len(page.all("svg"))


def test_makes_no_request(page: Page, html: str) -> None:
    links = [found["href"] for tag, found in page.elements if tag == "a"]
    loaded = [
        value
        for tag, found in page.elements
        for name, value in found.items()
        if name in {"src", "srcset", "data", "action"} or (name == "href" and tag != "a")
    ]
    assert all(value.startswith(("data:", "#")) for value in loaded)
    assert "../../index.html" in links
    assert "default-src 'none'" in page.all("meta")[1]["content"]
    assert not re.search(r"url\((?!#)", html)
    assert "@import" not in html


def test_small_enough(html: str) -> None:
    assert len(html.encode()) < 5_000_000


def test_what_users_wrote_is_text(page: Page) -> None:
    # the map's data and its program, and no other script
    assert [found.get("id") for found in page.all("script")] == ["map-data", "map-labels", None]
    assert {found.get("type") for found in page.all("script")} == {"application/json", None}
    assert page.all("img") == []
    assert not [name for _, found in page.elements for name in found if name.startswith("on")]
    # The label, the gene (table and figure), the batch and the path.
    assert page.text.count(IMAGE) >= 4
    assert page.text.count(SCRIPT) >= 3


def test_same_input_same_bytes(finished: SampleFolder, html: str) -> None:
    assert render(finished) == html
    assert not re.search(r"dc:date|Matplotlib v|tEXtSoftware", html)


def test_labels_change_the_comparison_alone(
    html: str, copy_of: Callable[..., SampleFolder]
) -> None:
    folder = copy_of()
    rng = np.random.default_rng(1)

    def permute(obs: pd.DataFrame) -> pd.DataFrame:
        return obs.assign(**{LABEL: rng.permutation(obs[LABEL].to_numpy())})

    change_obs(folder.path("counts"), permute)
    evaluate.run(folder, label=LABEL)
    permuted = render(folder)
    assert COMPARISON.findall(permuted) != COMPARISON.findall(html)
    assert COMPARISON.sub("", permuted) == COMPARISON.sub("", html)


def test_shows_the_numbers(page: Page, finished: SampleFolder) -> None:
    sample = load_sample(finished)
    scores = finished.json("metrics")["labels"]["siamese"]
    assert f"{scores['ari']:.3f}" in page.text
    kept = f"{len(sample.cells)} of {len(sample.ingested)} cells"
    assert kept in summary(sample)[0]
    assert f"The cells form {len(sample.clusters)} clusters" in summary(sample)[1]
    stopped = as_sentence(str(sample.training_notes["stopped"]))
    for thing in ("expression_swap", __version__, stopped, sample.markers["gene"][0]):
        assert thing in page.text
    assert sample.source["sha256"] in page.text


def test_everything_optional_missing(copy_of: Callable[..., SampleFolder]) -> None:
    folder = copy_of()
    nothing = {"pct_mito": np.nan, "doublet_score": np.nan, "predicted_doublet": "NA"}
    change_obs(folder.path("filtered"), lambda obs: obs.assign(**nothing))
    table = pd.read_csv(folder.path("quality_table"), sep="\t", keep_default_na=False)
    write_table(folder.path("quality_table"), table.assign(**dict.fromkeys(nothing, "NA")))
    clusters = ad.read_h5ad(folder.path("clusters"))
    clusters.obs["siamese"] = pd.Categorical(["0"] * clusters.n_obs)
    clusters.uns["siamese"] |= {"n_clusters": 1, "n_clusters_given": True}
    del clusters.uns["siamese"]["alternatives"]
    write_h5ad(clusters, folder.path("clusters"))
    for name, lines in (("markers_table", 1), ("annotation_table", 2)):
        text = folder.path(name).read_text().splitlines()
        folder.path(name).write_text("\n".join(text[:lines]) + "\n")
    change_obs(
        folder.path("expression"), lambda obs: obs.assign(batch=pd.Categorical(obs["sample"]))
    )
    metrics = folder.json("metrics")
    metrics["labels"], metrics["unsupervised"]["silhouette"] = None, None
    folder.write_json("metrics", metrics)
    for name in folder.sidecars().values():
        drop_warnings(folder.path(name))

    page = Page(render(folder, label=None))
    assert page.unmatched == []
    assert [found["id"] for found in page.all("section")] == SECTIONS[1:]
    for sentence in (
        "no warnings",
        "the percentage is not available",
        "Doublet scores are not available",
        "The cells form 1 cluster (as requested)",
        "No gene passed the marker filter",
        "No label column was specified",
    ):
        assert sentence in page.text
    assert "Batch" not in page.text
    assert "nan" not in page.text.lower().split()


def drop_warnings(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        file["uns"].pop("warnings", None)


def test_no_mitochondrial_genes(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    sample.ingested["pct_mito"] = np.nan
    titles = [picture.title for picture in quality_pictures(sample)]
    assert titles == [
        "Counts by rank",
        "Counts",
        "Detected genes",
        "Top-20 percentage",
        "Ribosomal percentage",
        "Doublet score",
    ]
    (without,) = notes_on_metrics(sample)
    assert "No mitochondrial genes" in without
    sample.cells["phase"] = pd.Categorical(["G1", "S"] * (len(sample.cells) // 2))
    assert "50 % of the kept cells are in S phase" in " ".join(notes_on_metrics(sample))


def test_empty_cluster_is_left_out(
    finished: SampleFolder, copy_of: Callable[..., SampleFolder]
) -> None:
    folder = copy_of()
    change_obs(
        folder.path("clusters"),
        lambda obs: obs.assign(siamese=obs["siamese"].cat.add_categories(["99"])),
    )
    sample = load_sample(folder)
    assert sample.clusters == load_sample(finished).clusters
    assert "99:" not in confidence_picture(sample).svg


def test_counts_by_rank_fall_and_show_what_was_kept(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    knee = quality_pictures(sample)[0]
    assert knee.title == "Counts by rank"
    most = sample.ingested["total_counts"].max()
    assert f"from {most:,.0f} down to" in knee.svg
    assert "var(--accent)" in knee.svg
    assert "mathdefault" not in knee.svg
    sample.ingested["kept"] = "False"
    assert "var(--accent)" not in quality_pictures(sample)[0].svg


def test_thresholds_are_drawn_and_said(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    limits = sample.quality["thresholds"]["n_genes"]
    picture = next(p for p in quality_pictures(sample) if p.title == "Detected genes")
    assert f"{limits['low']:.3g}" in picture.caption
    assert picture.svg.count("stroke-dasharray") == 2


def test_evidence_marks_the_choice(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    picture = evidence_picture(sample)
    assert f"{sample.siamese['n_clusters']} clusters" in picture.svg
    assert "mean adjusted Rand index" in picture.caption


def test_evidence_says_why_the_choice_lies_below_the_peak(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    sample.siamese["n_clusters_given"] = False
    at_peak = evidence_picture(sample)
    assert "dissolved" not in at_peak.caption
    k = int(sample.siamese["n_clusters"])
    sample.siamese["evidence"] = {"k": [k, k + 2], "score": [0.5, 0.6], "criterion": "stability"}
    above = evidence_picture(sample)
    assert f"peaks at {k + 2} clusters, of which 2" in above.caption


def test_dot_plot_agrees_with_dense_means(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    expression = ad.read_h5ad(finished.path("expression"))
    genes = [IMAGE, "NKG7"]
    share, mean = group_expression(finished.path("expression"), genes, sample.cells["siamese"])
    dense = expression[:, genes].to_df().groupby(sample.cells["siamese"], observed=True)
    np.testing.assert_allclose(mean, dense.mean(), rtol=1e-5)
    np.testing.assert_allclose(share, dense.agg(lambda gene: (gene > 0).mean()), rtol=1e-6)


def test_heat_map_says_where_a_marker_is_highest(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    table = sample.markers
    gene = table["gene"][(table["flag"] == "") & (table["cluster"] == "0")].iloc[0]
    mean = group_expression(finished.path("expression"), [gene], sample.cells["siamese"])[1][:, 0]
    _, heat = marker_pictures(sample)
    assert f"{gene} {mean.max():.1f} in cluster {sample.clusters[mean.argmax()]}" in heat.svg
    squares = re.findall(r'style="fill: var\(--accent\)(; fill-opacity: [0-9.]+)?"', heat.svg)
    assert squares.count("") >= 1  # the largest mean is drawn whole
    assert len(squares) > len(sample.clusters)


def test_marker_table_keeps_every_column(finished: SampleFolder) -> None:
    sample = load_sample(finished)
    table = marker_table(sample)
    assert {len(row) for row in table.rows} == {len(table.header)} == {11}
    assert [row[0].text for row in table.rows[:10]] == ["0"] * 10


def test_large_samples_are_thinned_for_display() -> None:
    where = plane(np.zeros((SHOWN + 5, 2)))
    assert len(where.positions) == SHOWN
    assert len(set(where.rows)) == SHOWN
    assert "20,000 of 20,005 cells" in where.note
    assert plane(np.zeros((10, 2))).note == ""


def test_files_of_different_runs_are_refused(copy_of: Callable[..., SampleFolder]) -> None:
    folder = copy_of()
    clusters = ad.read_h5ad(folder.path("clusters"))
    write_h5ad(clusters[5:].copy(), folder.path("clusters"))
    with pytest.raises(UserError, match=r"clusters\.h5ad lacks 5 of the .* in expression\.h5ad"):
        load_sample(folder)


def test_label_column_that_is_not_there(finished: SampleFolder) -> None:
    with pytest.raises(UserError, match=f"no label column 'other'; available columns: .*{LABEL}"):
        render(finished, label="other")


def test_the_legend_names_what_the_lines_are(finished: SampleFolder) -> None:
    title, entries = line_legend(load_sample(finished)) or ("", [])
    assert title == "Networks"
    assert [name for _, name in entries] == ["network 1", "network 2"]
    alone = load_sample(finished)
    first = alone.training[alone.training["network"] == 0].copy()
    first["phase"] = np.where(first["step"] > first["step"].median(), "cluster", "pretrain")
    title, entries = line_legend(replace(alone, training=first)) or ("", [])
    assert title == "Training phases"
    assert [name for _, name in entries] == ["pretrain", "cluster"]
    assert line_legend(replace(alone, training=first[first["phase"] == "cluster"])) is None


def test_time_and_memory_stand_beside_what_was_asked(
    copy_of: Callable[..., SampleFolder],
) -> None:
    folder = copy_of()
    assert "Requested MB" not in render(folder)
    path = folder.directory / "stages" / "usage" / "train.json"
    path.parent.mkdir()
    taken = {"seconds": 754.2, "cpu_seconds": 1400.0, "peak_mb": 2345, "threads": 4}
    asked = {"asked_mb": 3100, "asked_minutes": None}
    note = {"stage": "train"} | taken | asked
    path.write_text(json.dumps(note))
    html = render(folder)
    row = re.search(
        r"<tr>\s*<th[^>]*>train</th>.*?</tr>", html[html.index("Requested MB") :], re.DOTALL
    )
    assert row is not None
    shown = re.findall(r">([^<>]+)</td>", row[0])
    assert [text.strip() for text in shown] == [
        "4", "12 min 34 s", "23 min 20 s", "2,345", "3,100", "–"
    ]  # fmt: skip
    where = {"node": "gpu1", "partition": "gpu", "gpus": "0", "image": "/images/cuda.sif"}
    path.write_text(json.dumps(note | {"where": where}))
    assert "node gpu1, partition gpu, GPU 0, cuda.sif" in render(folder)


def test_votes_and_trajectory_are_shown_as_text(copy_of: Callable[..., SampleFolder]) -> None:
    """With names of types, a path and a root that would run as scripts if they were not escaped."""
    folder = copy_of(features=("trajectory",))
    table = pd.read_csv(folder.path("annotation_table"), sep="\t", dtype={"cluster": str})
    k = len(table)
    place = list(table.columns).index("cell_type") + 1
    table.loc[0, ["cell_type", "best_match"]] = ["Unassigned", "NK"]
    table.insert(place, "consensus_score", np.linspace(0, 1, k))
    table.insert(place + 1, "vote_reference", [SCRIPT, *["B cell"] * (k - 1)])
    table.insert(place + 2, "share_reference", 0.75)
    table.insert(place + 3, "vote_markers", ["Unassigned", *["B"] * (k - 1)])
    folder.write_table("annotation_table", table)
    annotation = ad.read_h5ad(folder.path("annotation"))
    annotation.obs["cell_type_by_cell"] = pd.Categorical(
        np.where(np.arange(annotation.n_obs) % 2, SCRIPT, "conflict")
    )
    annotation.uns["transfer"] = {
        "path": IMAGE, "label": SCRIPT, "n_cells": 10, "n_types": 2, "overlap": 1.0,
    }  # fmt: skip
    write_h5ad(annotation, folder.path("annotation"))
    clusters = folder.obs("clusters")["siamese"]
    joined = np.full((clusters.nunique(),) * 2, 0.2)
    pseudotime = np.linspace(0, 1, len(clusters))
    pseudotime[:5] = np.nan
    order = sidecar(pd.DataFrame({"pseudotime": pseudotime}, index=clusters.index))
    note = f"The root is a cell with {SCRIPT}"
    order.uns["trajectory"] = {"root": "x", "note": note, "connectivities": joined}
    write_h5ad(order, folder.path("trajectory"))
    folder.write_json(
        "metrics", folder.json("metrics") | {"time": {"n_cells": 600, "spearman": -0.5}}
    )

    html = render(folder)
    assert SCRIPT not in html
    assert IMAGE not in html
    for text in ("votes-table", "75.0\u202f% of cells", "Unassigned (best match: NK)", "−0.50"):
        assert text in html
    page = Page(html)
    assert page.unmatched == []
    assert [section["id"] for section in page.all("section")] == [
        *SECTIONS[:7], "trajectory", *SECTIONS[7:],
    ]  # fmt: skip
    without = SampleFolder(folder.directory, folder.sample)
    assert "trajectory-table" not in render(without)


def test_a_map_of_hundreds_of_clusters_stays_small() -> None:
    rng = np.random.default_rng(0)
    many = pd.Series(pd.Categorical([str(n) for n in np.sort(rng.integers(0, 400, 3000))]))
    where = plane(rng.normal(size=(3000, 2)))
    picture = category_map("map-many", "Many", where, many, caption="", numbered=True)
    few = category_map("map-few", "Few", where, many, caption="")
    assert len(picture.svg) - len(few.svg) < 300_000
    assert picture.legend[-1][1].startswith("and ")


def test_alternatives_to_clusters_are_shown_from_a_fifth_of_the_clusterings(
    finished: SampleFolder,
) -> None:
    sample = load_sample(finished)
    n_others = len(sample.clusters) - 2
    one, other = sample.clusters[:2]
    sample.siamese["alternatives"] = {
        "merge_with": np.array([other, one] + [""] * n_others, dtype=object),
        "merge_support": np.array([0.2, 0.19] + [0.0] * n_others),
        "split_support": np.array([0.5, 0.0] + [0.0] * n_others),
    }
    table = cluster_table(sample)
    column = list(table.header).index("May also be")
    shown = [row[column].text for row in table.rows]
    assert shown[0] == f"one with\u00a0{other} (20\u202f%) and several (50\u202f%)"
    assert shown[1:] == ["–"] * (n_others + 1)
    del sample.siamese["alternatives"]
    assert "May also be" not in cluster_table(sample).header
