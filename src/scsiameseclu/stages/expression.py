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
    from scsiameseclu.data.store import read_h5ad, write_h5ad
    from scsiameseclu.expression import (
        choose_variable_genes,
        log_normalise,
        median_total,
        principal_components,
    )
    from scsiameseclu.provenance import record

    kept = read_h5ad(filtered)
    adata = read_h5ad(counts)[kept.obs_names, kept.var_names].copy()
    adata.obs = adata.obs[["sample", "batch"]].copy()
    adata.uns = {"provenance": record("expression", seed=seed, settings=settings.to_dict())}
    adata.layers["counts"] = adata.X
    adata.uns["median_total"] = median_total(adata.X)
    adata.X, adata.obs["size_factor"] = log_normalise(adata.layers["counts"])
    choose_variable_genes(adata, settings)
    n_variable = int(adata.var["highly_variable"].sum())
    if n_variable < 3:
        raise UserError(
            f"sample {sample}: {n_variable} of {adata.n_vars} genes vary between the "
            f"{adata.n_obs} cells kept; give counts of more genes, or loosen the quality thresholds"
        )
    principal_components(adata, settings, seed)
    write_h5ad(adata, output)
