"""What the map that can be explored is drawn from: positions and layers of colour, as small JSON.

Every value is a byte or two, in base64: 20,000 cells and sixty genes take about 2 MB.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib import colormaps
from matplotlib.colors import to_hex

from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.report.annotation import ABSTENTIONS
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.map_figures import Plane
from scsiameseclu.store.files import read_columns, read_parts

STEPS = 254
"""Levels of a number; 255 is a missing value."""
MOST_CATEGORIES = 250
GENES_PER_CLUSTER = 3
MOST_GENES = 60


@dataclass(frozen=True)
class Layer:
    """Something to colour cells by: its place in the menu, and what the script reads."""

    group: str
    name: str
    title: str
    content: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As the script reads it."""
        return {"group": self.group, "name": self.name, "title": self.title, **self.content}


def map_data(sample: FinishedSample, where: Plane) -> Markup:
    """Positions and all layers but the labels', as JSON to put into a page."""
    positions, shape = _positions(where.positions)
    layers = [*_of_cells(sample, where), *_of_quality(sample, where), *_of_genes(sample, where)]
    return as_json(
        {
            "n": len(where.rows),
            "positions": positions,
            "shape": shape,
            "scale": _scale(),
            "absent": ABSENT,
            "layers": [layer.to_dict() for layer in layers],
        }
    )


def as_json(content: dict[str, Any]) -> Markup:
    """JSON that cannot end the element it stands in, whatever names it holds."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def category_layer(group: str, name: str, title: str, where: Plane, values: pd.Series) -> Layer:
    """Of a categorical column of all cells; more than 250 categories are cut, missing is grey."""
    codes = values.cat.codes.to_numpy()
    names = [str(category) for category in values.cat.categories]
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.argsort(-sizes, kind="stable")[:MOST_CATEGORIES]
    place = np.full(len(names) + 1, STEPS + 1)
    place[order] = np.arange(len(order))
    shown = place[codes[where.rows]]
    told = [names[category] for category in order]
    return Layer(
        *(group, name, title),
        {
            "kind": "category",
            "names": told,
            "sizes": [int(sizes[category]) for category in order],
            "colours": [
                ABSENT if own in ABSTENTIONS else colour(position)
                for position, own in enumerate(told)
            ],
            "values": _bytes(shown.astype(np.uint8)),
        },
    )


def number_layer(group: str, name: str, title: str, values: np.ndarray, unit: str) -> Layer:
    """Of a number of the shown cells, from its 1st to its 99th percentile; missing is grey."""
    low, high = (float(bound) for bound in np.nanpercentile(values, [1, 99]))
    if high <= low:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
    share = (values - low) / ((high - low) or 1.0)
    levels = np.round(np.clip(share, 0, 1) * STEPS)
    levels[np.isnan(values)] = STEPS + 1
    return Layer(
        *(group, name, title),
        {
            "kind": "number",
            "low": low,
            "high": high,
            "unit": unit,
            "values": _bytes(levels.astype(np.uint8)),
        },
    )


def _of_cells(sample: FinishedSample, where: Plane) -> list[Layer]:
    cells = sample.cells
    confidence = cells["siamese_confidence"].to_numpy(float)[where.rows]
    found = [
        category_layer("Cells", "cluster", "Cluster", where, cells["siamese"]),
        number_layer("Cells", "confidence", "Confidence", confidence, ""),
        category_layer("Cells", "type", "Predicted type", where, cells["cell_type_predicted"]),
        category_layer("Cells", "leiden", "Leiden cluster", where, cells["leiden"]),
    ]
    types = cells["cell_type_by_cell"]
    found.insert(3, category_layer("Cells", "own type", "Type, cell by cell", where, types))
    for name in ("coarse", "fine"):
        values = cells[f"siamese_{name}"].astype("category")
        title = f"{name.capitalize()}r clusters"
        found.append(category_layer("Cells", name, title, where, values))
    if "pseudotime" in cells:
        order = cells["pseudotime"].to_numpy(float)[where.rows]
        found.append(number_layer("Cells", "pseudotime", "Pseudotime", order, ""))
    if len(cells["batch"].cat.categories) > 1:
        found.append(category_layer("Cells", "batch", "Batch", where, cells["batch"]))
    return found


def _of_quality(sample: FinishedSample, where: Plane) -> list[Layer]:
    titles = {
        "total_counts": ("Total counts", ""),
        "n_genes": ("Detected genes", ""),
        "pct_mito": ("Mitochondrial share", " %"),
        "doublet_score": ("Doublet score", ""),
    }
    found = []
    for column, (title, unit) in titles.items():
        values = sample.cells[column].to_numpy(float)[where.rows]
        if (values == values).any():
            found.append(number_layer("Quality", column, title, values, unit))
    return found


def _of_genes(sample: FinishedSample, where: Plane) -> list[Layer]:
    """The top markers of each cluster that are no ribosomal or mitochondrial genes."""
    table = sample.markers
    told = table[table["flag"] == ""].groupby("cluster", sort=False).head(GENES_PER_CLUSTER)
    wanted = list(dict.fromkeys(told.sort_values("rank", kind="stable")["gene"]))[:MOST_GENES]
    if not wanted:
        return []
    path = sample.folder.path("expression")
    names = read_parts(path, ["var"])["var"].index
    genes = sorted((gene for gene in wanted if gene in names), key=str.casefold)
    columns = names.get_indexer(genes)
    values = read_columns(path, "X", columns)[where.rows].toarray()
    unit = " (log)"
    return [
        number_layer("Marker genes", f"gene {n}", gene, np.asarray(values[:, n], dtype=float), unit)
        for n, gene in enumerate(genes)
    ]


def _positions(positions: np.ndarray) -> tuple[str, list[float]]:
    """Both coordinates as 16 bits on one scale, y downwards; width and height of the map."""
    corner = positions.min(axis=0)
    extent = np.maximum(positions.max(axis=0) - corner, 1e-9)
    scaled = (positions - corner) / extent.max() * 65535
    scaled[:, 1] = extent[1] / extent.max() * 65535 - scaled[:, 1]
    words = np.round(np.clip(scaled, 0, 65535)).astype("<u2")
    return _bytes(words), [float(side) for side in extent / extent.max()]


def _scale() -> list[str]:
    """Colours of numbers, as in the drawn maps."""
    return [to_hex(ink) for ink in colormaps["viridis"](np.linspace(0.08, 0.94, 64))]


def _bytes(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
