"""What the pages and MultiQC tell about ambient RNA and clusters of doublets."""

import json
from pathlib import Path

import pandas as pd
from finished import LABEL

from scsiameseclu.report.cohort_samples import read_entries
from scsiameseclu.report.multiqc import write_multiqc
from scsiameseclu.report.sample_page import sample_page
from scsiameseclu.report.tables import percent
from scsiameseclu.settings import AmbientSettings
from scsiameseclu.stages import ambient, assemble
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder


def with_ambient(copied: SampleFolder) -> SampleFolder:
    """The sample with an estimate, and its first marker flagged."""
    folder = SampleFolder(copied.directory, copied.sample, ("ambient",))
    ambient.run(folder, settings=AmbientSettings())
    table = folder.table("markers_table")
    flags = [*["yes"], *[""] * (len(table) - 1)]
    folder.write_table("markers_table", table.assign(ambient=flags))
    return folder


def name_doublets(folder: SampleFolder) -> None:
    """Say that cluster 2 consists of doublets of clusters 0 and 1."""
    annotation = read_h5ad(folder.path("annotation"))
    annotation.uns["annotation"]["doublet_of"] = {"2": "0+1"}
    write_h5ad(annotation, folder.path("annotation"))
    table = folder.table("annotation_table")
    table["doublet_of"] = ["0+1" if name == "2" else "" for name in table["cluster"]]
    folder.write_table("annotation_table", table)


def test_the_page_shows_contamination_and_ambient_markers(copied: SampleFolder) -> None:
    folder = with_ambient(copied)
    page = sample_page(folder, LABEL)
    notes = folder.uns("ambient", "ambient")
    assert f"estimated to be {percent(notes['mean'], 1)}" in page
    assert notes["genes"][0] in page
    assert "<h3>Ambient RNA</h3>" in page
    assert "SoupX" in page
    flagged = folder.table("markers_table")["gene"].iloc[0]
    axis = page.partition("Markers by cluster")[2].partition("</svg>")[0]
    assert f">{flagged}<" not in axis
    assert ">ambient</td>" in page
    without = sample_page(SampleFolder(copied.directory, copied.sample), LABEL)
    assert "Ambient RNA is estimated" not in without
    assert "<h3>Ambient RNA</h3>" not in without


def test_clusters_of_doublets_are_named_on_the_page(copied: SampleFolder) -> None:
    before = sample_page(copied, LABEL)
    assert "Clusters of doublets" not in before
    assert "Doublets of" not in before
    name_doublets(copied)
    page = sample_page(copied, LABEL)
    assert "Clusters of doublets, which two other clusters explain: cluster 2 of clusters" in page
    assert ">0+1</td>" in page
    assert "were named as doublets of these" in page


def test_multiqc_compares_contamination_and_clusters_of_doublets(
    copied: SampleFolder, tmp_path: Path
) -> None:
    folder = with_ambient(copied)
    name_doublets(folder)
    results = copied.directory.parents[1]
    entries = read_entries(results, [copied.sample], ("ambient",))
    write_multiqc(entries, tmp_path)
    tables = _rows(tmp_path, copied.sample)
    assert tables["pct_ambient"] == 100 * folder.uns("ambient", "ambient")["mean"]
    assert tables["doublet_clusters"] == 1
    (entry,) = read_entries(results, [copied.sample])
    assert "pct_ambient" not in entry.numbers


def _rows(folder: Path, sample: str) -> dict[str, float]:
    """The numbers of a sample in all tables."""
    rows: dict[str, float] = {}
    for path in folder.glob("*_mqc.json"):
        data = json.loads(path.read_text())["data"]
        if isinstance(data, dict) and isinstance(data.get(sample), dict):
            rows |= data[sample]
    return rows


def test_the_deliverable_gains_columns_only(copied: SampleFolder) -> None:
    before = read_h5ad(copied.path("deliverable"))
    folder = with_ambient(copied)
    assemble.run(folder)
    after = read_h5ad(folder.path("deliverable"))
    assert set(after.obs) - set(before.obs) == {"contamination"}
    assert set(after.var) - set(before.var) == {"ambient"}
    pd.testing.assert_frame_equal(after.obs[before.obs.columns], before.obs)
    assert set(after.layers) == {"counts"}
    assert (after.X != before.X).nnz == 0
