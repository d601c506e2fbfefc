"""Render a template as a self-contained HTML page."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

TEMPLATES = files("scsiameseclu.report") / "templates"


@cache
def environment() -> Environment:
    """The template environment; it escapes all inserted text."""
    return Environment(
        loader=PackageLoader("scsiameseclu.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, *, script: str = "", **content: Any) -> str:
    """Render a page with style sheet, script and a content security policy.

    Parameters
    ----------
    template
        File name of the template.
    script
        File name of the script; the policy allows no other one, by its hash.
    content
        Variables of the template.
    """
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    code = (TEMPLATES / script).read_text(encoding="utf-8") if script else ""
    page = environment().get_template(template).render(
        style=Markup(style), script=Markup(code), policy=_policy(code), **content
    )  # fmt: skip
    return page.rstrip("\n") + "\n"


def _policy(code: str) -> str:
    """A content security policy: no requests, and no script other than ``code``."""
    digest = base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()
    scripts = f"script-src 'sha256-{digest}'; " if code else ""
    return (
        f"default-src 'none'; {scripts}img-src data:; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )
