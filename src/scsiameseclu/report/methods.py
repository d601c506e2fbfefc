"""The methods section: a paragraph, and tables of input, stages, settings and versions."""

import json
from typing import Any

from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.methods_text import paragraph, recorded_settings
from scsiameseclu.report.tables import Cell, Table, listed, text

REFERENCES = (
    ("scSiameseClu: Xu et al., IJCAI 2025", "https://arxiv.org/abs/2505.12626"),
    ("scanpy: Wolf et al., Genome Biology 2018", "https://doi.org/10.1186/s13059-017-1382-0"),
    ("DoubletFinder: McGinnis et al., 2019", "https://doi.org/10.1016/j.cels.2019.03.003"),
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
DROPLETS = (
    "emptyDrops: Lun et al., Genome Biology 2019",
    "https://doi.org/10.1186/s13059-019-1662-y",
)
AMBIENT = (
    ("SoupX: Young and Behjati, GigaScience 2020", "https://doi.org/10.1093/gigascience/giaa151"),
    ("DecontX: Yang et al., Genome Biology 2020", "https://doi.org/10.1186/s13059-020-1950-6"),
)
TRAJECTORY = (
    ("PAGA: Wolf et al., Genome Biology 2019", "https://doi.org/10.1186/s13059-019-1663-x"),
    ("Diffusion pseudotime: Haghverdi et al., 2016", "https://doi.org/10.1038/nmeth.3971"),
)
SOURCE = {
    "path": "Input",
    "format": "Format",
    "sha256": "SHA-256 of the input",
    "n_cells": "Cells",
    "n_genes": "Genes",
}
QUALITY = {"organism": "Organism", "mito_prefix": "Prefix of mitochondrial genes"}


def methods(sample: FinishedSample) -> dict[str, Any]:
    """Content of the methods section."""
    return {
        "sentences": paragraph(sample),
        "detected": [str(item) for item in sample.source["detected"]],
        "source": _source_table(sample),
        "stages": _stage_table(sample),
        "settings": _settings_table(sample),
        "versions": _versions_table(sample),
        "references": [
            *REFERENCES,
            *([DROPLETS] if sample.droplets else []),
            *(AMBIENT if sample.ambient_notes else []),
            *([CELLTYPIST] if sample.celltypist_notes else []),
            *(TRAJECTORY if sample.trajectory_notes else []),
        ],
    }


def _source_table(sample: FinishedSample) -> Table:
    rows = [[text(name), text(sample.source[key])] for key, name in SOURCE.items()]
    for key, name in QUALITY.items():
        if sample.quality[key]:
            rows.append([text(name), text(sample.quality[key])])
    return Table("source-table", "Input", ("Property", "Value"), rows)


def _stage_table(sample: FinishedSample) -> Table:
    rows = [
        [text(stage), _seed(entry), text(entry["device"]), text(entry["threads"])]
        for stage, entry in sample.provenance.items()
    ]
    return Table("stages-table", "Stages", ("Stage", "Seed", "Device", "Threads"), rows)


def _seed(entry: dict[str, Any]) -> Cell:
    """The seed; a dash for a stage without randomness (recorded as -1)."""
    return text("–" if entry["seed"] == -1 else entry["seed"])


def _value(value: Any) -> Cell:
    if value is None:
        return text("not set")
    return text(value if isinstance(value, str) else json.dumps(value))


def _settings_table(sample: FinishedSample) -> Table:
    rows = [
        [text(stage), text(key), _value(value)]
        for stage in sample.provenance
        for key, value in recorded_settings(sample, stage).items()
    ]
    header = ("Stage", "Setting", "Value")
    return Table("settings-table", "All settings by stage", header, rows, tall=True)


def _versions_table(sample: FinishedSample) -> Table:
    """Package versions; all of them where stages ran with different ones."""
    versions: dict[str, set[str]] = {}
    for entry in sample.provenance.values():
        for package, version in json.loads(entry["versions"]).items():
            versions.setdefault(package, set()).add(version)
    rows = [
        [text(package), text(listed(sorted(versions[package])))] for package in sorted(versions)
    ]
    return Table("versions-table", "Software versions", ("Package", "Version"), rows)
