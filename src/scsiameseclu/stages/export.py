"""Write the results for R, CELLxGENE and Loupe Browser."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ExportSettings
from scsiameseclu.store.manifest import COHORT

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(folder: SampleFolder, *, settings: ExportSettings) -> None:
    """Write ``exports``, a folder with a subfolder per format.

    ``seurat`` has counts, cells, genes, embeddings and an R script that loads them; ``cellxgene``
    an h5ad file after the schema of CELLxGENE, and ``missing.txt`` with the columns of the schema
    that only the lab knows and that the sample sheet lacks; ``loupe`` has tables of clusters and of
    the UMAP by barcode.
    Where that file cannot be made, ``problem.txt`` says why.
    """
    import shutil

    import numpy as np

    from scsiameseclu.cohort.joining import SEPARATOR
    from scsiameseclu.export.cellxgene import write_cellxgene
    from scsiameseclu.export.loupe import write_loupe
    from scsiameseclu.export.seurat import write_seurat
    from scsiameseclu.report.exports import MISSING, PROBLEM
    from scsiameseclu.store.atomic import write_text
    from scsiameseclu.store.files import read_h5ad, read_parts

    deliverable, directory = folder.path("deliverable"), folder.path("exports")
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    cells = read_h5ad(deliverable, without=["X", "layers", "obsp", "varm"])
    if settings.loupe:
        umap = np.asarray(cells.obsm["X_umap"])
        separator = SEPARATOR if COHORT in folder.features else ""
        write_loupe(directory / "loupe", cells.obs, umap, separator)
    if settings.seurat:
        counts = read_parts(deliverable, ["layers/counts"])["layers/counts"]
        write_seurat(directory / "seurat", cells, counts)
    if settings.cellxgene:
        parts = read_parts(deliverable, ["X", "layers/counts"])
        target = directory / "cellxgene"
        try:
            missing = write_cellxgene(
                target / f"{folder.sample}.h5ad",
                cells,
                parts["X"],
                parts["layers/counts"],
                organism=str(cells.uns["annotation"]["organism"]),
                title=folder.sample,
            )
        except UserError as error:  # the other results are complete
            log.warning("%s", error)
            write_text(target / PROBLEM, f"{error}\n")
        else:
            if missing:
                write_text(target / MISSING, "".join(f"meta_{name}\n" for name in missing))
