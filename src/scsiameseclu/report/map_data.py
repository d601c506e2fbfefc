"""Data of the interactive map: positions and colour layers as compact JSON.

Each value takes one or two bytes, in base64: 20,000 cells and 60 genes take about 2 MB.
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

from scsiameseclu.genes.gene_classes import SPIKE_INS
from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.report.annotation import ABSTENTIONS
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.map_figures import Plane
from scsiameseclu.report.marker_figures import unflagged
from scsiameseclu.store.files import read_columns, read_parts

STEPS = 254
"""Number of levels; 255 marks a missing value."""
MAX_CATEGORIES = 250
GENES_PER_CLUSTER = 3
MAX_GENES = 60


@dataclass(frozen=True)
class Layer:
    """A variable to colour cells by: its menu entry and the data for the script."""

    group: str
    name: str
    title: str
    content: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The layer in the form that the script reads."""
        return {"group": self.group, "name": self.name, "title": self.title, **self.content}


def map_data(sample: FinishedSample, where: Plane) -> Markup:
    """Positions and all layers except that of the labels, as JSON for a page."""
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
    """JSON with ``<``, ``>``, ``&`` escaped, so that no name can close the enclosing element."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def category_layer(group: str, name: str, title: str, where: Plane, values: pd.Series) -> Layer:
    """Layer for a categorical column of all cells; the 250 largest categories, the rest grey."""
    codes = values.cat.codes.to_numpy()
    names = [str(category) for category in values.cat.categories]
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    order = np.argsort(-sizes, kind="stable")[:MAX_CATEGORIES]
    place = np.full(len(names) + 1, STEPS + 1)
    place[order] = np.arange(len(order))
    shown = place[codes[where.rows]]
    shown_names = [names[category] for category in order]
    return Layer(
        *(group, name, title),
        {
            "kind": "category",
            "names": shown_names,
            "sizes": [int(sizes[category]) for category in order],
            "colours": [
                ABSENT if category in ABSTENTIONS else colour(position)
                for position, category in enumerate(shown_names)
            ],
            "values": _bytes(shown.astype(np.uint8)),
        },
    )


def number_layer(group: str, name: str, title: str, values: np.ndarray, unit: str) -> Layer:
    """Layer for a numeric column of the drawn cells, from the 1st to the 99th percentile."""
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
    layers = [
        category_layer("Cells", "cluster", "Cluster", where, cells["siamese"]),
        number_layer("Cells", "confidence", "Confidence", confidence, ""),
        category_layer("Cells", "type", "Predicted type", where, cells["cell_type_predicted"]),
        category_layer(
            "Cells",
            "type_by_cell",
            "Predicted type, cell by cell",
            where,
            cells["cell_type_by_cell"],
        ),
        category_layer("Cells", "leiden", "Leiden cluster", where, cells["leiden"]),
    ]
    for name in ("coarse", "fine"):
        title, values = f"{name.capitalize()} clusters", cells[f"siamese_{name}"]
        layers.append(category_layer("Cells", name, title, where, values))
    if "pseudotime" in cells:
        pseudotime = cells["pseudotime"].to_numpy(float)[where.rows]
        layers.append(number_layer("Cells", "pseudotime", "Pseudotime", pseudotime, ""))
    if sample.joint is not None:
        of_cohort = sample.joint.clusters
        layers.append(category_layer("Cells", "joint", "Cohort cluster", where, of_cohort))
    for name, values in sample.groups.items():
        title = name.removeprefix("meta_").replace("_", " ").capitalize()
        layers.append(category_layer("Samples", name, title, where, values))
    if len(cells["batch"].cat.categories) > 1:
        layers.append(category_layer("Cells", "batch", "Batch", where, cells["batch"]))
    return layers


def _of_quality(sample: FinishedSample, where: Plane) -> list[Layer]:
    titles = {
        "total_counts": ("Total counts", ""),
        "n_genes": ("Detected genes", ""),
        "pct_mito": ("Mitochondrial percentage", " %"),
        "pct_ribo": ("Ribosomal percentage", " %"),
        "pct_hb": ("Haemoglobin percentage", " %"),
        SPIKE_INS: ("Spike-in percentage", " %"),
        "doublet_score": ("Doublet score", ""),
        "S_score": ("S phase score", ""),
        "G2M_score": ("G2/M score", ""),
        "contamination": ("Ambient share of the counts", ""),
    }
    layers = []
    phase = sample.cells["phase"]
    if phase.notna().any():
        layers.append(category_layer("Quality", "phase", "Cell cycle phase", where, phase))
    for column, (title, unit) in titles.items():
        if column not in sample.cells:
            continue
        values = sample.cells[column].to_numpy(float)[where.rows]
        if (np.nan_to_num(values) != 0).any():
            layers.append(number_layer("Quality", column, title, values, unit))
    return layers


def _of_genes(sample: FinishedSample, where: Plane) -> list[Layer]:
    """The top unflagged markers of each cluster."""
    top = unflagged(sample.markers).groupby("cluster", sort=False).head(GENES_PER_CLUSTER)
    wanted = list(dict.fromkeys(top.sort_values("rank", kind="stable")["gene"]))[:MAX_GENES]
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
    """Coordinates as 16-bit integers on a common scale, y downwards, and the map's extent."""
    corner = positions.min(axis=0)
    extent = np.maximum(positions.max(axis=0) - corner, 1e-9)
    scaled = (positions - corner) / extent.max() * 65535
    scaled[:, 1] = extent[1] / extent.max() * 65535 - scaled[:, 1]
    words = np.round(np.clip(scaled, 0, 65535)).astype("<u2")
    return _bytes(words), [float(side) for side in extent / extent.max()]


def _scale() -> list[str]:
    """Colour scale of numbers, the same as in the static maps."""
    return [to_hex(ink) for ink in colormaps["viridis"](np.linspace(0.08, 0.94, 64))]


def _bytes(values: np.ndarray) -> str:
    return base64.b64encode(values.tobytes()).decode()
