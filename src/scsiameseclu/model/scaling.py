"""How the variable genes of any cell become the model's inputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import anndata as ad
import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import Ridge

from scsiameseclu.preprocess.expression import gene_moments, project, scale_sparse

MAX_COMPARED = 1_000
"""Number of cells whose components are compared with their projection."""
MAX_DIFFERENCE = 0.25
"""Largest difference between them, relative to the components."""


class Projection(NamedTuple):
    """Last arguments of :func:`scsiameseclu.preprocess.expression.project`."""

    mean: np.ndarray
    deviation: np.ndarray
    loadings: np.ndarray
    centre: np.ndarray
    max_value: float


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
        Largest scaled value; larger ones are clipped.
    component_deviation
        Overall standard deviation of the fitted cells' components.
    """

    genes: list[str]
    mean: np.ndarray
    deviation: np.ndarray
    loadings: np.ndarray
    centre: np.ndarray
    median_total: float | None
    max_value: float
    component_deviation: float

    @property
    def logged(self) -> bool:
        """Whether cells come with log-normalised values instead of counts."""
        return self.median_total is None

    def log_normalised(self, counts: sp.csr_matrix, totals: np.ndarray) -> sp.csr_matrix:
        """Values as of the fitted cells; logged ones are returned as they are.

        Parameters
        ----------
        counts
            Of the variable genes, (n_cells, n_genes).
        totals
            Total count of each cell, (n_cells,).
        """
        if self.median_total is None:
            return counts
        size_factors = np.where(totals > 0, totals / self.median_total, 1.0)
        return sp.csr_matrix(sp.diags(1.0 / size_factors) @ counts).log1p()

    def filled(self, values: sp.csr_matrix, missing: np.ndarray) -> sp.csr_matrix:
        """Values of a block of cells with the mean in the columns of missing genes.

        Parameters
        ----------
        values
            Log-normalised, (n_cells, n_genes); the columns of missing genes hold anything.
        missing
            Mask of those genes, (n_genes,).
        """
        if not missing.any():
            return values
        filled = values.toarray()
        filled[:, missing] = self.mean[missing]
        return sp.csr_matrix(filled)

    def scaled(self, values: sp.csr_matrix) -> sp.csr_matrix:
        """The expression encoder's input: values over deviations, clipped at ``max_value``.

        Unlike the input of PCA it is not centred, not even implicitly: zeros stay zero and sparse,
        and the clip holds for the value itself.
        """
        scaled = sp.csr_matrix(values, dtype=np.float32, copy=True)
        scaled.data = np.minimum(
            scaled.data / self.deviation[scaled.indices], self.max_value
        ).astype(np.float32)
        return scaled

    def unit(self, components: np.ndarray) -> np.ndarray:
        """Components over their overall deviation, float32: they keep their relative sizes."""
        return (components / self.component_deviation).astype(np.float32)

    def projected(self, values: sp.csr_matrix) -> np.ndarray:
        """Components of log-normalised cells, float32 (n_cells, n_pcs)."""
        return project(
            values, self.mean, self.deviation, self.loadings, self.centre, self.max_value
        )

    def components(self, values: sp.csr_matrix) -> np.ndarray:
        """Components over their overall deviation, float32 (n_cells, n_pcs)."""
        return self.unit(self.projected(values))


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
        ``obsm[use_rep]``. For principal components of this package (``uns["pca"]["centre"]``), the
        loadings in ``varm["PCs"]`` and the scaling in ``var["pca_mean"]`` and
        ``var["pca_deviation"]`` are used if they reproduce the components; loadings of other
        representations are fitted by regression.
    part
        Log-normalised variable genes, (n_cells, n_variable_genes).
    chosen
        Mask of the variable genes, (n_genes,).
    total
        Median total count of the cells; 0 where values are log-normalised without counts.
    max_value
        Upper limit of scaled values, where ``uns["pca"]`` records none.
    """
    scaling = _scaling_of_pca(work, chosen) if use_rep == "X_pca" else None
    if scaling is None or not _reproduces(scaling, part, work.obsm["X_pca"]):
        mean, variance = gene_moments(part)
        deviation = np.sqrt(variance)
        deviation[deviation == 0] = 1.0
        regressed = _regress(part, mean, deviation, work.obsm[use_rep], max_value)
        scaling = Projection(mean, deviation, *regressed, max_value)
    components = np.asarray(work.obsm[use_rep], dtype=np.float32)
    return GeneScaling(
        genes=[str(name) for name in work.var_names[chosen]],
        mean=scaling.mean.astype(np.float32),
        deviation=scaling.deviation.astype(np.float32),
        loadings=np.asarray(scaling.loadings, dtype=np.float32),
        centre=np.asarray(scaling.centre, dtype=np.float32),
        median_total=total,
        max_value=scaling.max_value,
        component_deviation=overall_deviation(components),
    )


def _scaling_of_pca(work: ad.AnnData, chosen: np.ndarray) -> Projection | None:
    """The projection that :func:`principal_components` has set; None if a part is missing."""
    record = work.uns.get("pca", {})
    slots = ("pca_mean", "pca_deviation")
    if "centre" not in record or "PCs" not in work.varm or not set(slots) <= set(work.var):
        return None
    mean, deviation = (work.var[name].to_numpy()[chosen] for name in slots)
    centre, max_value = np.asarray(record["centre"]), float(record["params"]["max_value"])
    return Projection(mean, deviation, work.varm["PCs"][chosen], centre, max_value)


def _reproduces(scaling: Projection, part: sp.csr_matrix, components: np.ndarray) -> bool:
    """Whether components are, nearly, what the scaling gives, and not put there by another tool.

    Cells that were a part of the fitted ones have slightly different size factors.
    """
    n_pcs = {components.shape[1], scaling.loadings.shape[1], len(scaling.centre)}
    if len(n_pcs) > 1:
        return False
    shown = components[:MAX_COMPARED]
    difference = project(part[:MAX_COMPARED], *scaling) - shown
    return bool(np.linalg.norm(difference) <= MAX_DIFFERENCE * np.linalg.norm(shown))


def overall_deviation(components: np.ndarray) -> float:
    """Root mean square of all entries; 1 if they are all 0."""
    return float(np.sqrt(np.mean(components.astype(np.float64) ** 2))) or 1.0


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
    loadings = ridge.coef_.reshape(components.shape[1], -1).T  # scikit-learn drops a single row
    return loadings, -np.reshape(ridge.intercept_, -1)
