"""The workflow as a part of another: from a folder, and from a repository by `github(...)`."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from patience import PATIENCE_S
from runs import GOOD, QUICK, ROOT, environment, planned, write_inputs

OUTER = """
configfile: "config/outer.yaml"


module scsiameseclu:
    snakefile:
        {snakefile}
    config:
        config["clusters"]


use rule * from scsiameseclu as ssc_*


rule all:
    default_target: True
    input:
        rules.ssc_all.input,
        "cells/a.txt",


rule lines:
    input:
        rules.ssc_cohort.output.tables,
    output:
        "cells/{{sample}}.txt",
    wildcard_constraints:
        sample="[a-z]+",
    shell:
        "cat {{input}} | wc -l > {{output}}"
"""


def outer(directory: Path, snakefile: str, config: dict[str, Any] = QUICK) -> Path:
    """Write a workflow that takes ours as a module."""
    path = directory / "Snakefile"
    path.write_text(OUTER.format(snakefile=snakefile))
    (directory / "config").mkdir(exist_ok=True)
    (directory / "config" / "outer.yaml").write_text(yaml.safe_dump({"clusters": config}))
    return path


def run(directory: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Snakemake as the outer workflow's user calls it."""
    return subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", "2", *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        env=environment() | variables,
        timeout=PATIENCE_S,
    )


@pytest.fixture
def repository(tmp_path: Path) -> tuple[dict[str, str], str]:
    """A repository of the clone as it is now, which git takes for one on GitHub; and its commit."""
    bare = tmp_path / "hosted.git"
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org"]
    subprocess.run([*git, "clone", "--quiet", "--bare", str(ROOT), str(bare)], check=True)
    work = {"GIT_DIR": str(bare), "GIT_WORK_TREE": str(ROOT)}
    index = {"GIT_INDEX_FILE": str(tmp_path / "index")}
    variables = os.environ | work | index
    for words in (["add", "--all"], ["commit", "--quiet", "--allow-empty", "-m", "now"]):
        subprocess.run([*git, *words], check=True, cwd=ROOT, env=variables)
    commit = subprocess.check_output([*git, "rev-parse", "HEAD"], env=variables, text=True).strip()
    hosted = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{bare}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://github.com/some/scsiameseclu",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    return hosted, commit


@pytest.mark.slow
def test_module_from_a_repository(tmp_path: Path, repository: tuple[dict[str, str], str]) -> None:
    """Programs and package are those of the commit, and a job finds them."""
    hosted, commit = repository
    directory = tmp_path / "study"
    write_inputs(directory, GOOD, QUICK)
    file = f'github("some/scsiameseclu", path="workflow/Snakefile", commit="{commit}")'
    outer(directory, file)
    done = run(directory, "results/samples/a/stages/size.json", **hosted)
    assert done.returncode == 0, done.stderr
    assert (directory / "results/samples/a/stages/counts.h5ad").stat().st_size
    assert [path.name for path in (directory / ".snakemake/scsiameseclu").iterdir()] == [commit]


def test_catalogue_finds_the_workflow(tmp_path: Path) -> None:
    """The catalogue asks for workflow/Snakefile, config/README.md and a file of its own."""
    usage = yaml.safe_load((ROOT / ".snakemake-workflow-catalog.yml").read_text())["usage"]
    assert usage["software-stack-deployment"]["report"] is True
    assert (ROOT / "config" / "README.md").is_file()
    write_inputs(tmp_path, GOOD, QUICK)
    own = planned(tmp_path)
    other = planned(tmp_path, "--snakefile", str(ROOT / "workflow" / "Snakefile"))
    assert own.pop("all") == other.pop("everything") == set()
    assert own == other
    assert own["train"] == {"a", "b"}
