"""What a release says of itself is the same everywhere."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))


def test_citation_has_version_and_licence_of_the_project() -> None:
    assert CITATION["version"] == PROJECT["version"]
    assert CITATION["license"] == PROJECT["license"]
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("BSD 3-Clause License")


def test_changelog_has_a_section_for_the_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    released = re.findall(r"^## \[(\d[^]]*)\] - (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    assert released[0][0] == PROJECT["version"]
    dates = [date for _, date in released]
    assert dates == sorted(dates, reverse=True)


def test_the_module_how_to_names_the_tag_of_the_version() -> None:
    text = (ROOT / "docs" / "howto" / "module.md").read_text(encoding="utf-8")
    assert re.findall(r'tag="(.*?)"', text) == [f"v{PROJECT['version']}"]


def test_hooks_have_the_versions_of_the_lock() -> None:
    lock = dict(
        line.split("==")
        for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
        if "==" in line
    )
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]
    revisions = {hook["id"]: repo["rev"].lstrip("v") for repo in hooks for hook in repo["hooks"]}
    assert revisions["ruff-check"] == revisions["ruff-format"] == lock["ruff"]
    assert revisions["snakefmt"] == lock["snakefmt"]
