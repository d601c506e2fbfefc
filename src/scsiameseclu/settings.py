"""Settings of the analysis by section, with default, range and help text.

``make settings`` generates the schemas, ``config/config.yaml`` and the tables of
``config/README.md`` from these classes and those of :mod:`scsiameseclu.run_settings`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from scsiameseclu.options import COLUMN, FILE, FILE_OR_FOLDER, SELECTION, Settings, Text, option


@dataclass(frozen=True)
class DropletSettings(Settings):
    """Calling of cells among droplets."""

    cells: Literal["given", "call"] = option(
        "given",
        "given: every barcode of the file is a cell; call: call cells among the droplets of a raw "
        "matrix",
    )
    ambient_max_counts: int = option(
        100,
        "droplets with at most this many counts are assumed to be empty; they give the ambient "
        "profile",
        minimum=1,
    )
    fdr: float = option(
        0.001,
        "maximum false discovery rate of the called cells",
        minimum=0,
        maximum=1,
    )
    simulations: int = option(
        10_000, "number of simulated empty droplets for the p-values", minimum=100
    )
    seed: int = option(
        0,
        "seed of the simulations; it differs from the run's seed, so that all runs have the same "
        "cells",
        minimum=0,
        maximum=2**32 - 1,
    )


@dataclass(frozen=True)
class QualitySettings(Settings):
    """Filtering of cells and genes."""

    mad_counts: float = option(
        5.0,
        "cells more than this many MADs from the median log total counts are removed",
        minimum=0,
    )
    mad_genes: float = option(
        5.0,
        "cells more than this many MADs from the median log number of detected genes are removed",
        minimum=0,
    )
    mad_top20: float = option(
        5.0,
        "cells more than this many MADs from the median percentage of counts in the 20 most "
        "abundant genes are removed",
        minimum=0,
    )
    mad_mito: float = option(
        3.0,
        "cells more than this many MADs above the median mitochondrial percentage are removed",
        minimum=0,
    )
    floor_pct_mito: float = option(
        8.0,
        "cells at or below this mitochondrial percentage pass the MAD rule",
        minimum=0,
        maximum=100,
    )
    min_counts: float | None = option(
        None, "minimum total counts per cell; replaces the lower MAD threshold", minimum=0
    )
    max_counts: float | None = option(
        None, "maximum total counts per cell; replaces the upper MAD threshold", minimum=0
    )
    min_genes: int | None = option(
        None,
        "minimum number of detected genes per cell; replaces the lower MAD threshold",
        minimum=0,
    )
    max_genes: int | None = option(
        None,
        "maximum number of detected genes per cell; replaces the upper MAD threshold",
        minimum=0,
    )
    max_pct_mito: float | None = option(
        None,
        "maximum mitochondrial percentage per cell; replaces the MAD threshold",
        minimum=0,
        maximum=100,
    )
    min_cells: int = option(3, "genes detected in fewer cells are removed", minimum=0)
    doublets: Literal["flag", "remove", "off"] = option(
        "flag", "flag or remove predicted doublets; off: do not predict doublets"
    )
    doublet_rate: float | None = option(
        None,
        "expected share of doublets in each capture; null: 0.8 % per 1,000 cells, at most 8 %",
        minimum=0,
        maximum=0.5,
    )
    doublet_min_cells: int = option(
        300, "doublets are predicted only in captures of at least this many cells", minimum=50
    )


@dataclass(frozen=True)
class AmbientSettings(Settings):
    """Ambient RNA: counts from the solution around the cells, not from the cells."""

    mode: Literal["off", "estimate", "correct"] = option(
        "estimate",
        "estimate the contamination of each cell, or also correct the counts of all later stages; "
        "off: neither",
    )


@dataclass(frozen=True)
class ExpressionSettings(Settings):
    """Normalisation, highly variable genes and principal components."""

    n_top_genes: int = option(2000, "number of highly variable genes", minimum=50)
    n_pcs: int = option(50, "number of principal components", minimum=2, maximum=500)
    max_value: float = option(10.0, "scaled expression is clipped at this value", minimum=1)
    integration: Literal["auto", "none"] = option(
        "auto",
        "auto: align batches, where there are two or more, in components and latents as far as "
        "they differ by more than chance; none: leave them as they are",
    )


@dataclass(frozen=True)
class GraphSettings(Settings):
    """The k-nearest-neighbour graph of cells."""

    n_neighbors: int = option(15, "number of neighbours per cell", minimum=2, maximum=200)
    metric: Literal["euclidean", "cosine"] = option(
        "euclidean", "distance between cells in the space of the principal components"
    )


@dataclass(frozen=True)
class MarkerSettings(Settings):
    """Criteria of the filtered marker table."""

    max_adjusted_p: float = option(0.05, "maximum adjusted p-value", minimum=0, maximum=1)
    min_log2_fold_change: float = option(0.5, "minimum log2 fold change", minimum=0)
    min_pct_in: float = option(
        10.0,
        "minimum percentage of the cluster's cells that express the gene",
        minimum=0,
        maximum=100,
    )


@dataclass(frozen=True)
class AnnotationSettings(Settings):
    """Cell type annotation with canonical markers."""

    tissue: str = option(
        "auto",
        "tissues of the built-in marker table, comma-separated; auto: inferred from the data",
        text=Text(("tissues separated by commas", "auto")),
    )
    marker_table: str | None = option(
        None,
        "custom marker table: columns cell_type, gene and optionally weight, or a .gmt file",
        text=FILE,
    )
    min_score: float = option(
        3.0,
        "minimum score (t-value) of the best cell type; clusters below it stay Unassigned",
    )
    margin: float = option(
        0.5,
        "minimum lead over the second-best cell type; below it, the type that includes both is "
        "assigned",
        minimum=0,
    )
    celltypist_model: str | None = option(
        None,
        "CellTypist model (.pkl) as an additional vote on cell types",
        text=FILE,
    )


@dataclass(frozen=True)
class ReferenceSettings(Settings):
    """An annotated reference whose cell types are transferred to every sample."""

    path: str | None = option(
        None,
        "raw counts with cell types, in any supported input format",
        text=FILE_OR_FOLDER,
    )
    label: str = option("cell_type", "column with the cell types", text=COLUMN)
    subset: str | None = option(None, "use only the cells that match column=value", text=SELECTION)
    layer: str | None = option(
        None, "layer with the raw counts, if not in X", text=Text(("the name of a layer",))
    )


@dataclass(frozen=True)
class CohortSettings(Settings):
    """Joint analysis of the samples of a cohort."""

    run: Literal["auto", "named", "off"] = option(
        "auto",
        "auto: analyse the samples with the same cohort in the sheet together, or all samples if "
        "the sheet has no column cohort; named: only samples with a cohort; off: none",
    )
    batch: str = option(
        "sample",
        "what counts as a batch: sample, donor, batch (of each sample's file) or a column meta_* "
        "of the sheet",
        text=Text(
            ("sample", "donor", "batch", "the name of a column meta_*"),
            "^(sample|donor|batch|meta_[A-Za-z0-9_]+)$",
        ),
    )
    genes: Literal["intersection", "union"] = option(
        "intersection",
        "genes of the cohort: those of all samples, or those of any sample, with 0 counts in "
        "samples that lack them",
    )
    doublets: Literal["remove", "keep"] = option(
        "remove", "remove predicted doublets of the samples, or keep them"
    )
    model: str | None = option(
        None,
        "folder of a finished cohort, RESULTS/cohorts/NAME, onto which all samples are mapped "
        "without training; null: none",
        text=Text(("the folder of a cohort",)),
    )


@dataclass(frozen=True)
class TrajectorySettings(Settings):
    """Pseudotime, computed only on request."""

    run: bool = option(False, "compute diffusion pseudotime")
    root: str | None = option(
        None,
        "root of the trajectory: cluster=NAME, gene=SYMBOL or COLUMN=VALUE; null: inferred",
        text=Text(("cluster=NAME", "gene=SYMBOL", "COLUMN=VALUE"), SELECTION.pattern),
    )


@dataclass(frozen=True)
class ConditionSettings(Settings):
    """Comparison of the conditions of a cohort; the unit is the replicate, never the cell."""

    reference_condition: str | None = option(
        None,
        "condition to compare the others with; null: one named control, healthy or similar, "
        "otherwise the first in alphabetical order",
        text=Text(("the name of a condition",)),
    )
    covariates: str | None = option(
        None,
        "columns of the sample sheet that the tests adjust for; values that are all numbers are "
        "used as numbers",
        text=Text(("column names separated by commas",)),
    )
    level: Literal["types", "clusters"] = option(
        "types", "groups of cells within which gene expression is compared"
    )
    min_cells: int = option(
        10,
        "minimum number of cells of a group in a replicate (expression) or in all of them "
        "(composition)",
        minimum=1,
    )
    fdr: float = option(
        0.05, "maximum false discovery rate of the reported changes", minimum=0.0001, maximum=0.5
    )

    @property
    def covariate_names(self) -> tuple[str, ...]:
        """The covariates as a tuple without repetitions."""
        names = (name.strip() for name in (self.covariates or "").split(","))
        return tuple(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class ExportSettings(Settings):
    """Results in the formats of other programs."""

    seurat: bool = option(
        False,
        "write a folder for R, with a script that loads it for Seurat or SingleCellExperiment",
    )
    cellxgene: bool = option(
        False, "write an h5ad file that follows the CELLxGENE schema (human and mouse)"
    )
    loupe: bool = option(False, "write tables of clusters and of the UMAP for Loupe Browser")


PAPER: dict[str, Any] = {
    "networks": 1,
    "latent_size": 20,
    "expression_noise": 0.1,
    "expression_swap": 0.0,
    "edge_drop": 0.1,
    "diffusion": True,
    "likelihood": "zinb",
    "fusion": True,
    "propagation": 0.3,
    "cell_refinement_expression": 0.1,
    "cell_refinement_graph": 5.0,
    "latent_refinement": 1.0,
    "graph_reconstruction": 1.0,
    "space": "latent",
    "propagate_latent": True,
    "proportions": "fixed",
    "pretrain_steps": 400,
    "cluster_steps": 200,
    "clustering_rate": 1.0,
}
"""Changes made by :meth:`ModelSettings.paper`, also in ``config/presets/paper.yaml``."""


@dataclass(frozen=True)
class ModelSettings(Settings):
    """The Siamese networks, their training, and optimal-transport clustering."""

    networks: int = option(3, "number of networks in the ensemble", minimum=1, maximum=50)
    latent_size: int = option(
        32, "dimensions of each network's latent space", minimum=2, maximum=512
    )
    hidden_size: int = option(256, "number of units per hidden layer", minimum=8, maximum=4096)
    expression_noise: float = option(
        0.0, "standard deviation of the multiplicative noise on expression; 0: off", minimum=0
    )
    expression_swap: float = option(
        0.3,
        "fraction of genes whose value is replaced by another cell's in each view; 0: off",
        minimum=0,
        maximum=0.9,
    )
    edge_drop: float = option(
        0.0,
        "fraction of edges, the least similar ones, dropped from graph view 1; 0: off",
        minimum=0,
        maximum=0.9,
    )
    diffusion: bool = option(False, "diffuse graph view 2 by personalised PageRank")
    diffusion_alpha: float = option(
        0.2, "restart probability of the diffusion", minimum=0.01, maximum=1
    )
    fusion: bool = option(
        False, "fuse expression and graph latents with a learned gate; false: use their mean"
    )
    likelihood: Literal["zinb", "nb", "multinomial", "none"] = option(
        "multinomial", "likelihood of the counts; none: reconstruct scaled expression"
    )
    cell_refinement_expression: float = option(
        0.0, "weight of the cell-level refinement of the expression encoder; 0: off", minimum=0
    )
    cell_refinement_graph: float = option(
        0.0, "weight of the cell-level refinement of the graph encoder; 0: off", minimum=0
    )
    latent_refinement: float = option(
        0.0, "weight of the latent-level refinement; 0: off", minimum=0
    )
    propagation: float = option(0.0, "weight of the propagation regularisation; 0: off", minimum=0)
    graph_reconstruction: float = option(
        0.0, "weight of the graph reconstruction loss; 0: off", minimum=0
    )
    space: Literal["joint", "latent"] = option(
        "joint",
        "joint: cluster in principal components and latent space; latent: in latent space only",
    )
    propagate_latent: bool = option(False, "smooth the fused latent over the graph")
    proportions: Literal["learned", "fixed", "ignored"] = option(
        "learned",
        "cluster proportions in the transport: learned, fixed at their initial values, or ignored "
        "(each cell is assigned to its nearest centre)",
    )
    temperature: float = option(
        0.05,
        "entropic regularisation of the final transport, in units of cosine similarity; larger "
        "values give softer assignments",
        minimum=0.001,
        maximum=10,
    )
    pretrain_steps: int = option(
        160, "number of mini-batches of representation learning", minimum=1
    )
    cluster_steps: int = option(
        0,
        "maximum number of mini-batches of joint training on transport targets; 0: off",
        minimum=0,
    )
    clustering: float = option(1.0, "weight of the clustering loss in joint training", minimum=0)
    sharpness: float = option(
        5.0, "exponent that sharpens the assignments in joint training (lambda)", minimum=0.1
    )
    refresh_every: int = option(
        25, "mini-batches between updates of the transport targets", minimum=1
    )
    tolerance: float = option(
        0.002,
        "joint training stops when less than this fraction of cells changes cluster per update",
        minimum=0,
        maximum=1,
    )
    batch_size: int = option(256, "number of cells per mini-batch", minimum=8)
    learning_rate: float = option(1e-3, "learning rate of Adam", minimum=1e-6, maximum=1)
    clustering_rate: float = option(
        0.1,
        "learning rate of joint training, as a multiple of learning_rate",
        minimum=0,
        maximum=10,
    )
    max_clusters: int = option(
        20,
        "largest number of clusters considered when the number is estimated",
        minimum=4,
        maximum=150,
    )

    @classmethod
    def paper(cls, **changes: Any) -> ModelSettings:
        """The settings of Xu et al. (2025), without the defects of the released code.

        They use one network with joint training, clusters with fixed proportions in the latent
        space only, and the published loss weights.

        Parameters
        ----------
        **changes
            Settings to change from the published values.

        Examples
        --------
        >>> settings = ModelSettings.paper(networks=3)
        >>> settings.networks, settings.likelihood
        (3, 'zinb')
        """
        return cls(**{**PAPER, **changes})

    @property
    def restart(self) -> float | None:
        """Restart probability of the diffusion; None if diffusion is off."""
        return self.diffusion_alpha if self.diffusion else None
