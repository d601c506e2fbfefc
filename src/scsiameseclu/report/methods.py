"""The methods section: a paragraph made from the run's own settings, and all of them in tables."""

import json
from typing import Any

from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.tables import Cell, Table, count, listed, sentence, text

REFERENCES = (
    ("scSiameseClu: Xu et al., IJCAI 2025", "https://arxiv.org/abs/2505.12626"),
    ("scanpy: Wolf et al., Genome Biology 2018", "https://doi.org/10.1186/s13059-017-1382-0"),
    ("Scrublet: Wolock et al., Cell Systems 2019", "https://doi.org/10.1016/j.cels.2018.11.005"),
    ("Leiden: Traag et al., Scientific Reports 2019", "https://doi.org/10.1038/s41598-019-41695-z"),
    ("UMAP: McInnes et al., 2018", "https://arxiv.org/abs/1802.03426"),
    ("Optimal transport: Flamary et al., JMLR 2021", "https://jmlr.org/papers/v22/20-451.html"),
    ("Consensus: Fritsch and Ickstadt, Bayesian Analysis 2009", "https://doi.org/10.1214/09-BA414"),
    ("decoupler: Badia-i-Mompel et al., 2022", "https://doi.org/10.1093/bioadv/vbac016"),
)
CELLTYPIST = (
    "CellTypist: Domínguez Conde et al., Science 2022",
    "https://doi.org/10.1126/science.abl5197",
)
TRAJECTORY = (
    ("PAGA: Wolf et al., Genome Biology 2019", "https://doi.org/10.1186/s13059-019-1663-x"),
    ("Diffusion pseudotime: Haghverdi et al., 2016", "https://doi.org/10.1038/nmeth.3971"),
)
# setting: what it adds unless it is 0 or false
AUGMENTATIONS = {
    "expression_noise": "noise on expression",
    "expression_swap": "swapped values",
    "edge_drop": "dropped edges",
    "diffusion": "graph diffusion",
}
PARTS = {
    "cell_refinement_expression": "cell-level correlation refinement",
    "latent_refinement": "latent-level correlation refinement",
    "propagation": "propagation regularisation",
    "graph_reconstruction": "reconstruction of the graph",
    "cluster_steps": "joint training on transport targets",
    "fusion": "adaptive fusion",
}
LIKELIHOODS = {"zinb": "zero-inflated negative binomial", "nb": "negative binomial"}
PLAIN = ("path", "format", "sha256", "n_cells", "n_genes")


def methods(sample: FinishedSample) -> dict[str, Any]:
    """What the template's methods section shows."""
    return {
        "sentences": _sentences(sample),
        "detected": [str(item) for item in sample.source.get("detected", ())],
        "source": _source_table(sample),
        "stages": _stage_table(sample),
        "settings": _settings_table(sample),
        "versions": _versions_table(sample),
        "references": [
            *REFERENCES,
            *([CELLTYPIST] if sample.celltypist_notes else []),
            *(TRAJECTORY if sample.trajectory_notes else []),
        ],
    }


def settings_of(sample: FinishedSample, stage: str) -> dict[str, Any]:
    """The settings that a stage recorded; empty where it recorded none."""
    found: dict[str, Any] = json.loads(sample.provenance.get(stage, {}).get("settings", "{}"))
    return found


def _sentences(sample: FinishedSample) -> list[str]:
    quality, expression = settings_of(sample, "quality"), settings_of(sample, "expression")
    graph, training = settings_of(sample, "graph"), sample.training_notes
    found = []
    if "mad_counts" in quality:
        found.append(
            f"Cells were dropped beyond {quality['mad_counts']:g} median absolute deviations of "
            f"log counts, {quality['mad_genes']:g} of log detected genes or "
            f"{quality['mad_top20']:g} of the share of the 20 largest genes, and above "
            f"{quality['mad_mito']:g} deviations and {quality['floor_pct_mito']:g} % of "
            "mitochondrial counts, unless the sample sheet sets a bound; genes in fewer than "
            f"{quality['min_cells']} cells were dropped."
        )
    if "n_top_genes" in expression:
        found.append(
            "Counts were divided by size factors and log-transformed; the "
            f"{count(sample.n_highly_variable)} most variable genes were scaled, clipped at "
            f"{expression['max_value']:g} and reduced to {expression['n_pcs']} principal "
            "components."
        )
    if "n_neighbors" in graph:
        found.append(
            f"A graph joins each cell with its {graph['n_neighbors']} nearest neighbours "
            f"({graph['metric']} distance)."
        )
    trained = settings_of(sample, "train")
    found.append(_trained(trained, training.get("n_steps")))
    clustered = _clustered(trained, sample.siamese.get("n_members"))
    found += [clustered] if clustered else []
    found += [sentence(str(training[key])) for key in ("device", "stopped") if training.get(key)]
    found.append(
        "Markers are by the Wilcoxon rank-sum test of a cluster against all other cells"
        f"{_kept_markers(settings_of(sample, 'markers'))}; cell types are by "
        f"{listed(_votes(sample))}."
    )
    if sample.trajectory_notes:
        found.append(
            "Clusters were joined by PAGA, and cells ordered by diffusion pseudotime, in the "
            f"embedding. {sentence(str(sample.trajectory_notes['note']))}"
        )
    return found


