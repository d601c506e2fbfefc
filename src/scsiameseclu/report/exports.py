"""The export section: what was written for other programs, and how to open it."""

from __future__ import annotations

from dataclasses import dataclass

from scsiameseclu.report.finished_sample import FinishedSample

MISSING, PROBLEM = "missing.txt", "problem.txt"


@dataclass(frozen=True)
class Export:
    """One format: its title, path beside the page, how to open it, and notes."""

    title: str
    path: str
    steps: list[str]
    notes: list[str]


def exports(sample: FinishedSample) -> list[Export]:
    """The formats that were written; none without exports."""
    if not sample.folder.has("exports"):
        return []
    directory = sample.folder.path("exports")
    found = []
    if (directory / "seurat").is_dir():
        steps = [
            'In R: setwd("export/seurat"); source("load.R")',
            "It makes counts, cells, genes and embeddings, and seurat and sce where the packages "
            "SeuratObject and SingleCellExperiment are installed.",
        ]
        found.append(Export("Seurat and SingleCellExperiment", "export/seurat", steps, []))
    if (directory / "cellxgene").is_dir():
        found.append(_cellxgene(sample))
    if (directory / "loupe").is_dir():
        steps = [
            "In Loupe Browser, with the .cloupe file of the same cells open: import categories "
            "from clusters.csv, and a projection from umap.csv.",
            "Of a cohort, there is a pair of files per sample.",
        ]
        found.append(Export("Loupe Browser", "export/loupe", steps, []))
    return found


def _cellxgene(sample: FinishedSample) -> Export:
    folder = sample.folder.path("exports") / "cellxgene"
    title, path = "CELLxGENE", f"export/cellxgene/{sample.name}.h5ad"
    if (folder / PROBLEM).is_file():
        return Export(title, "", [], [(folder / PROBLEM).read_text(encoding="utf-8").strip()])
    steps = [
        f"To look at it: cellxgene launch {path}",
        f"To check it: cellxgene-schema validate {path}",
    ]
    notes = []
    if (folder / MISSING).is_file():
        names = (folder / MISSING).read_text(encoding="utf-8").split()
        notes.append(
            "Before it is submitted, add what only the lab knows as columns of the sample sheet: "
            f"{', '.join(names)}."
        )
    return Export(title, path, steps, notes)
