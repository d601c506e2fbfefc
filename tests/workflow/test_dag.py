"""What a run would do: jobs, messages, other working directories, and which jobs a change makes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import GOOD, QUICK, ROOT, environment, planned, snakemake, write_inputs

STAGES = {
    *("ingest", "quality", "ambient", "expression", "graph", "train", "cluster", "layout"),
    *("curate", "markers", "annotate", "evaluate", "report", "assemble"),
}
OF_SAMPLES = {"ingest", "quality", "ambient"}
JOINT = {"join", "joint_pages", *(f"joint_{stage}" for stage in STAGES - OF_SAMPLES)}


def test_every_stage_runs_for_every_sample(tmp_path: Path) -> None:
    write_inputs(tmp_path, GOOD)
    jobs = planned(tmp_path)
    assert set(jobs) == {*STAGES, *JOINT, "cohort", "multiqc", "all"}
    assert all(jobs[stage] == {"a", "b"} for stage in STAGES)
    assert all(jobs[stage] == {"all"} for stage in JOINT)


def test_cohorts_are_named_in_the_sheet(tmp_path: Path) -> None:
    rows = [
        {"sample": f"s{n}", "path": "demo:a", "cohort": name}
        for n, name in enumerate(("x", "x", "y", "", "y"))
    ]
    write_inputs(tmp_path, rows)
    jobs = planned(tmp_path)
    assert all(jobs[stage] == {"x", "y"} for stage in JOINT)
    done = snakemake(tmp_path, "--dry-run", "--printshellcmds", "--until", "join")
    assert '"members": ["s2", "s4"]' in done.stdout
    write_inputs(tmp_path, GOOD, {"samples": "config/samples.tsv", "cohort": {"run": "named"}})
    assert not set(planned(tmp_path)) & JOINT


def test_a_reference_is_fitted_once_and_votes_in_every_sample(tmp_path: Path) -> None:
    reference = {"path": "demo:a", "label": "bulk_labels"}
    write_inputs(tmp_path, GOOD, {"samples": "config/samples.tsv", "reference": reference})
    jobs = planned(tmp_path)
    transfers = {"reference", "transfer", "joint_transfer"}
    assert set(jobs) == {*STAGES, *JOINT, *transfers, "cohort", "multiqc", "all"}
    assert jobs["transfer"] == jobs["annotate"] == {"a", "b"}
    assert jobs["reference"] == set()  # of the cohort, not of a sample


def test_ambient_rna_is_estimated_unless_it_is_off(tmp_path: Path) -> None:
    for mode in ("off", "correct"):
        write_inputs(tmp_path, GOOD, {"samples": "config/samples.tsv", "ambient": {"mode": mode}})
        assert ("ambient" in planned(tmp_path)) is (mode == "correct")
        shown = snakemake(tmp_path, "--dry-run", "--printshellcmds").stdout
        features = set(
            re.findall(r"expression\.py --folder \S+/a (--features ambient correct)?", shown)
        )
        assert features == {"--features ambient correct" if mode == "correct" else ""}


def test_mistakes_are_told_before_any_job_and_without_a_traceback(tmp_path: Path) -> None:
    rows = [
        {"sample": "a", "path": "demo:a"},
        {"sample": "a", "path": "gone.h5"},
        {"sample": '"><img src=x onerror=alert(1)>', "path": "demo:b"},
    ]
    write_inputs(tmp_path, rows, {"samples": "config/samples.tsv", "n_clusters": 0, "sed": 1})
    done = snakemake(tmp_path)
    assert done.returncode == 1
    for part in (
        "config key n_clusters is 0",
        "config: unknown key 'sed'; did you mean 'seed'?",
        "config/samples.tsv, line 3: path gone.h5 does not exist",
        "config/samples.tsv, line 3: sample 'a' is already defined in line 2",
        "config/samples.tsv, line 4: sample is '\"><img src=x onerror=alert(1)>'; it must be",
    ):
        assert part in done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("outdir", "folder"),
    [("./results/", "results"), ("a//b", "a/b"), ("../x", "../x"), ("a/../b", "a/../b")],
)
def test_any_output_folder_can_be_planned(tmp_path: Path, outdir: str, folder: str) -> None:
    write_inputs(tmp_path, GOOD, {"samples": "config/samples.tsv", "outdir": outdir})
    done = snakemake(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stdout
    assert f" {folder}/samples/a/stages/counts.h5ad" in done.stdout


@pytest.mark.parametrize("outdir", [".", "-x", "config/samples.tsv"])
def test_an_output_folder_that_cannot_be_is_one_sentence(tmp_path: Path, outdir: str) -> None:
    write_inputs(tmp_path, GOOD, {"samples": "config/samples.tsv", "outdir": outdir})
    done = snakemake(tmp_path, "--dry-run")
    assert done.returncode == 1
    assert "config key outdir" in done.stdout
    assert "Traceback" not in done.stdout


def test_odd_paths_reach_the_programs_as_one_word(tmp_path: Path) -> None:
    clone, project = tmp_path / "my clone", tmp_path / "project"
    clone.symlink_to(ROOT)
    write_inputs(project, GOOD, {"samples": "-my samples.tsv"})
    (project / "config/samples.tsv").rename(project / "-my samples.tsv")
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "--snakefile", clone / "Snakefile"),
            *("--directory", project, "--dry-run", "--printshellcmds", "--cores", "1"),
        ],
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    shown = done.stdout + done.stderr
    assert "python '../my clone/scripts/ingest.py' --folder" in shown
    assert "'../my clone/scripts/cohort.py' --results results --samples='-my samples.tsv'" in shown


def test_a_workflow_can_import_this_one(tmp_path: Path) -> None:
    write_inputs(tmp_path, GOOD)
    (tmp_path / "Snakefile").write_text(
        'configfile: "config/config.yaml"\n'
        "module clustering:\n"
        f"    snakefile: {str(ROOT / 'Snakefile')!r}\n"
        "    config: config\n"
        "use rule * from clustering as clustering_*\n"
        "rule everything:\n"
        "    input: rules.clustering_all.input\n"
        "    default_target: True\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--dry-run"],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "clustering_train" in done.stdout + done.stderr


def test_lint_finds_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "snakemake", "--lint"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_the_conda_environment_holds_the_locked_versions() -> None:
    import yaml

    lock = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lock if line and not line.startswith("#")]
    environment = yaml.safe_load((ROOT / "envs" / "environment.yaml").read_text())
    assert environment["dependencies"][-1]["pip"] == pins
    assert all("==" in pin and "+" not in pin for pin in pins)


def test_joint_training_depends_on_the_number_of_clusters(tmp_path: Path) -> None:
    import json

    joint = {**QUICK, "model": {**QUICK["model"], "cluster_steps": 5}}
    for config, expected in ((QUICK, False), (joint, True)):
        write_inputs(tmp_path, GOOD, config)
        shown = snakemake(tmp_path, "--dry-run", "--printshellcmds", "--until", "train").stdout
        texts = re.findall(
            r"printf '%s' '(\{.*?\})' > results/samples/a/stages/settings/train", shown
        )
        assert ("n_clusters" in json.loads(texts[0])) == expected
