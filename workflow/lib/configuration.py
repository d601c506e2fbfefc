"""Config and sample sheet, checked together before any job is made."""

from pathlib import Path
from typing import Any

from samplesheet import DEMO, Row, read_sheet
from sentences import Schema, load_schema, problems_with

FILES = (
    ("annotation", "marker_table"),
    ("annotation", "celltypist_model"),
    ("reference", "path"),
)
"""Keys that name a file, where they are given."""


def checked(
    config: dict[str, Any], schemas: Path
) -> tuple[dict[str, Any], dict[str, Row], list[str]]:
    """The config with its defaults, the samples of its sheet by name, and all problems of both.

    Parameters
    ----------
    config
        As Snakemake read it.
    schemas
        The folder of the two schemas.
    """
    schema = load_schema(schemas / "config.schema.yaml")
    complete = with_defaults(config, schema)
    problems = config_problems(complete, schema)
    rows: list[Row] = []
    if isinstance(complete["samples"], str):
        rows, more = read_sheet(complete["samples"], load_schema(schemas / "samples.schema.yaml"))
        problems += more
    return complete, {row.get("sample", ""): row for row in rows}, problems


def with_defaults(config: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """A copy of ``config`` in which every key that is not given has its default.

    A section that is there but empty (YAML reads it as null) counts as not given. What YAML 1.1
    reads otherwise than it was meant is put right: ``off`` (false) and ``1e-3`` (text).
    """
    complete = dict(config)
    for key, rule in schema["properties"].items():
        if rule.get("type") == "object":
            section = complete.get(key)
            if section is None or isinstance(section, dict):
                complete[key] = with_defaults(section or {}, rule)
        elif key in complete:
            complete[key] = _as_meant(complete[key], rule)
        else:
            complete[key] = rule["default"]
    return complete


def config_problems(config: dict[str, Any], schema: Schema) -> list[str]:
    """What is wrong with a config that has its defaults, one sentence a problem."""
    problems = problems_with(
        config,
        schema,
        place=lambda path: "config key " + ".".join(path),
        section=lambda path: "config section " + ".".join(path) if path else "config",
    )
    for section, key in FILES:
        values = config[section]
        file = values.get(key) if isinstance(values, dict) else None
        if isinstance(file, str) and file not in DEMO and not Path(file).exists():
            problems.append(f"config key {section}.{key}: the file {file} does not exist")
    return problems


def _as_meant(value: Any, rule: Schema) -> Any:
    if value is False and "off" in rule.get("enum", []):
        return "off"
    if isinstance(value, str) and "number" in rule.get("type", []):
        try:
            return float(value)
        except ValueError:
            return value
    return value
