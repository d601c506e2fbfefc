"""The cell types section: the type of each cluster, the votes, their evidence, and states."""

from typing import Any

from scsiameseclu.annotation.cell_types import ABSTENTIONS
from scsiameseclu.annotation.tissues import ANY
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.tables import (
    Cell,
    Table,
    count,
    decimal,
    listed,
    percent,
    real,
    text,
    whole,
)

MIN_SHARE = 0.1
"""Smallest share of a cluster's cells for a type to be listed."""
SOURCES = {"reference": "Reference", "celltypist": "CellTypist", "markers": "Markers"}


def annotation_note(sample: FinishedSample) -> str:
    """Which sources voted, and the share of their genes that the data contain."""
    notes = sample.annotation_notes
    table = str(notes["marker_table"])
    source = "the canonical markers" if table == "canonical" else f"the markers in {table}"
    sentences = [
        f"Marker votes are based on {source} ({_tissue(notes['tissue'])}, {notes['organism']}); "
        f"{_share(notes['overlap'])} of these genes are in the data. The types form a tree: where "
        "subtypes are tied, or no subtype has a majority of the cells, the answer is the type that "
        "includes them. Random sets: the score that 95 % of gene sets of the same size and "
        "expression do not exceed. Confidence: probability that the type is right, calibrated on "
        "published data sets."
    ]
    if reference := sample.transfer_notes:
        sentences.append(
            f"Reference: {reference['path']} ({count(reference['n_cells'])} cells of "
            f"{reference['n_types']} types in column {reference['label']}); "
            f"{_share(reference['overlap'])} of its variable genes are in the data."
        )
    if model := sample.celltypist_notes:
        sentences.append(
            f"CellTypist model: {model['model']}; {_share(model['overlap'])} of its genes are in "
            "the data."
        )
    return " ".join(sentences)


def _tissue(name: str) -> str:
    return "types of all tissues" if name == ANY else name


def doublet_note(sample: FinishedSample) -> str:
    """Which clusters seem to consist of doublets; empty if there are none."""
    table = sample.annotation[sample.annotation["doublet_of"] != ""]
    pairs = [
        f"cluster {cluster} of clusters {' and '.join(parents.split('+'))}"
        for cluster, parents in zip(table["cluster"], table["doublet_of"], strict=True)
    ]
    if not pairs:
        return ""
    return (
        f"Clusters of doublets, which two other clusters explain: {listed(pairs)}. They were not "
        "removed; their cell types are mixtures."
    )


def votes_table(sample: FinishedSample) -> Table | None:
    """Votes of all sources on each cluster and their consensus; None for a single source."""
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
            share = 0.0 if name == "markers" else row[f"share_{name}"]
            support = f" ({_share(share)} of cells)" if share > 0 else ""
            line.append(text(f"{row[f'vote_{name}']}{support}"))
        rows.append(line)
    header = ("Cluster", "Cells", "Consensus", "Score", *(SOURCES[name] for name in sources))
    return Table("votes-table", "Votes on each cluster", header, rows)


def _share(value: float) -> str:
    return percent(float(value), 1.0)


def _type(row: dict[Any, Any]) -> str:
    """The type by markers; for an unassigned cluster also the best match."""
    by_program = row.get("predicted_type", row["cell_type"])  # without names given by hand
    name, best = row.get("vote_markers", by_program), row["best_match"]
    return f"{name} (best match: {best})" if name in ABSTENTIONS and best else str(name)


def _by_cell(sample: FinishedSample, cluster: str) -> str:
    """The types of a cluster's cells, the most frequent first."""
    types = sample.cells.loc[sample.cells["siamese"] == cluster, "cell_type_by_cell"]
    shares = types.value_counts(normalize=True)
    kept = shares[shares >= MIN_SHARE]
    return ", ".join(f"{name} {_share(share)}" for name, share in kept.items())


def annotation_table(sample: FinishedSample) -> Table:
    """One row per cluster: its type by markers with the evidence for and against it."""
    with_doublets = (sample.annotation["doublet_of"] != "").any()
    rows = [
        [
            Cell(row["cluster"], number=position),
            whole(row["n_cells"]),
            text(_type(row)),
            text(row["cell_type_ontology_term_id"] or "–"),
            real(row["cell_type_confidence"], 2, bar=float(row["cell_type_confidence"])),
            text(row["states"] or "–"),
            real(row["score"], 2),
            real(row["random_score"], 2),
            text(_runner_up(row)),
            real(row["margin"], 2),
            text(_genes(row["genes_for"])),
            text(_genes(row["genes_against"])),
            text(_by_cell(sample, row["cluster"])),
            *([text(row["doublet_of"] or "–")] if with_doublets else []),
        ]
        for position, row in enumerate(sample.annotation.to_dict("records"))
    ]
    header = (
        *("Cluster", "Cells", "Type by markers", "Cell Ontology", "Confidence", "States"),
        *("Score", "Random sets", "Runner-up", "Lead", "Genes for", "Genes against"),
        "Cell by cell",
        *(["Doublets of"] if with_doublets else []),
    )
    return Table("annotation-table", "Cell type of each cluster by marker genes", header, rows)


def _runner_up(row: dict[Any, Any]) -> str:
    name = row["runner_up"]
    return f"{name} ({decimal(row['runner_up_score'], 2)})" if name else "–"


def _genes(names: str) -> str:
    return str(names).replace(",", ", ") or "–"
