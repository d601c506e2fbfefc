"""``rooms``: the modules of the package with the first line of their docstrings, by folder."""

from __future__ import annotations

import ast
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGE = Path(__file__).resolve().parents[2] / "src" / "scsiameseclu"


def summary(path: Path) -> str:
    """First line of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.strip().partition("\n\n")[0].replace("\n", " ")


class Rooms(SphinxDirective):
    """A definition list of modules below each of the named folders."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        names = [name.strip() for name in self.content if name.strip()]
        text = []
        for name in names:
            folder = PACKAGE / name
            files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
            self.env.note_dependency(str(folder))
            for path in files:
                self.env.note_dependency(str(path))
                if path.name != "__init__.py":
                    text.append(f"| `{path.relative_to(PACKAGE)}` | {summary(path)} |")
        table = ["| file | contents |", "|---|---|", *text]
        return self.parse_text_to_nodes("\n".join(table))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("rooms", Rooms)
    return {"parallel_read_safe": True}
