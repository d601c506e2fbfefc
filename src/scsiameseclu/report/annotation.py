"""The cell types section: the type of each cluster, the votes, and what speaks for them."""

from typing import Any

from scsiameseclu.annotation.cell_types import ABSTENTIONS
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.tables import Cell, Table, count, percent, real, text, whole

LEAST_SHARE = 0.1
"""Types of fewer of a cluster's cells are not named."""
SOURCES = {"reference": "Reference", "celltypist": "CellTypist", "markers": "Markers"}


def annotation_note(sample: FinishedSample) -> str:
    """Which sources voted and how much of their genes the data have; empty where not recorded."""
    notes = sample.annotation_notes
    if "overlap" not in notes:
        return ""
    table = str(notes["marker_table"])
    source = "the canonical markers" if table == "canonical" else f"the markers in {table}"
    said = [
        f"Marker votes are by {source} ({notes['tissue']}, {notes['organism']}); "
        f"{_share(notes['overlap'])} of these genes are in the data."
    ]
    if carried := sample.transfer_notes:
        said.append(
            f"The reference is {carried['path']} ({count(carried['n_cells'])} cells of "
            f"{carried['n_types']} types in column {carried['label']}); "
            f"{_share(carried['overlap'])} of its variable genes are in the data."
        )
    if model := sample.celltypist_notes:
        said.append(
            f"The CellTypist model is {model['model']}; {_share(model['overlap'])} of its genes "
            "are in the data."
        )
    return " ".join(said)


def votes_table(sample: FinishedSample) -> Table | None:
    """The votes of all sources on each cluster, and their consensus; None for a single source."""
    table = sample.annotation
    sources = [name for name in SOURCES if f"vote_{name}" in table]
    if len(sources) < 2:
        return None
    rows = []
    for position, row in enumerate(table.to_dict("records")):
        line = [
            Cell(row["cluster"], number=position),
            whole(row["n_cells"]),
            text(row["cell_type"]),
            real(row["consensus_score"], 2, bar=float(row["consensus_score"])),
        ]
        for name in sources:
            share = row.get(f"share_{name}")
            told = f" ({_share(share)} of cells)" if share is not None and share > 0 else ""
            line.append(text(f"{row[f'vote_{name}']}{told}"))
        rows.append(line)
    header = ("Cluster", "Cells", "Consensus", "Score", *(SOURCES[name] for name in sources))
    return Table("votes-table", "The votes on each cluster", header, rows)


def _share(value: float) -> str:
    return percent(float(value), 1.0)


def _type(row: dict[Any, Any]) -> str:
    """The type by markers; for a cluster without one also the nearest."""
    nearest, named = row.get("best_match"), row.get("vote_markers", row["cell_type"])
    if named in ABSTENTIONS and nearest:
        return f"{named} (nearest: {nearest})"
    return str(named)


def _by_cell(sample: FinishedSample, cluster: str) -> str:
    """The types of a cluster's cells, the most frequent first."""
    own = sample.cells.loc[sample.cells["siamese"] == cluster, "cell_type_by_cell"]
    shares = own.value_counts(normalize=True)
    kept = shares[shares >= LEAST_SHARE]
    return ", ".join(f"{name} {_share(share)}" for name, share in kept.items())


def annotation_table(sample: FinishedSample) -> Table:
    """One row a cluster: its type by markers, the runner-up, and the markers behind them."""
    cell_by_cell = "cell_type_by_cell" in sample.cells
    rows = [
        [
            Cell(row["cluster"], number=position),
            whole(row["n_cells"]),
            text(_type(row)),
            *([text(_by_cell(sample, row["cluster"]))] if cell_by_cell else []),
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
        *("Cluster", "Cells", "Type by markers", *(["Cell by cell"] if cell_by_cell else [])),
        *("Score", "Runner-up", "Its score", "Margin"),
        *("Markers known", "Markers found"),
    )
    return Table("annotation-table", "Cell type of each cluster by its markers", header, rows)
