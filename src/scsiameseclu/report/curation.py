"""What was curated by hand, for the clusters section."""

from __future__ import annotations

from scsiameseclu.curation.table import FILE
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.tables import Cell, Table, listed, numbered, text

MARK = "curated"


def marked_types(sample: FinishedSample) -> dict[str, str]:
    """The type of each cluster; those named by hand are marked."""
    table = sample.annotation
    marks = table["curated"] if "curated" in table else [""] * len(table)
    rows = zip(table["cluster"], table["cell_type"], marks, strict=True)
    return {
        name: f"{kind} ({MARK})" if "named" in mark.split(",") else kind
        for name, kind, mark in rows
    }


def curation_table(sample: FinishedSample) -> Table | None:
    """One row per curated cluster: what was done, its name and the predicted type, and the note."""
    table = sample.annotation
    if "curated" not in table:
        return None
    edits = sample.folder.uns("clusters", "curation") or {}
    merged, split = dict(edits.get("merged", {})), dict(edits.get("split", {}))
    rows = []
    for position, row in enumerate(table.to_dict("records")):
        name, done = str(row["cluster"]), []
        if "merged" in row["curated"].split(","):
            done.append(f"merged with {listed([n for n, end in merged.items() if end == name])}")
        if name in split:
            done.append(f"split from {split[name]}")
        if "named" in row["curated"].split(","):
            done.append("named")
        if not (done or row["note"]):
            continue
        rows.append(
            [
                Cell(name, number=position),
                text(listed(done) or "–"),
                text(row["cell_type"]),
                text(row["predicted_type"]),
                text(row["note"] or "–"),
            ]
        )
    header = ("Cluster", "Curated", "Cell type", "Predicted type", "Note")
    return Table("curation-table", "Clusters curated by hand", header, rows)


def curation_note(sample: FinishedSample) -> str:
    """The level that is analysed, and how clusters are named, merged and split by hand."""
    edits = sample.folder.uns("clusters", "curation") or {}
    level = str(edits.get("level", "default"))
    sentences = []
    if level != "default":
        proposed = int(sample.siamese["n_clusters_proposed"])
        what = f"at {level} clusters" if level.isdigit() else f"at the level “{level}”"
        sentences.append(
            f"The tree of clusters was cut {what}; the default has {numbered(proposed, 'cluster')}."
        )
    sentences.append(
        f"To name, merge or split clusters, edit {FILE} in the folder of this page and run the "
        "same command again; nothing is trained again."
    )
    return " ".join(sentences)
