"""Schemas, config.yaml and the tables of its README say what the settings classes say."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from scsiameseclu.errors import UserError
from scsiameseclu.run_settings import SECTIONS, RunSettings
from scsiameseclu.stages import config, sheet
from scsiameseclu.stages.settings_files import readme_text, update

ROOT = Path(__file__).resolve().parents[2]
FILES = (
    "config/README.md",
    "config/config.yaml",
    "workflow/schemas/config.schema.yaml",
    "workflow/schemas/samples.schema.yaml",
)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The generated files, to change."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = [sys.executable, "-m", "scsiameseclu.stages.settings_files", *arguments]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True)


def test_the_committed_files_are_up_to_date() -> None:
    assert update(ROOT, write=False) == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_edited_by_hand_fails_the_check_and_is_renewed(clone: Path, name: str) -> None:
    committed = (clone / name).read_text()
    changed = committed.replace("adjusted p-value", "p-value").replace("gene names", "names")
    (clone / name).write_text(changed)
    done = run(clone, "--check")
    assert done.returncode == 1
    assert done.stdout == f"{name} differs from the settings\n"
    assert "run `make settings`" in done.stderr
    assert run(clone).returncode == 0
    assert (clone / name).read_text() == committed
    assert run(clone, "--check").returncode == 0


def test_the_config_names_every_key_with_its_default() -> None:
    written = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert written == config.with_defaults({})
    assert list(written) == list(config.SCHEMA["properties"])
    for name, section in SECTIONS.items():
        assert written[name] == section().to_dict()
    assert {key: written[key] for key in RunSettings().to_dict()} == RunSettings().to_dict()


def test_the_schemas_are_schemas_and_judge_as_the_workflow_does() -> None:
    schemas = {}
    for name in ("config", "samples"):
        schema = yaml.safe_load((ROOT / f"workflow/schemas/{name}.schema.yaml").read_text())
        Draft202012Validator.check_schema(schema)
        schemas[name] = Draft202012Validator(schema)
    written = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert schemas["config"].is_valid(written)
    for wrong in ({"sed": 1}, {"seed": -1}, {"graph": {"metric": "l1"}}, {"n_clusters": "1-2"}):
        assert not schemas["config"].is_valid(wrong)
        assert config.config_problems(config.with_defaults(wrong))
    row = {"sample": "a", "path": "demo:a"}
    assert schemas["samples"].is_valid(row)
    for change in ({"sample": "a b"}, {"format": "zarr"}, {"labl": "x"}, {"max_pct_mito": 101.0}):
        assert not schemas["samples"].is_valid(row | change)


def test_the_readme_explains_every_key_and_column() -> None:
    readme = (ROOT / "config/README.md").read_text()
    names = [*sheet.SCHEMA["properties"], *config.SCHEMA["properties"]]
    names += [key for section in SECTIONS.values() for key in section().to_dict()]
    assert [name for name in names if f"\n| `{name}` |" not in readme] == []


def test_prose_between_the_tables_is_kept_and_a_lost_table_is_reported() -> None:
    readme = (ROOT / "config/README.md").read_text()
    assert readme_text(readme.replace("# Configuration", "# Changed")).startswith("# Changed")
    with pytest.raises(UserError, match=r"one block .* for each of samples.tsv, config.yaml"):
        readme_text(readme.replace("<!-- generated graph -->", ""))
