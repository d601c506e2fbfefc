"""The cell types section: the predicted type of each cluster and what speaks for it."""

from typing import Any

from scsiameseclu.report.inputs import Sample
from scsiameseclu.report.tables import Cell, Table, real, text, whole

ABSTENTIONS = ("Unassigned",)


def annotation_note(sample: Sample) -> str:
    """Which markers were used and how many of them the data have; empty where not recorded."""
    notes = sample.annotation_notes
    if "overlap" not in notes:
        return ""
    table = str(notes["marker_table"])
    source = "the canonical markers" if table == "canonical" else f"the markers in {table}"
    return (
        f"Types are by {source} ({notes['tissue']}, {notes['organism']}); "
        f"{100 * notes['overlap']:.0f}\u202f% of these genes are in the data."
    )


def _type(row: dict[Any, Any]) -> str:
    """The type; for a cluster without one also the nearest."""
    nearest = row.get("best_match")
    if row["cell_type"] in ABSTENTIONS and nearest:
        return f"{row['cell_type']} (nearest: {nearest})"
    return str(row["cell_type"])


def annotation_table(sample: Sample) -> Table:
    """One row a cluster: its type, the runner-up, and the markers behind them."""
    rows = [
        [
            Cell(row["cluster"], number=position),
            whole(row["n_cells"]),
            text(_type(row)),
            real(row["score"], 2),
            text(row["runner_up"] or "–"),
            real(row["runner_up_score"], 2),
            real(row["margin"], 2),
            whole(row["n_markers"]),
            text(str(row["markers_found"]).replace(",", ", ") or "–"),
        ]
        for position, row in enumerate(sample.annotation.to_dict("records"))
    ]
    header = (
        *("Cluster", "Cells", "Predicted type", "Score", "Runner-up", "Its score", "Margin"),
        *("Markers known", "Markers found"),
    )
    return Table("annotation-table", "Predicted cell type of each cluster", header, rows)
