"""A mistake in the config is one sentence that names its key; a default is the same everywhere."""

from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
import yaml
from configuration import checked, config_problems, with_defaults
from runs import ROOT
from sentences import load_schema

from scsiameseclu import settings

SCHEMAS = ROOT / "workflow/schemas"
SCHEMA = load_schema(SCHEMAS / "config.schema.yaml")
SHEET = load_schema(SCHEMAS / "samples.schema.yaml")
SECTIONS = {
    "quality": settings.QualitySettings,
    "expression": settings.ExpressionSettings,
    "graph": settings.GraphSettings,
    "model": settings.ModelSettings,
    "markers": settings.MarkerSettings,
    "annotation": settings.AnnotationSettings,
}
TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


def problems(config: dict[str, Any]) -> list[str]:
    return config_problems(with_defaults(config, SCHEMA), SCHEMA)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"qualty": {}}, "config: unknown key 'qualty'; did you mean 'quality'?"),
        (
            {"quality": {"mad_count": 3}},
            "config section quality: unknown key 'mad_count'; did you mean 'mad_counts'?",
        ),
        (
            {"graph": {"zzz": 1}},
            "config section graph: unknown key 'zzz'; the known ones are n_neighbors, metric",
        ),
        (
            {"n_clusters": 0},
            "config key n_clusters is 0; it must be a number of 2 or more, a range such as 8-15,",
        ),
        (
            {"quality": {"min_counts": "lots"}},
            "config key quality.min_counts is 'lots'; it must be a number of 0 or more, or null",
        ),
        ({"seed": True}, "config key seed is true; it must be an integer from 0 to 4294967295"),
        ({"seed": None}, "config key seed is empty; it must be an integer from 0 to 4294967295"),
        ({"device": "gpu"}, "config key device is 'gpu'; it must be one of auto, cpu, cuda"),
        ({"outdir": "my results"}, "config key outdir is 'my results'; it must be a path of"),
        ({"graph": 5}, "config key graph is 5; it must be a section with keys of its own"),
        ({"samples": ["a"]}, "config key samples is a list; it must be the path of a file"),
        (
            {"model": {"pretrain_steps": -5}},
            "config key model.pretrain_steps is -5; it must be an integer of 1 or more",
        ),
        (
            {"annotation": {"marker_table": "none.tsv"}},
            "config key annotation.marker_table: the file none.tsv does not exist",
        ),
    ],
)
def test_a_mistake_is_one_sentence_that_names_the_key(
    config: dict[str, Any], sentence: str
) -> None:
    (found,) = problems(config)
    assert sentence in found


def test_config_and_sheet_are_checked_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("s.tsv").write_text("sample\tpath\nx\tgone.h5\n")
    _, _, found = checked({"samples": "s.tsv", "sed": 1}, SCHEMAS)
    assert len(found) == 2
    assert "unknown key 'sed'; did you mean 'seed'?" in found[0]
    assert "s.tsv, line 2: path gone.h5 does not exist" in found[1]


def test_what_yaml_reads_otherwise_than_meant_is_put_right() -> None:
    config = yaml.safe_load("quality: {doublets: off}\nmodel: {learning_rate: 1e-4}\ngraph:\n")
    complete = with_defaults(config, SCHEMA)
    assert problems(config) == []
    assert complete["quality"]["doublets"] == "off"
    assert complete["model"]["learning_rate"] == 1e-4
    assert complete["graph"] == {"n_neighbors": 15, "metric": "euclidean"}


def test_the_committed_config_names_every_key_with_its_default() -> None:
    written = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    complete = with_defaults({}, SCHEMA)
    assert with_defaults(written, SCHEMA) == complete
    assert list(written) == list(SCHEMA["properties"])
    for section in SECTIONS:
        assert list(written[section]) == list(SCHEMA["properties"][section]["properties"])


def test_the_readme_explains_every_key_and_column() -> None:
    readme = (ROOT / "config/README.md").read_text()
    keys = [*SCHEMA["properties"], *SHEET["properties"]]
    keys += [key for section in SECTIONS for key in SCHEMA["properties"][section]["properties"]]
    assert [key for key in keys if f"| `{key}` |" not in readme] == []


@pytest.mark.parametrize("section", SECTIONS)
def test_schema_and_settings_class_say_the_same(section: str) -> None:
    kind = SECTIONS[section]
    rules = SCHEMA["properties"][section]["properties"]
    hints = get_type_hints(kind)
    assert SCHEMA["properties"][section]["additionalProperties"] is False
    assert list(rules) == [item.name for item in fields(kind)]
    for item in fields(kind):
        rule, hint = rules[item.name], hints[item.name]
        assert rule["default"] == item.default, item.name
        assert type(rule["default"]) is type(item.default), item.name
        assert rule.get("minimum") == item.metadata["minimum"], item.name
        assert rule.get("maximum") == item.metadata["maximum"], item.name
        assert rule["description"] == item.metadata["help"], item.name
        if allowed := settings.choices(hint):
            assert rule["enum"] == list(allowed), item.name
        else:
            null = ["null"] if type(None) in get_args(hint) else []
            expected = [TYPES[settings.scalar_type(hint)], *null]
            assert rule["type"] in (expected, expected[0]), item.name
            assert isinstance(rule["type"], list) == bool(null), item.name


def test_every_key_and_column_has_a_description_and_the_schemas_are_closed() -> None:
    for schema in (SCHEMA, SHEET):
        assert schema["additionalProperties"] is False
        for name, rule in schema["properties"].items():
            assert rule["description"], name
            assert schema is SHEET or "default" in rule or rule["type"] == "object", name


def test_sheet_columns_that_stand_for_a_setting_have_its_range() -> None:
    for name in ("min_counts", "max_counts", "min_genes", "max_genes", "max_pct_mito", "doublets"):
        column, key = SHEET["properties"][name], SCHEMA["properties"]["quality"]["properties"][name]
        for word in ("minimum", "maximum", "enum"):
            assert column.get(word) == key.get(word), name
