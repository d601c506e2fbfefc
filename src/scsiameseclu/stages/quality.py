"""Stage quality: from counts to the cells and genes that stay, with a reason for every loss."""

from pathlib import Path

from scsiameseclu.settings import QualitySettings

TABLE_COLUMNS = [
    "n_genes",
    "total_counts",
    "pct_top20",
    "pct_mito",
    "doublet_score",
    "predicted_doublet",
    "kept",
    "reason",
]


def quality(
    counts: Path,
    output: Path,
    table: Path,
    *,
    settings: QualitySettings,
    seed: int,
    sample: str,
) -> None:
    """Run quality control on one sample.

    Parameters
    ----------
    counts
        The h5ad of the stage ingest.
    output
        Where to write the kept cells (``obs`` metrics), the kept genes (``var["n_cells"]``) and
        ``uns["quality"]``; there is no matrix in it.
    table
        Where to write one line for every ingested cell.

    Raises
    ------
    UserError
        Too few cells are left.
    """
    import pandas as pd

    from scsiameseclu.preprocess.batches import batches_of
    from scsiameseclu.preprocess.quality import control
    from scsiameseclu.store.atomic import write_table
    from scsiameseclu.store.files import add_warnings, read_h5ad, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    adata = read_h5ad(counts)
    batches = batches_of(adata, "batch")
    result = control(adata, settings, batches=batches, seed=seed)
    genes = pd.DataFrame(
        {"n_cells": result.cells_per_gene[result.kept_genes]},
        index=adata.var_names[result.kept_genes],
    )
    filtered = sidecar(
        result.table.loc[result.kept_cells, TABLE_COLUMNS[:6]],
        var=genes,
        uns={
            "quality": result.summary,
            "provenance": record("quality", seed=seed, settings=settings.to_dict()),
        },
    )
    add_warnings(filtered, result.warnings)
    write_h5ad(filtered, output)
    lines = result.table[TABLE_COLUMNS].rename_axis("barcode")
    write_table(table, lines, index=True)
