"""Figures for pages: names, inks, escaping, and colours that everybody can tell apart."""

from itertools import combinations
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from skimage.color import deltaE_ciede2000, rgb2lab

from scsiameseclu.palette import CATEGORIES, colour
from scsiameseclu.report.svg import ACCENT, INK, INKS, draw

# Machado, Oliveira and Fernandes 2009, severity 1.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
}


def paint(figure: Figure) -> None:
    axes = figure.add_subplot()
    axes.scatter([1, 2], [1, 2], rasterized=True)
    axes.plot([1, 2], [2, 1], color=ACCENT)
    axes.set_title("<script>alert(1)</script> & $x_1$", color=INK)


def test_figures_are_reproducible_and_well_formed() -> None:
    svg = draw("one", 'says "so" & <more>', (3, 2), paint)
    assert svg == draw("one", 'says "so" & <more>', (3, 2), paint)
    root = ElementTree.fromstring(svg)
    assert root.attrib["aria-label"] == 'says "so" & <more>'
    assert "<script>alert(1)</script> & $x_1$" in list(root.itertext())
    assert "<script>" not in svg


def test_figures_share_no_identifier() -> None:
    ids = [
        {node.get("id") for node in ElementTree.fromstring(draw(name, "x", (3, 2), paint)).iter()}
        for name in ("one", "two")
    ]
    assert ids[0] & ids[1] == {None}


def test_inks_follow_the_page() -> None:
    svg = draw("one", "x", (3, 2), paint)
    assert "var(--accent)" in svg
    assert not any(placeholder in svg for placeholder in INKS)


@pytest.mark.parametrize("vision", VISION)
def test_the_first_colours_differ_for_everybody(vision: str) -> None:
    rgb = np.array([to_rgb(name) for name in CATEGORIES[:10]])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(linear @ np.transpose(VISION[vision]), 0, 1)
    back = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    lab = rgb2lab(back[None])[0]
    assert min(deltaE_ciede2000(a, b) for a, b in combinations(lab, 2)) > 8


def test_colours_begin_again() -> None:
    assert len(set(CATEGORIES)) == 24
    assert colour(24) == colour(0)
