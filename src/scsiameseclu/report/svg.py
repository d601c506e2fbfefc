"""Style of all figures, and SVG that follows the page's light or dark colour scheme.

Figures are drawn in placeholder colours that are replaced by CSS variables in the SVG, so that the
same figure works on white, on black and in print. Layers of many points are rasterised.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import BytesIO
from xml.etree import ElementTree

import matplotlib.style
from markupsafe import Markup
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from scsiameseclu.plotting.inks import Inks

INK, FAINT, ACCENT, LOST, PAPER = "#010101", "#020202", "#030303", "#040404", "#050505"
INKS = {
    INK: "currentColor",
    FAINT: "var(--faint)",
    ACCENT: "var(--accent)",
    LOST: "var(--lost)",
    PAPER: "var(--paper)",
}
PAGE = Inks(INK, FAINT, ACCENT)
RASTER_DPI = 130
SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "scsiameseclu",
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.8,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "xtick.color": INK,
    "ytick.color": INK,
    "grid.color": FAINT,
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.4,
}


def ticks(axis: Axis, most: int, *, whole: bool = False) -> None:
    """Set at most ``most`` ticks at round numbers; with ``whole``, at integers."""
    axis.set_major_locator(MaxNLocator(most, integer=whole))


def draw(name: str, alt: str, size: tuple[float, float], paint: Callable[[Figure], None]) -> Markup:
    """Draw a figure and return it as inline SVG.

    Parameters
    ----------
    name
        Unique on the page; prefix of the identifiers inside the SVG.
    alt
        Text alternative of the figure.
    size
        Width and height in inches.
    paint
        Receives the empty figure and draws on it.
    """
    buffer = BytesIO()
    with matplotlib.style.context(["default", STYLE]), warnings.catch_warnings():
        # matplotlib only measures text; the browser has the glyphs that its font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        unstamped = {"Date": None, "Creator": None, "Format": None, "Type": None}
        figure.savefig(buffer, format="svg", dpi=RASTER_DPI, metadata=unstamped)
    return _for_page(buffer.getvalue(), name, alt)


def _for_page(svg: bytes, name: str, alt: str) -> Markup:
    """Add the text alternative, make identifiers unique and insert the page's colours."""
    root = ElementTree.fromstring(svg)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}:
                parent.remove(child)
    used = {_target(node) for node in root.iter()} - {""}
    for node in root.iter():
        _rename(node, name, used)
        if "style" in node.attrib:
            node.set("style", _inked(node.attrib["style"]))
    width = float(root.attrib.pop("width").removesuffix("pt"))
    for attribute in ("height", "version"):
        root.attrib.pop(attribute, None)
    root.attrib.update(
        {
            "role": "img",
            "aria-label": alt,
            "style": f"min-width:{width * 0.9:.0f}px;max-width:{width * 1.5:.0f}px",
        }
    )
    ElementTree.register_namespace("", SVG)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _target(node: ElementTree.Element) -> str:
    """The identifier that a node refers to, or an empty string."""
    if node.get(XLINK, "").startswith("#"):
        return node.attrib[XLINK][1:]
    match = re.fullmatch(r"url\(#(.+)\)", node.get("clip-path", ""))
    return match.group(1) if match else ""


def _rename(node: ElementTree.Element, name: str, used: set[str]) -> None:
    target = _target(node)
    if target and "clip-path" in node.attrib:
        node.set("clip-path", f"url(#{name}-{target})")
    if XLINK in node.attrib:
        link = node.attrib.pop(XLINK)
        node.set("href", f"#{name}-{target}" if target else link.replace("\n", ""))
    identifier = node.attrib.pop("id", "")
    if identifier in used:
        node.set("id", f"{name}-{identifier}")


def _inked(style: str) -> str:
    for placeholder, ink in INKS.items():
        style = style.replace(placeholder, ink)
    return re.sub(r"\s*font-family:[^;]*;?", "", style)
