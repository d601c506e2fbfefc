"""How the variable genes of any cell become the model's inputs."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Ridge

from scsiameseclu.preprocess.expression import gene_moments, scale_sparse


@dataclass(frozen=True)
class GeneScaling:
    """How the variable genes of any cell are turned into the model's inputs.

    Attributes
    ----------
    genes
        Names of the variable genes, in order.
    mean, deviation
        Their moments among the fitted cells, log-normalised, (n_genes,).
    loadings, centre
        Principal components of the scaled genes, (n_genes, n_pcs) and (n_pcs,).
    median_total
        The total count of a cell with size factor 1; None where values came log-normalised.
    max_value
        The clip of the scaling.
    """

    genes: list[str]
    mean: np.ndarray
    deviation: np.ndarray
    loadings: np.ndarray
    centre: np.ndarray
    median_total: float | None
    max_value: float

    @property
    def logged(self) -> bool:
        """Whether cells come with log-normalised values instead of counts."""
        return self.median_total is None


def gene_scaling(
    work: ad.AnnData,
    part: sp.csr_matrix,
    chosen: np.ndarray,
    total: float | None,
    max_value: float,
    *,
    use_rep: str = "X_pca",
) -> GeneScaling:
    """The scaling of the variable genes of a fit.

    Parameters
    ----------
    work
        ``obsm[use_rep]``, and for principal components of this package ``varm["PCs"]`` and
        ``uns["pca"]``. Loadings of other representations are fitted by regression.
    part
        Log-normalised variable genes, (n_cells, n_variable_genes).
    chosen
        Mask of the variable genes, (n_genes,).
    total
        Median total count of the cells; 0 where values are log-normalised without counts.
    max_value
        Upper limit of scaled values, where ``uns["pca"]`` records none.
    """
    mean, variance = gene_moments(part)
    deviation = np.sqrt(variance)
    deviation[deviation == 0] = 1.0
    if use_rep == "X_pca" and "centre" in work.uns.get("pca", {}):
        loadings, centre = work.varm["PCs"][chosen], np.asarray(work.uns["pca"]["centre"])
        max_value = float(work.uns["pca"]["params"]["max_value"])
    else:
        loadings, centre = _regress(part, mean, deviation, work.obsm[use_rep], max_value)
    return GeneScaling(
        genes=[str(name) for name in work.var_names[chosen]],
        mean=mean.astype(np.float32),
        deviation=deviation.astype(np.float32),
        loadings=np.asarray(loadings, dtype=np.float32),
        centre=np.asarray(centre, dtype=np.float32),
        median_total=total,
        max_value=max_value,
    )


def _regress(
    part: sp.csr_matrix,
    mean: np.ndarray,
    deviation: np.ndarray,
    components: np.ndarray,
    max_value: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Loadings for components computed elsewhere, by ridge regression on the scaled genes."""
    scaled = scale_sparse(part, mean, deviation, max_value)
    ridge = Ridge(alpha=1.0, solver="sparse_cg").fit(scaled, components)
    return ridge.coef_.T, -ridge.intercept_