def _kept_markers(settings: dict[str, Any]) -> str:
    """The filter of the table of markers."""
    if "max_adjusted_p" not in settings:
        return ""
    return (
        f" (adjusted p at most {settings['max_adjusted_p']:g}, log2 fold change at least "
        f"{settings['min_log2_fold_change']:g}, in at least {settings['min_pct_in']:g} % of the "
        "cluster's cells)"
    )


def _votes(sample: FinishedSample) -> list[str]:
    """What the cell types come from."""
    found = ["the enrichment of canonical marker genes"]
    if sample.transfer_notes:
        found.append("optimal transport to the types of an annotated reference in its embedding")
    if sample.celltypist_notes:
        found.append("a CellTypist model")
    return found


def _trained(settings: dict[str, Any], n_steps: int | None) -> str:
    """What the network learned from; the parts that the settings switch off are not claimed."""
    steps = f" in {count(n_steps)} steps" if n_steps is not None else ""
    changes = [name for key, name in AUGMENTATIONS.items() if settings.get(key)]
    parts = [name for key, name in PARTS.items() if settings.get(key)]
    likelihood = str(settings.get("likelihood", "none"))
    if likelihood != "none":
        parts.append(f"the {LIKELIHOODS.get(likelihood, likelihood)} likelihood of the counts")
    by = f" ({listed(changes)})" if changes else ""
    using = f", with {listed(parts)}" if parts else ""
    networks = int(settings.get("networks", 1))
    what = "scSiameseClu was" if networks == 1 else f"{networks} networks of scSiameseClu were"
    return f"{what} trained without labels{steps} on two views of the cells{by}{using}."


def _clustered(settings: dict[str, Any], n_members: int | None) -> str:
    """How cells came to clusters, for a run whose clusters are an ensemble's."""
    if n_members is None:
        return ""
    way = "by their nearest centre"
    if settings.get("proportions") != "ignored":
        way = f"by optimal transport with {settings.get('proportions')} proportions"
    where = "components and latent" if settings.get("space") == "joint" else "the latent"
    return (
        f"Cells were assigned {way} to centres in {where} of each network, from several starts and "
        "for several numbers of clusters; the clustering with the largest mean adjusted Rand index "
        f"with all was taken, and {count(n_members)} clusterings of about its size voted."
    )


def _source_table(sample: FinishedSample) -> Table:
    names = {
        "path": "Input", "format": "Format", "sha256": "SHA-256 of the input",
        "n_cells": "Cells read", "n_genes": "Genes read",
    }  # fmt: skip
    rows = [[text(names[key]), text(sample.source[key])] for key in PLAIN if key in sample.source]
    for key, name in (("organism", "Organism"), ("mito_prefix", "Mitochondrial genes begin with")):
        if sample.quality.get(key):
            rows.append([text(name), text(sample.quality[key])])
    return Table("source-table", "The input", ("What", "Value"), rows)


def _stage_table(sample: FinishedSample) -> Table:
    rows = [
        [text(stage), _seed(entry), text(entry["device"]), text(entry["threads"])]
        for stage, entry in sample.provenance.items()
    ]
    return Table("stages-table", "The stages", ("Stage", "Seed", "Device", "Threads"), rows)


def _seed(entry: dict[str, Any]) -> Cell:
    """A stage without randomness has none (recorded as -1)."""
    return text("–" if entry["seed"] == -1 else entry["seed"])


def _value(value: Any) -> Cell:
    if value is None:
        return text("not set")
    return text(value if isinstance(value, str) else json.dumps(value))


def _settings_table(sample: FinishedSample) -> Table:
    rows = [
        [text(stage), text(key), _value(value)]
        for stage in sample.provenance
        for key, value in settings_of(sample, stage).items()
    ]
    header = ("Stage", "Setting", "Value")
    return Table("settings-table", "Every setting of every stage", header, rows, tall=True)


def _versions_table(sample: FinishedSample) -> Table:
    """Package versions; a stage that ran with another version is seen."""
    found: dict[str, set[str]] = {}
    for entry in sample.provenance.values():
        for package, version in json.loads(entry["versions"]).items():
            found.setdefault(package, set()).add(version)
    rows = [[text(package), text(listed(sorted(found[package])))] for package in sorted(found)]
    return Table("versions-table", "Software versions", ("Package", "Version"), rows)
