"""Stage: normalise the kept cells, choose variable genes, compute principal components."""

from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ExpressionSettings


def expression(
    counts: Path,
    filtered: Path,
    output: Path,
    *,
    settings: ExpressionSettings,
    seed: int,
    sample: str,
) -> None:
    """Write expression.h5ad from the counts and the cells and genes that quality control kept.

    Raises
    ------
    UserError
        Fewer than three genes vary between the cells.
    """
    import anndata as ad

    from scsiameseclu.preprocess.batches import batches_of
    from scsiameseclu.preprocess.expression import (
        choose_variable_genes,
        log_normalise,
        median_total,
        principal_components,
    )
    from scsiameseclu.store.files import copy_part, read_columns, read_parts, write_h5ad
    from scsiameseclu.store.provenance import record

    kept = read_parts(filtered, ["obs", "var"])
    given = read_parts(counts, ["obs", "var"])
    cells = given["obs"].index.isin(kept["obs"].index)
    genes = given["var"].index.isin(kept["var"].index)
    raw = read_columns(counts, "X", genes, rows=cells)
    total = median_total(raw)
    values, size_factors = log_normalise(raw)
    del raw  # the layer is copied from file to file: choosing variable genes takes its room
    obs = given["obs"].loc[cells, ["sample", "batch"]].copy()
    adata = ad.AnnData(values, obs=obs, var=given["var"].loc[genes].copy())
    adata.obs["size_factor"] = size_factors
    adata.uns = {"provenance": record("expression", seed=seed, settings=settings.to_dict())}
    adata.uns["median_total"] = total
    choose_variable_genes(adata, settings, batches_of(adata, "batch"))
    n_variable = int(adata.var["highly_variable"].sum())
    if n_variable < 3:
        raise UserError(
            f"sample {sample}: {n_variable} of {adata.n_vars} genes vary between the "
            f"{adata.n_obs} cells kept; give counts of more genes, or loosen the quality thresholds"
        )
    principal_components(adata, settings, seed)
    write_h5ad(
        adata,
        output,
        fill=lambda file: copy_part(counts, "X", cells, genes, file, "layers/counts"),
    )
