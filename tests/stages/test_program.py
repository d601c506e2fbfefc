"""What every program shares: options, the settings file, threads, notes and failures."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.run_settings import LimitSettings
from scsiameseclu.settings import DropletSettings, GraphSettings, ModelSettings
from scsiameseclu.stages import ingest, quality, train
from scsiameseclu.stages.notes import where_it_ran
from scsiameseclu.stages.program import arguments_of, main
from scsiameseclu.stages.stage_parser import STAGES, stage_parser

THREADS = """
import sys
from scsiameseclu.settings import DropletSettings
from scsiameseclu.stages import graph, program

def run(folder, *, settings: graph.GraphSettings, seed: int = 0) -> None:
    import numba, numpy, sklearn, threadpoolctl, torch
    numpy.ones((500, 500)) @ numpy.ones((500, 500))
    pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    print(*pools, numba.get_num_threads(), torch.get_num_threads())

graph.run = run
program.main("graph", sys.argv[1:])
"""


def graph(folder: Path, *arguments: object) -> list[str]:
    hidden = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return subprocess.run(
        [sys.executable, "-c", THREADS, "--folder", folder, *map(str, arguments)],
        env={name: value for name, value in os.environ.items() if name not in hidden},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


def test_a_stage_uses_the_threads_of_its_rule(tmp_path: Path) -> None:
    assert set(graph(tmp_path, "--threads", 1)) == {"1"}


def test_a_stage_notes_what_it_took(tmp_path: Path) -> None:
    graph(tmp_path, "--asked-mb", 1200, "--asked-minutes", 20, "--threads", 2)
    note = json.loads((tmp_path / "stages" / "usage" / "graph.json").read_text())
    assert note["stage"] == "graph"
    assert (note["asked_mb"], note["asked_minutes"], note["threads"]) == (1200, 20, 2)
    assert 100 < note["peak_mb"] < 4000  # the CUDA build of torch maps large libraries
    assert note["cpu_seconds"] > 0
    assert 0 < note["seconds"] < 300


def test_a_success_takes_away_the_stages_own_failure_only(tmp_path: Path) -> None:
    note = tmp_path / "stages" / "failure.json"
    note.parent.mkdir()
    for stage, left in (("train", True), ("graph", False)):
        note.write_text(json.dumps({"sample": "s", "stage": stage, "reason": "killed"}))
        graph(tmp_path)
        assert note.is_file() == left


def test_where_it_ran_is_known_in_slurm_and_containers_only() -> None:
    assert where_it_ran({"HOME": "/root", "SLURM_JOB_GPUS": ""}) == {}
    environment = {
        **{"SLURMD_NODENAME": "gpu1", "SLURM_JOB_PARTITION": "gpu", "SLURM_JOB_GPUS": "1"},
        **{"SINGULARITY_CONTAINER": "/a/b.sif", "APPTAINER_CONTAINER": "/a/c.sif"},
    }
    assert where_it_ran(environment) == {
        **{"node": "gpu1", "partition": "gpu", "gpus": "1", "image": "/a/c.sif"}
    }


def test_a_file_gives_all_settings_and_options_win(tmp_path: Path) -> None:
    model = ModelSettings(diffusion=False, learning_rate=1e-5, networks=2)
    path = tmp_path / "train.json"
    path.write_text(json.dumps({"settings": model.to_dict(), "n_clusters": "8-15", "seed": 3}))
    words = ["--folder", "x", "--settings", str(path), "--networks", "5", "--diffusion", "true"]
    arguments = arguments_of(train.run, vars(stage_parser("train").parse_args(words)))
    assert arguments["settings"] == ModelSettings(diffusion=True, learning_rate=1e-5, networks=5)
    assert (arguments["n_clusters"], arguments["seed"]) == ("8-15", 3)


def test_without_a_file_a_program_has_the_defaults() -> None:
    parsed = vars(stage_parser("graph").parse_args(["--folder", "x", "--n-neighbors", "9"]))
    from scsiameseclu.stages.graph import run

    assert arguments_of(run, parsed) == {"settings": GraphSettings(n_neighbors=9)}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"settings": {"mad_cuonts": 3}}, "unknown setting mad_cuonts in section settings"),
        ({"sede": 1}, "unknown settings: sede"),
        ({"settings": {"mad_counts": -1}}, "mad_counts is -1; it must be a number of 0 or more"),
        (
            {"settings": {"min_counts": 500, "max_counts": 300}},
            r"min_counts is 500\.0 and max_counts is 300\.0; the minimum must not exceed",
        ),
        ({"seed": "abc"}, "seed is 'abc'; it must be an integer from 0"),
        ({"settings": [1]}, "section settings of the settings file is not an object"),
        ([], "is not a JSON object"),
    ],
)
def test_a_wrong_settings_file_is_one_sentence(
    tmp_path: Path, content: object, sentence: str
) -> None:
    path = tmp_path / "quality.json"
    path.write_text(json.dumps(content))
    with pytest.raises(UserError, match=sentence):
        arguments_of(quality.run, {"settings": path})


def test_what_a_stage_must_be_told_is_asked_for() -> None:
    with pytest.raises(UserError, match="--source is missing"):
        arguments_of(ingest.run, {})
    assert arguments_of(ingest.run, {"source": "x", "layer": "raw"}) == {
        "source": "x",
        "request": ReadRequest(layer="raw"),
        "droplets": DropletSettings(),
        "limits": LimitSettings(),
    }
    given = arguments_of(ingest.run, {"source": "x", "max_cells": 10})
    assert given["limits"] == LimitSettings(max_cells=10)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--threads", "0"),
        ("--threads", "-2"),
        ("--asked-mb", "0"),
        ("--sample", "x/../y"),
        ("--sample", ""),
    ],
)
def test_values_of_every_programs_options_are_checked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    folder = tmp_path / "s"
    with pytest.raises(SystemExit) as caught:
        main("ingest", ["--folder", str(folder), "--source", "demo:a", f"{option}={value}"])
    assert caught.value.code == 2
    assert f"argument {option}: {value}" in capsys.readouterr().err.replace("'", "")
    assert not folder.exists()


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_a_program_and_part_of_the_package(stage: str) -> None:
    options = stage_parser(stage).format_help()
    assert f"{stage}.py" in options


def test_an_empty_path_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for given in (["--folder", ""], ["--folder", "a", "--settings", " "]):
        with pytest.raises(SystemExit, match="2"):
            main("graph", given)
        assert "the path is empty" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_package_lists_and_runs_the_stages(tmp_path: Path) -> None:
    def run(*words: object) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "scsiameseclu", *map(str, words)]
        return subprocess.run(command, capture_output=True, text=True)

    listed = run("--help")
    assert listed.returncode == 0
    assert all(f"  {stage} " in listed.stdout for stage in STAGES)
    assert run("no-stage").returncode == 2
    assert "usage: python -m scsiameseclu ingest [-h]" in run("ingest", "--help").stdout
    done = run("ingest", "--folder", tmp_path / "s", "--source", "demo:a")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "s" / "stages" / "counts.h5ad").is_file()
