"""The cohort: statuses, tables, the page, and what MultiQC makes of it."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from finished import SCRIPT
from html_page import Page

from scsiameseclu.errors import UserError
from scsiameseclu.report.cohort_figures import MAX_TYPES, composition
from scsiameseclu.report.cohort_page import cohort_page
from scsiameseclu.report.cohort_samples import (
    Entry,
    _lost_member,
    common_types,
    read_cohorts,
    read_entries,
)
from scsiameseclu.report.multiqc import write_multiqc
from scsiameseclu.stages import cohort
from scsiameseclu.store.files import sidecar, write_h5ad
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import outputs

NAMES = ["refused", "good", "warned", "never_begun", "half_way"]
REASON = f"file {SCRIPT} contains log-transformed values, not counts"


@pytest.fixture
def results(copy_of: Callable[..., SampleFolder], tmp_path: Path) -> Path:
    """Five samples: one refused, one good, one with a warning, one never begun, one half way."""
    folders = {name: copy_of(name) for name in ("good", "warned", "half_way")}
    for name in folders["good"].sidecars().values():
        with h5py.File(folders["good"].path(name), "r+") as file:
            file["uns"].pop("warnings", None)
    folders["half_way"].path("clusters").unlink()
    note = tmp_path / "samples" / "refused" / "stages" / "failure.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"sample": "refused", "stage": "ingest", "reason": REASON}))
    lines = [f"{name}\tsome/path" for name in NAMES]
    (tmp_path / "samples.tsv").write_text("\n".join(["# mine", "sample\tpath", *lines]) + "\n")
    cohort.run(samples=tmp_path / "samples.tsv", results=tmp_path)
    return tmp_path


def test_everything_of_the_cohort(results: Path) -> None:
    status = pd.read_csv(results / "status.tsv", sep="\t", keep_default_na=False)
    assert status["sample"].tolist() == NAMES
    assert status["status"].tolist() == ["FAIL", "OK", "WARN", "FAIL", "FAIL"]
    assert status["stage"].tolist() == ["ingest", "", "ingest", "ingest", "curate"]
    assert status["reason"][0] == REASON
    assert "7 of 700 cells have no label" in status["reason"][2]
    assert status["reason"][3] == "not reached; the same command continues"

    numbers = pd.read_csv(results / "cohort.tsv", sep="\t", index_col="sample")
    assert numbers.index.tolist() == NAMES
    metrics = json.loads((results / "samples" / "good" / "stages" / "metrics.json").read_text())
    good = numbers.loc["good"]
    assert good["ari"] == pytest.approx(metrics["labels"]["siamese"]["ari"], rel=1e-5)
    assert good["n_clusters"] == metrics["n_clusters"]
    assert good["cells_in"] >= good["cells_kept"] > 0
    assert numbers.loc["never_begun"].drop("status").isna().all()
    # What is known of a sample that failed later stays visible.
    assert numbers.loc["half_way", "cells_kept"] == good["cells_kept"]

    page = Page((results / "index.html").read_text())
    assert page.unmatched == []
    assert len(page.all("script")) == 1
    assert SCRIPT in page.text
    links = page.values("href")
    assert "samples/good/report.html" in links
    assert "samples/warned/warned.h5ad" in links
    assert "samples/refused/report.html" not in links
    assert "multiqc_report.html" in links
    assert all(found["scope"] in {"col", "row"} for found in page.all("th"))
    assert "2 samples finished" in page.text
    pictures = [found["aria-label"] for found in page.all("svg")]
    assert any(said.startswith("Predicted cell types by sample: good ") for said in pictures)
    first = (results / "index.html").read_bytes()
    cohort.run(samples=results / "samples.tsv", results=results)
    assert (results / "index.html").read_bytes() == first

    _check_multiqc(results)


def test_a_page_of_an_earlier_run_does_not_say_ok(results: Path) -> None:
    """Neither of a failed sample nor of a failed cohort, until they are finished again."""
    folder = SampleFolder(results / "samples" / "good", "good")
    joint = folder.path("pages") / "x.html"
    joint.parent.mkdir()
    joint.write_bytes(folder.path("report").read_bytes())
    pages = [folder.path("report"), joint]
    before = [(page.read_bytes(), page.stat().st_mtime_ns) for page in pages]
    states = [state_of(page) for page in pages]
    assert states == ["WARN 1 warning"] * 2
    note = folder.directory / "stages" / "failure.json"
    note.write_text(json.dumps({"sample": "good", "stage": "train", "reason": "<no> space\r"}))
    for _ in range(2):
        cohort.run(samples=results / "samples.tsv", results=results)
    for page, (_, time) in zip(pages, before, strict=True):
        assert state_of(page) == "FAIL This page is of an earlier run. At train: <no> space"
        assert page.stat().st_mtime_ns == time
    note.unlink()
    cohort.run(samples=results / "samples.tsv", results=results)
    assert [(page.read_bytes(), page.stat().st_mtime_ns) for page in pages] == before


def state_of(page: Path) -> str:
    """What a browser shows below the title, in one line."""
    content = re.sub(r"<template>.*?</template>", "", page.read_text(), flags=re.DOTALL)
    assert Page(content).unmatched == []
    header = content.partition('<p class="state">')[2].partition("</header>")[0]
    return " ".join(Page(header.replace("</p>", "")).text.split())


def _check_multiqc(results: Path) -> None:
    folder = results / "multiqc"
    content = {path.name: json.loads(path.read_text()) for path in folder.glob("*_mqc.json")}
    assert len(content) == 8
    cells = content["3_cells_mqc.json"]["data"]["good"]
    numbers = pd.read_csv(results / "cohort.tsv", sep="\t", index_col="sample")
    assert sum(cells.values()) == numbers.loc["good", "cells_in"]
    funnel = list(content["3_cells_mqc.json"]["categories"])
    assert funnel[:3] == ["kept", "not empty", "total counts"]  # in their order, not by name
    steps = [step for step, _ in content["7_training_mqc.json"]["data"]["good"]]
    assert len(steps) >= 3
    assert steps == sorted(set(steps))  # one line from left to right, whatever the networks
    assert SCRIPT not in json.dumps(content)

    pytest.importorskip("multiqc")
    command = [
        *(sys.executable, "-m", "multiqc", str(folder), "--no-version-check", "--force"),
        *("--config", str(folder / "multiqc_config.yaml"), "--no-data-dir", "--strict"),
        *("-o", str(results), "-n", "multiqc_report.html"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    html = (results / "multiqc_report.html").read_text()
    assert SCRIPT not in html
    for name in ("status", "quality", "cells", "metrics", "clusters", "types", "training"):
        assert f"scsiameseclu_{name}" in html


def test_a_results_folder_that_does_not_exist(tmp_path: Path) -> None:
    (tmp_path / "samples.tsv").write_text("sample\tpath\na\tdemo:a\n")
    with pytest.raises(UserError, match=r"there is no results folder .*nope; check --results"):
        cohort.run(samples=tmp_path / "samples.tsv", results=tmp_path / "nope")
    assert not (tmp_path / "nope").exists()


def test_a_cohort_without_any_result(tmp_path: Path) -> None:
    (tmp_path / "samples.tsv").write_text("sample\tpath\nonly\tx\n")
    cohort.run(samples=tmp_path / "samples.tsv", results=tmp_path)
    assert "None of 1 samples finished" in (tmp_path / "index.html").read_text()
    assert [path.name for path in (tmp_path / "multiqc").glob("*.json")] == ["1_status_mqc.json"]


def test_older_multiqc_content_goes(tmp_path: Path) -> None:
    (tmp_path / "samples.tsv").write_text("sample\tpath\nonly\tx\n")
    (tmp_path / "multiqc").mkdir()
    (tmp_path / "multiqc" / "4_metrics_mqc.json").write_text("{}")
    cohort.run(samples=tmp_path / "samples.tsv", results=tmp_path)
    assert not (tmp_path / "multiqc" / "4_metrics_mqc.json").exists()


def test_a_broken_sidecar_fails_its_sample_only(copy_of: Callable[..., SampleFolder]) -> None:
    folder = copy_of("broken")
    path = folder.path("clusters")
    path.write_bytes(path.read_bytes()[:2000])
    (entry,) = read_entries(folder.directory.parents[1], ["broken"])
    assert entry.status == "FAIL"
    assert "clusters.h5ad cannot be read" in entry.reason


def completed(folder: SampleFolder) -> None:
    """Create the files of its features that a finished sample lacks."""
    for name in outputs(folder.features):
        folder.path(name).parent.mkdir(exist_ok=True)
        folder.path(name).touch()


def test_a_cohort_of_which_a_sample_has_failed_since(copy_of: Callable[..., SampleFolder]) -> None:
    """Its files are complete, but of an earlier run."""
    member = copy_of("s1")
    results = member.directory.parents[1]
    shutil.copytree(member.directory, results / "cohorts" / "all")
    joint = SampleFolder(results / "cohorts" / "all", "all", ("cohort",))
    counts = ad.read_h5ad(joint.path("counts"))
    counts.obs["sample"] = "s1"
    counts.write_h5ad(joint.path("counts"))
    completed(joint)
    for stage, lost in (("ingest", "counts"), ("quality", "filtered")):
        assert _lost_member(joint) is None
        moved = member.path(lost).rename(results / "away")
        (entry,) = read_cohorts(results, ["all"], ["cohort"])
        assert (entry.status, entry.stage) == ("FAIL", "join"), stage
        assert entry.reason.startswith("sample s1 has failed since")
        moved.rename(member.path(lost))


def test_a_reference_that_failed_since_fails_what_it_annotates(
    copy_of: Callable[..., SampleFolder],
) -> None:
    folder = copy_of("s1", ("reference",))
    completed(folder)
    note = folder.directory.parents[1] / "reference" / "stages" / "failure.json"
    note.parent.mkdir(parents=True)
    for features, status in ((("reference",), "FAIL"), ((), "WARN")):
        note.write_text(json.dumps({"stage": "reference", "reason": "no cell has a label"}))
        (entry,) = read_entries(note.parents[2], ["s1"], features)
        assert entry.status == status
        assert (entry.stage == "reference") == (status == "FAIL")
    folder.path("clusters").unlink()  # the sample's own trouble comes before
    (entry,) = read_entries(note.parents[2], ["s1"], ["reference"])
    assert entry.stage == "curate"


def test_an_earlier_trajectory_is_not_spoken_of(copy_of: Callable[..., SampleFolder]) -> None:
    folder = copy_of()
    results, feature = folder.directory.parents[1], ("trajectory",)
    warning = np.array(["the root is a guess"], dtype=object)
    path = folder.path("trajectory")
    write_h5ad(sidecar(folder.cells, uns={"warnings": warning}), path)
    for features in ((), feature):
        (entry,) = read_entries(results, [folder.sample], features)
        assert ("the root is a guess" in entry.reason) == bool(features)
    path.unlink()
    for features, status in (((), "WARN"), (feature, "FAIL")):
        (entry,) = read_entries(results, [folder.sample], features)
        assert entry.status == status
    assert entry.stage == "trajectory"


def test_types_of_all_samples_count_alike() -> None:
    large = Entry("large", types={"T cells": 8_900, "B cells": 1_000, "Unassigned": 100})
    small = Entry("small", types={"B cells": 20, "Neurons": 5})
    assert common_types([large, small], 9) == ["B cells", "T cells", "Neurons"]
    assert common_types([large, small], 2) == ["B cells", "T cells"]
    picture = composition([large, Entry("failed", status="FAIL"), small])
    assert picture is not None
    assert [name for _, name in picture.legend] == ["B cells", "T cells", "Neurons", "Unassigned"]
    assert "small B cells 80.0" in picture.svg
    assert "failed" not in picture.svg


def test_more_types_than_colours_share_one() -> None:
    many = Entry("many", types={f"type {number:02d}": 100 - number for number in range(30)})
    picture = composition([many])
    assert picture is not None
    assert len(picture.legend) == MAX_TYPES + 1
    assert picture.legend[-1][1] == "other types"
    assert composition([Entry("none", types={"Unassigned": 5})]) is None


def test_two_hundred_samples(tmp_path: Path) -> None:
    types = [f"type {number}" for number in range(30)]
    entries = [
        Entry(f"p{number:03d}", status="FAIL", stage="ingest", reasons=["damaged"])
        if number % 50 == 7
        else Entry(
            f"p{number:03d}",
            numbers={"cells_in": 9000, "cells_kept": 8000 + number, "n_clusters": 12},
            funnel=[("ingested", 9000), ("total counts", 8000 + number)],
            sizes=[500] * 12,
            types=dict.fromkeys(types[number % 20 : number % 20 + 9], 100 + number),
        )
        for number in range(200)
    ]
    html = cohort_page(entries)
    assert len(html) < 5_000_000
    assert all(f">{entry.sample}<" in html for entry in entries)
    assert "196 samples finished" in Page(html).text

    pytest.importorskip("multiqc")
    write_multiqc(entries, tmp_path)
    command = [sys.executable, "-m", "multiqc", str(tmp_path), "--no-version-check", "--strict"]
    command += ["--config", str(tmp_path / "multiqc_config.yaml"), "--no-data-dir", "-n", "page"]
    done = subprocess.run([*command, "-o", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "p199" in (tmp_path / "page.html").read_text()
