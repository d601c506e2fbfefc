"""Settings as objects: an anchor, an entry in the index and in the search for each of them.

On the page of the configuration every table whose first column is ``key`` or ``column`` becomes a
``setting-table`` of its section. ``setting-index`` lists all settings in alphabetical order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PAGE = "reference/configuration"
HEADING = re.compile(r"^#+ (?:`(\w+)`|.*)")
HEADER = re.compile(r"^\| (key|column) \|")


def mark(app: Sphinx, docname: str, content: list[str]) -> None:
    """Wrap the tables of settings in directives that name their section."""
    if docname == PAGE:
        content[0] = "\n".join(_marked(content[0].splitlines()))


def _marked(lines: list[str]) -> Iterator[str]:
    section, inside = "", False
    for line in lines:
        if heading := HEADING.match(line):
            section = heading[1] or ("samples.tsv" if "samples.tsv" in line else "")
        if HEADER.match(line) and not inside:
            inside = True
            yield f"```{{setting-table}} {section}"
        elif inside and not line.startswith("|"):
            inside = False
            yield "```"
        yield line
    if inside:
        yield "```"


def settings_of(env: object) -> dict[str, tuple[str, dict[str, str]]]:
    """Full name -> (anchor, text of each column); kept in Sphinx's environment."""
    if not hasattr(env, "scsiameseclu_settings"):
        env.scsiameseclu_settings = {}  # type: ignore[attr-defined]
    return env.scsiameseclu_settings  # type: ignore[attr-defined,no-any-return]


class SettingTable(SphinxDirective):
    """A table whose rows are settings of one section."""

    optional_arguments = 1
    has_content = True

    def run(self) -> list[nodes.Node]:
        section = self.arguments[0] if self.arguments else ""
        found = self.parse_content_to_nodes()
        for table in (table for node in found for table in node.findall(nodes.table)):
            titles, *rows = table.findall(nodes.row)
            columns = [cell.astext() for cell in titles]
            for row in rows:
                self._note(row, section, dict(zip(columns, row, strict=True)))
        return found

    def _note(self, row: nodes.row, section: str, cells: dict[str, nodes.Node]) -> None:
        key = row[0]
        name = f"{section}.{key.astext()}" if section else key.astext()
        if section == "samples.tsv":
            name = f"samples.tsv: {key.astext()}"
        anchor = "setting-" + re.sub(r"[^a-z0-9_]+", "-", name.lower())
        target = nodes.target("", "", ids=[anchor])
        index = addnodes.index(entries=[("single", f"{name} (setting)", anchor, "", None)])
        permalink = nodes.reference(
            "", "¶", refid=anchor, classes=["headerlink"], reftitle="Link to this setting"
        )
        settings_of(self.env)[name] = (anchor, {k: cell.astext() for k, cell in cells.items()})
        paragraph = next(key.findall(nodes.paragraph), key)
        paragraph.insert(0, index)
        paragraph.insert(1, target)
        paragraph += permalink
        self.env.get_domain("std").note_object("setting", name, anchor, location=row)


class IndexPlace(nodes.General, nodes.Element):
    """Where the alphabetical table goes once all pages are read."""


class SettingIndex(SphinxDirective):
    """The alphabetical table of all settings."""

    def run(self) -> list[nodes.Node]:
        return [IndexPlace()]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the table in its place."""
    for place in list(doctree.findall(IndexPlace)):
        rows = []
        for name, (anchor, cells) in sorted(
            settings_of(app.env).items(), key=lambda item: item[0].rpartition(".")[2].lower()
        ):
            uri = app.builder.get_relative_uri(docname, PAGE) + f"#{anchor}"
            link = nodes.reference("", "", nodes.literal(text=name), refuri=uri, internal=True)
            default = cells.get("default", "")
            rows.append(
                [
                    link,
                    nodes.literal(text=default) if default else nodes.Text(""),
                    nodes.Text(cells.get("values", "")),
                    nodes.Text(cells["meaning"]),
                ]
            )
        place.replace_self(_table(["setting", "default", "values", "meaning"], rows))


def _table(titles: list[str], rows: list[list[nodes.Node]]) -> nodes.table:
    def line(cells: list[nodes.Node]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", "", cell)) for cell in cells))

    group = nodes.tgroup("", cols=len(titles))
    group += [nodes.colspec(colwidth=1) for _ in titles]
    group += nodes.thead("", line([nodes.Text(title) for title in titles]))
    group += nodes.tbody("", *(line(row) for row in rows))
    return nodes.table("", group, classes=["filterable"])


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_object_type("setting", "setting", objname="setting")
    app.add_node(IndexPlace)
    app.add_directive("setting-table", SettingTable)
    app.add_directive("setting-index", SettingIndex)
    app.connect("source-read", mark, priority=500)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": False}
