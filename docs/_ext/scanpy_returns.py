"""Reads ``Returns`` as scanpy does: prose, then a definition list of the fields that are set."""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.ext.napoleon import NumpyDocstring


def _returns(self: NumpyDocstring, section: str) -> list[str]:
    lines = self._dedent(self._consume_to_next_section())
    return self._format_block(":returns: ", lines)


def setup(app: Sphinx) -> dict[str, bool]:
    NumpyDocstring._parse_returns_section = _returns  # type: ignore[method-assign]
    return {"parallel_read_safe": True}
