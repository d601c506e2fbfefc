"""Filter cells and genes, and record the reason for each removal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scsiameseclu.settings import QualitySettings

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, *, settings: QualitySettings, seed: int = 0) -> None:
    """Write ``filtered`` and ``quality_table`` (one row per ingested cell).

    ``filtered`` contains the metrics of the kept cells in ``obs``, ``var["n_cells"]`` of the kept
    genes, and ``uns["quality"]`` with thresholds and losses, but no matrix.

    Raises
    ------
    UserError
        Too few cells remain.
    """
    import pandas as pd

    from scsiameseclu.genes.gene_classes import SPIKE_INS
    from scsiameseclu.preprocess.batches import batches_of, capture_names
    from scsiameseclu.preprocess.quality import COLUMNS, control
    from scsiameseclu.store.files import read_h5ad

    adata = read_h5ad(folder.path("counts"))
    result = control(
        adata,
        settings,
        batches=batches_of(adata, "batch"),
        captures=pd.Series(capture_names(adata), index=adata.obs_names),
        hashtags=adata.obs["hashtag"] if "hashtags" in adata.uns else None,
        seed=seed,
    )
    genes = pd.DataFrame(
        {"n_cells": result.cells_per_gene[result.kept_genes]},
        index=adata.var_names[result.kept_genes],
    )
    columns = [name for name in (*COLUMNS, SPIKE_INS) if name in result.table]
    table = result.table[[*columns, "kept", "reason"]].rename_axis("barcode")
    folder.write_table("quality_table", table, index=True)
    folder.write(
        "filtered",
        result.table.loc[result.kept_cells, columns],
        var=genes,
        uns={"quality": result.summary},
        stage="quality",
        seed=seed,
        settings=settings.to_dict(),
        warnings=result.warnings,
    )
