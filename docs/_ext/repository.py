"""Pages that live elsewhere in the repository, and links that work in both places.

A line ``<!-- include ../PATH -->`` of a page is replaced by that file. Links to a file that is a
page of the site become links within the site; links to other files of the repository become plain
names, since the site does not contain them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r"^<!-- include (\S+) -->$", re.MULTILINE)
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)#\s]+)(#[^)\s]*)?\)")
PAGES = {
    "config/README.md": "docs/reference/configuration.md",
    "results/README.md": "docs/reference/outputs.md",
    "containers/README.md": "docs/howto/containers.md",
    "CONTRIBUTING.md": "docs/contributing.md",
    "CHANGELOG.md": "docs/changelog.md",
}
"""Files that are a page of the site."""


def _site_link(match: re.Match[str], source: Path, page: Path) -> str:
    text, target, anchor = match[1], match[2], match[3] or ""
    if re.match(r"[a-z]+:", target):
        return match[0]
    path = Path(os.path.normpath(source.parent / target))
    relative = path.relative_to(ROOT).as_posix()
    path = ROOT / PAGES.get(relative, relative)
    if (ROOT / "docs") in path.parents:
        return f"[{text}]({os.path.relpath(path, page.parent)}{anchor})"
    return f"`{relative}`" if "`" in text or text == target else f"{text} (`{relative}`)"


def insert(app: Sphinx, docname: str, content: list[str]) -> None:
    """Insert files into a page that was read, and adapt all links."""
    page = Path(app.env.doc2path(docname))

    def adapted(text: str, source: Path) -> str:
        return LINK.sub(lambda link: _site_link(link, source, page), text)

    def text_of(match: re.Match[str]) -> str:
        source = Path(os.path.normpath(page.parent / match[1]))
        app.env.note_dependency(str(source))
        return adapted(source.read_text(encoding="utf-8"), source)

    content[0] = INCLUDE.sub(text_of, adapted(content[0], page))


def setup(app: Sphinx) -> dict[str, bool]:
    # before the setting tables are marked (setting_index)
    app.connect("source-read", insert, priority=400)
    return {"parallel_read_safe": True}
