"""Whole runs: samples that fail, the mended cohort, nothing to do, and kill -9 in the middle."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from patience import PATIENCE_S
from runs import (
    GOOD,
    QUICK,
    ROOT,
    TOGETHER,
    WITHOUT_NETWORK,
    Run,
    command,
    environment,
    planned,
    snakemake,
    write_inputs,
)
from test_module import outer
from test_module import run as outer_run

from scsiameseclu.store import manifest
from scsiameseclu.store.folder import SampleFolder

KILLS = 5
"""Number of stages that are killed in the short form of ``make trial``."""

pytestmark = pytest.mark.slow
OF_THE_RUN = ("index.html", "multiqc_report.html")
TAKEN = re.compile(r"<h3>Time and memory</h3>.*?</table>", re.DOTALL)


def test_the_runs_of_these_tests_have_no_network() -> None:
    """So what the other tests show, stages, pages and MultiQC, holds on nodes without one."""
    if not WITHOUT_NETWORK:
        reason = "unshare cannot make a namespace without a network here"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    code = "import socket; socket.create_connection(('192.0.2.1', 80), timeout=5)"
    tried = subprocess.run(
        [*WITHOUT_NETWORK, sys.executable, "-c", code], capture_output=True, text=True
    )
    assert "Network is unreachable" in tried.stderr


def test_failed_samples_are_told_and_the_others_finish(
    broken_run: Run, broken_status: dict[str, dict[str, str]], broken_page: str
) -> None:
    assert broken_run.done.returncode == 1
    assert {name for name, row in broken_status.items() if row["status"] == "FAIL"} == {
        *("corrupt", "logged", "tiny")
    }
    assert set(broken_status) == {"a", "b", "corrupt", "logged", "tiny"}
    assert "corrupt.h5" in broken_status["corrupt"]["reason"]
    assert "log-transformed" in broken_status["logged"]["reason"]
    assert "12" in broken_status["tiny"]["reason"]
    assert "3 of 5 samples failed" in broken_run.done.stdout
    assert "FAIL" in broken_page
    assert "corrupt.h5" in broken_page
    assert "Traceback" not in broken_run.done.stdout


def test_the_cohort_is_analysed_without_failed_samples(
    broken_run: Run, broken_cohort: dict[str, str], broken_page: str
) -> None:
    assert "Finishing cohort all without corrupt, logged, tiny." in broken_run.done.stdout
    assert broken_cohort["status"] == "WARN"
    assert "left out: corrupt, logged, tiny" in broken_cohort["reason"]
    assert (int(broken_cohort["n_samples"]), int(broken_cohort["cells_kept"])) == (2, 700)
    assert 'href="cohorts/all/report.html"' in broken_page
    if sys.platform.startswith("linux"):  # the warm process also serves the run that finishes it
        notes = list((broken_run.results / "cohorts" / "all" / "stages" / "usage").iterdir())
        assert notes
        assert all(json.loads(note.read_text()).get("shared_mb") for note in notes)


def test_what_failed_is_tried_again(broken_plan: dict[str, set[str]]) -> None:
    assert broken_plan["ingest"] == {"corrupt", "logged", "tiny"}
    assert "cohort" in broken_plan
    assert "a" not in broken_plan["report"]


def test_the_mended_cohort_finishes_with_all_files(finished: Run) -> None:
    assert finished.done.returncode == 0, finished.done.stdout
    for sample in ("a", "b"):
        folder = SampleFolder(finished.results / "samples" / sample, sample)
        assert [n for n in manifest.outputs() if not folder.path(n).stat().st_size] == []
        assert folder.failure() is None
        assert (finished.results / "logs" / sample / "train.log").stat().st_size
    for name in ("index.html", "cohort.tsv", "status.tsv", "multiqc_report.html"):
        assert (finished.results / name).stat().st_size
    assert "FAIL" not in (finished.results / "status.tsv").read_text()
    leftovers = [path for path in finished.results.rglob("*") if path.name.endswith(".tmp")]
    assert leftovers == []


def test_the_mended_run_did_only_the_cohort(finished: Run) -> None:
    assert "rule cohort:" in finished.done.stdout
    assert "rule joint_report:" in finished.done.stdout  # no longer without failed samples
    for rule in ("train", "join", "joint_train"):
        assert f"rule {rule}:" not in finished.done.stdout


def test_the_cohort_has_all_files(finished: Run) -> None:
    features = ("cohort",)
    folder = SampleFolder(finished.results / "cohorts" / "all", "all", features)
    files = [n for n in manifest.outputs(features) if n not in manifest.FOLDERS]
    assert [n for n in files if not folder.path(n).stat().st_size] == []
    assert {page.name for page in folder.path("pages").glob("*.html")} == {"a.html", "b.html"}
    assert "cohorts/all/report.html" in (finished.results / "multiqc_report.html").read_text()


def test_the_halves_of_the_demo_data_have_no_batch_effect(finished: Run) -> None:
    folder = SampleFolder(finished.results / "cohorts" / "all", "all", ("cohort",))
    mixing = folder.json("metrics")["mixing"]
    assert mixing["before"]["overall"] > 0.9
    assert mixing["after"]["overall"] > 0.9
    page = folder.path("report").read_text()
    assert "No batch effect was found among the 2 batches." in page
    assert "Every cluster has cells of several samples." in page


def test_cells_of_the_cohort_are_those_of_its_samples(finished: Run) -> None:
    import anndata as ad

    cohort = ad.read_h5ad(finished.results / "cohorts" / "all" / "all.h5ad")
    for sample in ("a", "b"):
        own = ad.read_h5ad(finished.results / "samples" / sample / f"{sample}.h5ad")
        cells = cohort[[f"{sample}:{name}" for name in own.obs_names], own.var_names]
        assert (cells.layers["counts"] != own.layers["counts"]).nnz == 0
        assert set(cells.obs["sample"]) == {sample}
        page = (finished.results / "cohorts" / "all" / "samples" / f"{sample}.html").read_text()
        assert "The cells of this sample are part of cohort all." in page


def test_other_conditions_renew_only_what_shows_them(copied: Path) -> None:
    rows = [row | {"condition": c} for row, c in zip(GOOD, ("x", "y"), strict=True)]
    write_inputs(copied, rows, TOGETHER)
    jobs = planned(copied)
    assert not set(jobs) & {"join", "train", "cluster", "joint_expression", "joint_cluster"}
    assert jobs["joint_report"] == jobs["joint_assemble"] == {"all"}
    assert jobs["assemble"] == {"a", "b"}


def test_other_batches_renew_the_cohort(copied: Path) -> None:
    rows = [row | {"meta_run": "1"} for row in GOOD]
    write_inputs(copied, rows, TOGETHER | {"cohort": {"batch": "meta_run"}})
    jobs = planned(copied)
    assert jobs["join"] == jobs["joint_train"] == {"all"}
    assert "train" not in jobs


def test_a_sample_is_mapped_onto_the_finished_cohort(copied: Path) -> None:
    import anndata as ad

    cohort = ad.read_h5ad(copied / "results" / "cohorts" / "all" / "all.h5ad")
    write_inputs(copied, GOOD[:1], QUICK | {"cohort": {"model": "results/cohorts/all"}})
    done = snakemake(copied)
    assert done.returncode == 0, done.stdout
    assert "rule train:" not in done.stdout
    cells = ad.read_h5ad(copied / "results" / "samples" / "a" / "a.h5ad").obs
    same = cohort.obs["siamese"].reindex("a:" + cells.index).astype(str).to_numpy()
    found = cells["cohort_cluster"].astype(str).to_numpy()
    assert (found == same)[found != "Unknown"].mean() > 0.95
    assert (found == "Unknown").mean() < 0.1
    page = (copied / "results" / "samples" / "a" / "report.html").read_text()
    assert "were mapped onto cohort all" in page


def test_a_second_run_does_nothing(finished: Run) -> None:
    before = digests(finished.results)
    done = snakemake(finished.directory)
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
    assert digests(finished.results) == before


def test_snakemake_report(finished: Run) -> None:
    page = finished.directory / "report.html"
    done = snakemake(finished.directory, "--report", str(page))
    assert done.returncode == 0, done.stdout
    text = page.read_text()
    assert "Cohort" in text
    assert "Samples" in text


def test_a_changed_setting_makes_again_only_what_depends_on_it(copied: Path) -> None:
    write_inputs(copied, GOOD, {**QUICK, "markers": {"max_adjusted_p": 0.01}})
    jobs = planned(copied)
    assert set(jobs) == {"markers", "assemble", "report", "cohort", "multiqc", "all"}
    assert jobs["markers"] == {"a", "b"}


def test_a_changed_row_of_the_sheet_touches_only_its_sample(copied: Path) -> None:
    write_inputs(copied, [GOOD[0], {**GOOD[1], "n_clusters": 5}], QUICK)
    jobs = planned(copied)
    assert jobs["cluster"] == jobs["markers"] == jobs["report"] == {"b"}
    # another number of clusters needs no training
    assert not set(jobs) & {"ingest", "quality", "expression", "graph", "train", "layout"}


def test_other_labels_renew_only_the_metrics_and_the_page(copied: Path) -> None:
    write_inputs(copied, [GOOD[0], {**GOOD[1], "label": "louvain"}], QUICK)
    jobs = planned(copied)
    assert set(jobs) == {"evaluate", "report", "cohort", "multiqc", "all"}
    assert jobs["evaluate"] == jobs["report"] == {"b"}


@pytest.mark.parametrize("name", ["pages", "markers_full", "deliverable"])
def test_the_page_of_all_samples_waits_for_every_file(copied: Path, name: str) -> None:
    folder = SampleFolder(copied / "results" / "cohorts" / "all", "all", ("cohort",))
    path = folder.path(name)
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    (copied / "results" / "index.html").unlink()
    jobs = planned(copied, "results/index.html")
    assert "cohort" in jobs
    assert any(job.startswith("joint_") for job in jobs)


def test_a_sample_taken_from_the_sheet_renews_the_cohort_page(copied: Path) -> None:
    write_inputs(copied, GOOD[:1], QUICK)
    assert set(planned(copied)) == {"cohort", "multiqc", "all"}


def test_a_reference_and_a_trajectory_can_be_asked_for_later(copied: Path) -> None:
    import anndata as ad

    asked = {
        "reference": {"path": "demo:b", "label": "bulk_labels"},
        "trajectory": {"run": True},
    }
    row = GOOD[0] | {"root": "cluster=0"}
    write_inputs(copied, [row], QUICK | asked)
    done = snakemake(copied)
    assert done.returncode == 0, done.stdout
    assert "rule train:" not in done.stdout
    cells = ad.read_h5ad(copied / "results" / "samples" / "a" / "a.h5ad")
    assert {"vote_reference", "cell_type_by_cell", "pseudotime"} <= set(cells.obs)
    assert {"reference", "transfer", "trajectory"} <= set(cells.uns["provenance"])
    assert cells.uns["transfer"]["n_types"] == 10
    assert (
        cells.obs["pseudotime"].groupby(cells.obs["siamese"], observed=True).median().idxmin()
        == "0"
    )
    page = (copied / "results" / "samples" / "a" / "report.html").read_text()
    for part in ('id="votes-table"', 'id="trajectory-table"', "cluster 0, as requested"):
        assert part in page
    write_inputs(copied, [row], QUICK)
    assert snakemake(copied).returncode == 0
    page = (copied / "results" / "samples" / "a" / "report.html").read_text()
    assert 'id="votes-table"' not in page
    assert 'id="trajectory-table"' not in page


def test_a_killed_run_ends_with_the_same_bytes(copied: Path) -> None:
    whole = digests(copied / "results" / "samples") | digests(copied / "results" / "cohorts")
    for folder in ("cohorts/all", "samples/a"):
        output = f"results/{folder}/stages/embedding.h5ad"
        kill_within(copied, folder, "train", "--forcerun", output)
    kill_within(copied, "samples/a", "layout")
    page = copied / "results" / "index.html"
    assert "has not ended; this page is of the run before" in page.read_text()
    done = snakemake(copied)
    assert done.returncode == 0, done.stdout
    assert "has not ended" not in page.read_text()
    assert "Removed the lock" in done.stdout
    assert "rule train:" not in done.stdout
    assert "rule layout:" in done.stdout
    again = digests(copied / "results" / "samples") | digests(copied / "results" / "cohorts")
    assert again == whole


def kill_within(directory: Path, folder: str, stage: str, *arguments: str) -> None:
    """Start a run, and kill -9 all its processes while it makes a stage of a sample or cohort."""
    log = directory / "results" / "logs" / folder.removeprefix("samples/") / f"{stage}.log"
    log.unlink()
    output = {"train": "embedding.h5ad", "layout": "layout.h5ad"}[stage]
    shown = directory / "shown"
    with shown.open("w") as stream:
        process = subprocess.Popen(
            command(directory, *arguments),
            stdout=stream,
            stderr=subprocess.STDOUT,
            env=environment(),
            start_new_session=True,
        )
    deadline = time.monotonic() + PATIENCE_S
    running = directory / "results" / folder / manifest.RUNNING.format(stage=stage)
    while not running.is_file() or (stage == "train" and "trained on" not in log.read_text()):
        assert process.poll() is None, shown.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    if stage == "train":
        time.sleep(1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (directory / "results" / folder / "stages" / output).exists(), shown.read_text()


def digests(directory: Path) -> dict[str, str]:
    """The SHA-256 of every file below a directory, but for the time and memory that it took."""
    return {
        str(path.relative_to(directory)): hashlib.sha256(content(path)).hexdigest()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.parent.name != "usage"
    }


def content(path: Path) -> bytes:
    if path.suffix != ".html":
        return path.read_bytes()
    html, n_tables = TAKEN.subn("", path.read_text())
    assert n_tables == (path.name not in OF_THE_RUN)
    return html.encode()


def edit_curation(folder: Path, edits: dict[str, str]) -> None:
    """Replace the lines of some clusters in curation.tsv, as a biologist would."""
    path = folder / "curation.tsv"
    lines = path.read_text().splitlines()
    names = [line.split("\t")[0] for line in lines]
    assert set(edits) <= set(names)
    new = [edits.get(name, line) for name, line in zip(names, lines, strict=True)]
    path.write_text("\n".join(new) + "\n")


@pytest.mark.slow
def test_stages_that_are_killed_at_random_moments(
    copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short form of the trial of ``make trial``."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    from trial_runs import commands_of, killed_command, printed_commands

    commands = commands_of(copied, printed_commands(copied))
    assert {"ingest", "train", "join", "report"} <= {command.stage for command in commands}
    trial = killed_command(commands)
    for seed in range(KILLS):
        outcome, what = trial(random.Random(seed))
        assert outcome == "same", what


def test_clusters_are_merged_named_and_split_by_hand_and_this_is_undone(copied: Path) -> None:
    import anndata as ad

    results = copied / "results"
    sample, cohort = results / "samples" / "a", results / "cohorts" / "all"
    whole = digests(results / "samples") | digests(results / "cohorts")
    tables = [folder / "curation.tsv" for folder in (sample, cohort)]
    untouched = {path: path.read_bytes() for path in tables}

    edit_curation(sample, {"1": "1\tHelper T cells\t\t\t"})
    jobs = planned(copied)
    renewed = {"annotate", "report", "assemble", "joint_pages", "cohort", "multiqc", "all"}
    assert set(jobs) == renewed
    assert jobs["annotate"] == {"a"}

    edit_curation(cohort, {"0": "0\tMy cells\t\t\t"})
    of_cohort = {rule for rule in planned(copied) if rule.startswith("joint_")}
    assert of_cohort == {"joint_annotate", "joint_report", "joint_assemble", "joint_pages"}

    both = {"1": "1\tHelper T cells\t0\t\tby eye", "2": "2\t\t\tyes\t"}
    edit_curation(sample, both)
    edit_curation(cohort, {"0": "0\tMy cells\t\t\t", "1": "1\t\t0\t\t", "2": "2\t\t\tyes\t"})
    done = snakemake(copied)
    assert done.returncode == 0, done.stdout
    for rule in ("train", "cluster", "layout", "joint_train", "joint_cluster", "joint_layout"):
        assert f"rule {rule}:" not in done.stdout
    cells = ad.read_h5ad(sample / "a.h5ad").obs
    assert "1" not in set(cells["siamese"])
    assert {"2.1", "2.2"} <= set(cells["siamese"])
    assert set(cells["cell_type_predicted"][cells["siamese"] == "0"]) == {"Helper T cells"}
    assert cells["cell_type_curated"].tolist() == (cells["siamese"] == "0").tolist()
    assert "2.1\t1\t" in (sample / "markers.tsv").read_text()
    assert "Helper T cells (curated)" in (sample / "report.html").read_text()
    cells = ad.read_h5ad(cohort / "all.h5ad").obs
    assert "1" not in set(cells["siamese"])
    assert {"2.1", "2.2"} <= set(cells["siamese"])
    assert set(cells["cell_type_predicted"][cells["siamese"] == "0"]) == {"My cells"}
    assert "My cells (curated)" in (cohort / "report.html").read_text()
    assert "My cells" in (cohort / "samples" / "b.html").read_text()

    edit_curation(sample, {"0": "0\t\t9\t\t"})
    done = snakemake(copied)
    assert done.returncode == 1
    assert "curation.tsv, line 2: cluster 9 does not exist" in done.stdout

    for path, content in untouched.items():
        path.write_bytes(content)
    done = snakemake(copied)
    assert done.returncode == 0, done.stdout
    assert digests(results / "samples") | digests(results / "cohorts") == whole


def test_a_module_makes_the_same_files(copied: Path) -> None:
    """Where our own run has finished, only the outer workflow's own rule is left to do."""
    outer(copied, f'"{ROOT / "Snakefile"}"', TOGETHER)
    done = outer_run(copied)
    assert done.returncode == 0, done.stderr
    assert int((copied / "cells" / "a.txt").read_text()) == 8  # lines of three tables
    assert "rule lines:" in done.stderr
    assert "rule ssc_" not in done.stderr


def test_samples_named_like_files_of_the_stages(tmp_path: Path) -> None:
    """No name is special: each sample has its own deliverable, with its clusters."""
    import anndata as ad

    names = ("layout", "markers", "transfer", "trajectory", "stages")
    write_inputs(
        tmp_path,
        [{"sample": "markers", "path": "demo:a", "n_clusters": 4}],
        {**QUICK, "model": {"networks": 1, "pretrain_steps": 20}},
    )
    assert snakemake(tmp_path, "--until", "assemble").returncode == 0
    cells = ad.read_h5ad(tmp_path / "results" / "samples" / "markers" / "markers.h5ad")
    assert cells.n_vars > 500
    assert cells.obs["siamese"].nunique() == 4
    rows = [{"sample": name, "path": "demo:a"} for name in names]
    features = {
        "reference": {"path": "demo:b", "label": "bulk_labels"},
        "trajectory": {"run": True},
    }
    for config in (QUICK, QUICK | features):
        write_inputs(tmp_path, rows, config)
        assert planned(tmp_path)["assemble"] >= {"transfer", "trajectory", "stages"}
