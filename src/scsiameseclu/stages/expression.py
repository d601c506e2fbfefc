"""Normalise expression, select highly variable genes and compute principal components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ExpressionSettings
from scsiameseclu.store.manifest import CORRECT

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder

MIN_VARIABLE = 3
"""Minimum number of variable genes."""


def run(folder: SampleFolder, *, settings: ExpressionSettings, seed: int = 0) -> None:
    """Write ``expression``, with the kept cells and genes.

    It contains ``X`` (log-normalised, CSR), ``layers["counts"]``, ``obs["size_factor"]``,
    ``var["highly_variable"]``, ``obsm["X_pca"]``, ``varm["PCs"]``, ``uns["pca"]`` and
    ``uns["median_total"]``. Where two or more batches are aligned, ``obsm["X_pca"]`` is after
    alignment, and there are ``obsm["X_pca_uncorrected"]`` and ``uns["integration"]``. In runs that
    correct ambient RNA, both matrices contain the corrected counts.

    Raises
    ------
    UserError
        Fewer than three genes vary between the cells, or ``counts`` lacks cells or genes of
        ``filtered``.
    """
    import anndata as ad

    from scsiameseclu.preprocess.ambient import correct_counts
    from scsiameseclu.preprocess.batches import batches_of
    from scsiameseclu.preprocess.expression import (
        choose_variable_genes,
        gene_moments,
        log_normalise,
        median_total,
        principal_components,
    )
    from scsiameseclu.preprocess.integration import integrate
    from scsiameseclu.stages.ambient import read_ambient
    from scsiameseclu.store.files import copy_part, read_columns, read_parts, write_h5ad
    from scsiameseclu.store.provenance import record

    counts, output = folder.path("counts"), folder.path("expression")
    kept = read_parts(folder.path("filtered"), ["obs", "var"])
    ingested = read_parts(counts, ["obs", "var"])
    cells, genes = (
        _mask(ingested[part].index, kept[part].index, folder) for part in ("obs", "var")
    )
    raw = read_columns(counts, "X", genes, rows=cells)
    correct = CORRECT in folder.features
    if correct:
        raw = correct_counts(raw, read_ambient(folder), seed)
    total = median_total(raw)
    values, size_factors = log_normalise(raw)
    if not correct:
        del raw  # frees memory for the selection of variable genes; the layer is copied on disk
    obs = ingested["obs"].loc[cells, ["sample", "batch"]].copy()
    adata = ad.AnnData(values, obs=obs, var=ingested["var"].loc[genes].copy())
    adata.obs["size_factor"] = size_factors
    adata.uns["provenance"] = record("expression", seed=seed, settings=settings.to_dict())
    adata.uns["median_total"] = total
    moments = gene_moments(adata.X)
    batches = batches_of(adata, "batch")
    choose_variable_genes(adata, settings, batches, moments)
    n_variable = int(adata.var["highly_variable"].sum())
    if n_variable < MIN_VARIABLE:
        raise UserError(
            f"{n_variable} of {adata.n_vars} genes vary between the {adata.n_obs} kept cells, but "
            f"at least {MIN_VARIABLE} are required; use counts of more genes, or relax the quality "
            "thresholds"
        )
    principal_components(adata, settings, seed, moments)
    if settings.integration == "auto":
        integrate(adata, batches, seed)
    if correct:
        adata.layers["counts"] = raw
        write_h5ad(adata, output)
        return
    write_h5ad(
        adata,
        output,
        fill=lambda file: copy_part(counts, "X", cells, genes, file, "layers/counts"),
    )


def _mask(names: pd.Index, kept: pd.Index, folder: SampleFolder) -> np.ndarray:
    """Mask of the ingested cells or genes that were kept."""
    from scsiameseclu.store.align import positions

    positions(names, kept, *(folder.path(name).name for name in ("counts", "filtered")))
    mask: np.ndarray = names.isin(kept)
    return mask
