"""Where Slurm puts jobs: what the config names, on the rule that is meant, and nothing else."""

import re
from pathlib import Path

import pytest
import yaml
from runs import GOOD, ROOT, snakemake, write_inputs
from slurm_resources import image, placement, show_gpu_to_container
from snakemake.exceptions import WorkflowError

from scsiameseclu.store.manifest import COHORT, FEATURES, planned

NOWHERE = {"partition": None, "account": None, "gpu_partition": None, "gpu_request": "gres"}


@pytest.mark.parametrize(
    ("given", "gpu", "resources"),
    [
        ({}, False, {}),
        ({}, True, {}),
        ({"partition": "p", "account": "a"}, True, {"slurm_partition": "p", "slurm_account": "a"}),
        ({"partition": "p", "gpu_partition": "g"}, False, {"slurm_partition": "p"}),
        ({"gpu_partition": "g"}, True, {"slurm_partition": "g", "gres": "gpu:1"}),
        (
            {"gpu_partition": "g", "gpu_request": "gpu"},
            True,
            {"slurm_partition": "g", "gpu": 1},
        ),
    ],
)
def test_resources(given: dict[str, str], gpu: bool, resources: dict[str, object]) -> None:
    assert placement(NOWHERE | given, gpu) == resources


def test_the_driver_comes_only_to_jobs_with_a_gpu() -> None:
    bare: dict[str, str] = {}
    show_gpu_to_container(bare)
    assert bare == {}
    with_gpu = {"SLURM_JOB_GPUS": "1", "APPTAINER_NV": "0"}
    show_gpu_to_container(with_gpu)
    assert with_gpu["SINGULARITY_NV"] == "1"
    assert with_gpu["APPTAINER_NV"] == "0"  # what the user says stays


def test_only_training_asks_for_a_gpu(tmp_path: Path) -> None:
    slurm = {"partition": "cpu", "account": "lab", "gpu_partition": "gpu"}
    write_inputs(tmp_path, GOOD, {"samples": "config/samples.tsv", "slurm": slurm})
    done = snakemake(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stdout
    places: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=\[)", done.stdout):
        rule = re.search(r"^(?:local)?rule (\w+):$", block, re.MULTILINE)
        found = re.search(r"slurm_partition=(\w+), slurm_account=lab(, gres=gpu:1)?", block)
        if rule and rule[1] != "all":
            assert found, block
            places.setdefault(found[1] + (found[2] or ""), set()).add(rule[1])
    assert places.pop("gpu, gres=gpu:1") == {"train", "joint_train"}
    assert len(places.pop("cpu")) == 27
    assert not places


def test_images_are_sought_in_the_clone_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clone").mkdir()
    (tmp_path / "clone" / "one.sif").touch()
    (tmp_path / "two.sif").touch()
    monkeypatch.chdir(tmp_path)
    assert image("one.sif", tmp_path / "clone") == str(tmp_path / "clone" / "one.sif")
    assert image("two.sif", tmp_path / "clone") == "two.sif"
    for given in (None, "docker://site/image:1", "none.sif"):
        assert image(given, tmp_path / "clone") == given


def test_an_image_with_blanks_in_its_path_matters_only_if_it_is_used(tmp_path: Path) -> None:
    clone = tmp_path / "my clone"
    clone.mkdir()
    (clone / "one.sif").touch()
    assert image("one.sif", clone, is_used=False) is None
    with pytest.raises(WorkflowError, match=r"my clone/one\.sif': Snakemake accepts no blanks"):
        image("one.sif", clone)


@pytest.mark.parametrize("prefix", ["", "joint_"])
def test_all_stages_between_training_and_report_share_a_job(prefix: str) -> None:
    """A stage outside of the group, between two in it, would be a cycle of jobs."""
    groups = yaml.safe_load((ROOT / "slurm" / "config.yaml").read_text())["groups"]
    features = [name for name in FEATURES if bool(prefix) or name != COHORT]
    stages = planned(features)
    after = stages[stages.index("train") + 1 :]
    apart = {"map", "pages"}  # begin and end chains of their own
    expected = {f"{prefix}{stage}" for stage in after if stage not in apart}
    if not prefix:
        expected -= {"conditions"}
    assert expected <= {name for name, group in groups.items() if group == f"{prefix}finish"}
