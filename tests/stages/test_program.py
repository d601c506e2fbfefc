"""What every program shares: the threads it may use, and the note of what it took."""

import json
import os
import subprocess
import sys
from pathlib import Path

from scsiameseclu.stages.program import where_it_ran

PROGRAM = """
import argparse
from scsiameseclu.stages.program import run_stage, stage_parser

def work(arguments):
    import numba, numpy, sklearn, threadpoolctl, torch
    numpy.ones((500, 500)) @ numpy.ones((500, 500))
    pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    print(*pools, numba.get_num_threads(), torch.get_num_threads())

run_stage("graph", stage_parser("a stage"), work)
"""


def run(*arguments: object) -> list[str]:
    hidden = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *map(str, arguments)],
        env={name: value for name, value in os.environ.items() if name not in hidden},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()


def test_a_stage_uses_the_threads_of_its_rule() -> None:
    assert set(run("--threads", 1)) == {"1"}


def test_a_stage_notes_what_it_took(tmp_path: Path) -> None:
    note = tmp_path / "usage" / "graph.json"
    run("--usage", note, "--asked-mb", 1200, "--asked-minutes", 20, "--threads", 2)
    taken = json.loads(note.read_text())
    assert taken["stage"] == "graph"
    assert (taken["asked_mb"], taken["asked_minutes"], taken["threads"]) == (1200, 20, 2)
    assert 100 < taken["peak_mb"] < 2000
    assert taken["cpu_seconds"] > 0
    assert 0 < taken["seconds"] < 300


def test_where_it_ran_is_known_in_slurm_and_containers_only() -> None:
    assert where_it_ran({"HOME": "/root", "SLURM_JOB_GPUS": ""}) == {}
    environment = {
        **{"SLURMD_NODENAME": "gpu1", "SLURM_JOB_PARTITION": "gpu", "SLURM_JOB_GPUS": "1"},
        **{"SINGULARITY_CONTAINER": "/a/b.sif", "APPTAINER_CONTAINER": "/a/c.sif"},
    }
    assert where_it_ran(environment) == {
        **{"node": "gpu1", "partition": "gpu", "gpus": "1", "image": "/a/c.sif"}
    }
