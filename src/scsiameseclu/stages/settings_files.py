"""Generate the files that document the settings: ``python -m scsiameseclu.stages.settings_files``.

``config/config.yaml``, the tables of ``config/README.md`` and the schemas in ``workflow/schemas``
are generated from the declarations of the settings. ``make settings`` writes them; ``make lint``
runs this program with ``--check``, which fails if a file differs.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from scsiameseclu.errors import UserError
from scsiameseclu.options import Rule, expected
from scsiameseclu.stages import columns, config, sheet

GENERATED = "by `make settings` from the declarations in src/scsiameseclu"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
CONFIG_HEAD = """\
# yaml-language-server: $schema=../workflow/schemas/config.schema.yaml
# Every setting of the workflow with its default; config/README.md lists the values each may take.
# Missing keys have their defaults; unknown keys are errors.
"""
BLOCK = re.compile(r"(<!-- generated ([\w.]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def main() -> None:
    """Write or check the files of the clone in the working directory."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    check = parser.parse_args().check
    try:
        outdated = update(Path(), write=not check)
    except UserError as error:
        sys.exit(f"error: {error}")
    for path in outdated:
        print(f"{path} {'differs from the settings' if check else 'written'}")
    if check and outdated:
        sys.exit("error: run `make settings`")


def update(root: Path, *, write: bool) -> list[str]:
    """The files of a clone that differ from the settings, rewritten if ``write`` is set."""
    readme = "config/README.md"
    texts = {
        "workflow/schemas/config.schema.yaml": schema_text(config.SCHEMA, "The config"),
        "workflow/schemas/samples.schema.yaml": schema_text(sheet.SCHEMA, "A row of the sheet"),
        "config/config.yaml": config_text(),
        readme: readme_text((root / readme).read_text(encoding="utf-8")),
    }
    outdated = [
        name
        for name, text in texts.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]
    for name in outdated if write else ():
        (root / name).write_text(texts[name], encoding="utf-8")
    return outdated


def schema_text(schema: Rule, what: str) -> str:
    """Format a JSON Schema as YAML."""
    head = f"# {what} as a JSON Schema, for editors. Written {GENERATED}.\n"
    body = yaml.dump(
        {"$schema": DIALECT, **schema},
        Dumper=_Plain,
        sort_keys=False,
        width=100,
        allow_unicode=True,
    )
    return head + str(body)


class _Plain(yaml.SafeDumper):
    """A YAML dumper that repeats values instead of writing anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def config_text() -> str:
    """Content of ``config/config.yaml``: all keys with default and help text."""
    parts = [CONFIG_HEAD, *_key_lines(config.SCHEMA, "")]
    for name, section in _sections():
        parts += ["", f"{name}: # {section['description'].rstrip('.')}"]
        parts += _key_lines(section, "  ")
    return "\n".join(parts) + "\n"


def _key_lines(schema: Rule, indent: str) -> list[str]:
    return [
        f"{indent}{name}: {_scalar(rule['default'])} # {rule['description']}"
        for name, rule in schema["properties"].items()
        if rule.get("type") != "object"
    ]


def _sections() -> Iterator[tuple[str, Rule]]:
    for name, rule in config.SCHEMA["properties"].items():
        if rule.get("type") == "object":
            yield name, rule


def _scalar(value: Any) -> str:
    """Format a value as YAML."""
    return str(yaml.safe_dump(value, default_flow_style=True)).removesuffix("\n...\n").strip()


def readme_text(readme: str) -> str:
    """Replace the tables in ``config/README.md``, and keep the text between them.

    Raises
    ------
    UserError
        The README lacks the block of a table, or has an unknown one.
    """
    tables = {
        "samples.tsv": _table(("column", "values", "meaning"), _column_rows()),
        "config.yaml": _table(("key", "default", "values", "meaning"), _key_rows(config.SCHEMA)),
    }
    for name, section in _sections():
        heading = f"### `{name}`: {section['description'].rstrip('.')}\n\n"
        rows = _key_rows(section)
        tables[name] = heading + _table(("key", "default", "values", "meaning"), rows)
    blocks = [match[2] for match in BLOCK.finditer(readme)]
    if sorted(blocks) != sorted(tables):
        raise UserError(
            "config/README.md must hold one block <!-- generated NAME --> ... <!-- end --> for "
            f"each of {', '.join(tables)}; it has {', '.join(blocks) or 'none'}"
        )
    return BLOCK.sub(lambda match: f"{match[1]}{tables[match[2]]}{match[3]}", readme)


def _column_rows() -> Iterator[tuple[str, ...]]:
    for name, rule in sheet.SCHEMA["properties"].items():
        yield f"`{name}`", _values(rule), rule["description"]
    yield "`meta_*`", "text", columns.FREE["description"]


def _key_rows(schema: Rule) -> Iterator[tuple[str, ...]]:
    for name, rule in schema["properties"].items():
        if rule.get("type") == "object":
            yield f"`{name}`", "", "section", rule["description"].rstrip(".")
        else:
            yield f"`{name}`", f"`{_scalar(rule['default'])}`", _values(rule), rule["description"]


def _values(rule: Rule) -> str:
    return expected(rule).removeprefix("one of ").removeprefix("of the form ")


def _table(names: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "".join(f"| {' | '.join(_escaped(cell) for cell in line)} |\n" for line in lines)


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    main()
