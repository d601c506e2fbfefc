"""Every setting a user can change, with its default, its range and one line of help.

The command-line programs make their options from these classes, and a test holds the workflow's
configuration schema to the same names and defaults, so that there is one default for everything.
"""

from __future__ import annotations

from dataclasses import Field, asdict, dataclass, field, fields
from typing import Any, Literal, get_args, get_origin, get_type_hints

from scsiameseclu.errors import UserError


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
) -> Any:
    """A dataclass field that carries its help text and its range (both ends allowed)."""
    return field(default=default, metadata={"help": help, "minimum": minimum, "maximum": maximum})


def choices(hint: Any) -> tuple[Any, ...]:
    """The values a ``Literal`` type hint admits; empty for any other hint."""
    return get_args(hint) if get_origin(hint) is Literal else ()


def scalar_type(hint: Any) -> type:
    """The plain type behind a hint such as ``int | None`` or ``Literal["a", "b"]``."""
    if get_origin(hint) is Literal:
        return type(get_args(hint)[0])
    plain = [part for part in get_args(hint) if part is not type(None)] or [hint]
    return plain[0]


class Settings:
    """Base of the settings classes: checks ranges when made, and turns into a plain dictionary."""

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for item in fields(self):  # type: ignore[arg-type]
            self._check(item, hints[item.name])

    def _check(self, item: Field[Any], hint: Any) -> None:
        value = getattr(self, item.name)
        allowed = choices(hint)
        if allowed and value not in allowed:
            names = ", ".join(map(str, allowed))
            raise UserError(f"{item.name} is {value!r}; it must be one of {names}")
        low, high = item.metadata.get("minimum"), item.metadata.get("maximum")
        if value is None or isinstance(value, str):
            return
        if low is not None and value < low:
            raise UserError(f"{item.name} is {value}; it must be {low:g} or more")
        if high is not None and value > high:
            raise UserError(f"{item.name} is {value}; it must be {high:g} or less")

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dictionary of plain values."""
        return asdict(self)  # type: ignore[call-overload]


@dataclass(frozen=True)
class QualitySettings(Settings):
    """Which cells and genes are kept."""

    mad_counts: float = option(5.0, "MADs on log total counts beyond which a cell goes", minimum=0)
    mad_genes: float = option(5.0, "MADs on log detected genes beyond which a cell goes", minimum=0)
    mad_top20: float = option(
        5.0, "MADs on the share of the 20 largest genes beyond which a cell goes", minimum=0
    )
    mad_mito: float = option(
        3.0, "MADs above the median mitochondrial share beyond which a cell goes", minimum=0
    )
    floor_pct_mito: float = option(
        8.0, "percent mitochondrial counts below which no cell goes", minimum=0, maximum=100
    )
    min_counts: float | None = option(None, "fewest counts a cell may have", minimum=0)
    max_counts: float | None = option(None, "most counts a cell may have", minimum=0)
    min_genes: int | None = option(None, "fewest detected genes a cell may have", minimum=0)
    max_genes: int | None = option(None, "most detected genes a cell may have", minimum=0)
    max_pct_mito: float | None = option(
        None,
        "most percent of mitochondrial counts, in place of the MAD rule",
        minimum=0,
        maximum=100,
    )
    min_cells: int = option(3, "fewest cells a gene must be detected in", minimum=0)
    doublets: Literal["flag", "remove", "off"] = option(
        "flag", "what to do with the doublets that Scrublet calls"
    )
    doublet_min_cells: int = option(
        300, "samples with fewer cells get no doublet score (NA)", minimum=50
    )


@dataclass(frozen=True)
class ExpressionSettings(Settings):
    """Normalisation, highly variable genes and principal components."""

    n_top_genes: int = option(2000, "number of highly variable genes", minimum=50)
    n_pcs: int = option(50, "number of principal components", minimum=2, maximum=500)
    max_value: float = option(10.0, "scaled expression is clipped here before PCA", minimum=1)


@dataclass(frozen=True)
class GraphSettings(Settings):
    """The k-nearest-neighbour graph of cells."""

    n_neighbors: int = option(15, "neighbours of each cell", minimum=2, maximum=200)
    metric: Literal["euclidean", "cosine"] = option("euclidean", "distance between cells in PCA")


@dataclass(frozen=True)
class MarkerSettings(Settings):
    """Which genes the filtered marker table keeps."""

    max_adjusted_p: float = option(0.05, "largest adjusted p value", minimum=0, maximum=1)
    min_log2_fold_change: float = option(0.5, "smallest log2 fold change", minimum=0)
    min_pct_in: float = option(10.0, "smallest percent of the cluster's cells", minimum=0)


@dataclass(frozen=True)
class AnnotationSettings(Settings):
    """Cell types by sets of canonical markers."""

    tissue: str = option("auto", "tissues of the marker table to use, comma-separated, or auto")
    marker_table: str | None = option(
        None, "a table of your own: columns cell_type, gene and, if wanted, weight; or a .gmt file"
    )
    min_score: float = option(
        3.0, "a best score (t value of the marker set) below this is Unassigned"
    )
    margin: float = option(0.5, "a lead over the runner-up below this is Unassigned", minimum=0)
    celltypist_model: str | None = option(
        None, "a CellTypist model file (.pkl), which votes on the types too"
    )


@dataclass(frozen=True)
class ReferenceSettings(Settings):
    """An annotated reference whose cell types are carried over to every sample."""

    path: str | None = option(None, "file of raw counts with cell types, in any format of a sample")
    label: str = option("cell_type", "its column of cell types")
    subset: str | None = option(None, "column=value: only these cells of it")
    layer: str | None = option(None, "its layer of raw counts, where X holds something else")


@dataclass(frozen=True)
class TrajectorySettings(Settings):
    """An order of the cells, only where it is asked for."""

    run: bool = option(False, "order the cells by diffusion pseudotime")
    root: str | None = option(
        None, "where it begins: cluster=NAME, gene=SYMBOL or COLUMN=VALUE; null guesses"
    )


PAPER: dict[str, Any] = {
    "networks": 1,
    "latent_size": 20,
    "expression_swap": 0.0,
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
"""What :meth:`ModelSettings.paper` changes; ``config/presets/paper.yaml`` holds the same."""


@dataclass(frozen=True)
class ModelSettings(Settings):
    """The Siamese networks, their training, and the clustering by optimal transport."""

    networks: int = option(3, "networks in the ensemble", minimum=1, maximum=50)
    latent_size: int = option(32, "dimensions of a network's latent", minimum=2, maximum=512)
    hidden_size: int = option(256, "width of the hidden layers", minimum=8, maximum=4096)
    expression_noise: float = option(
        0.1, "deviation of the multiplicative noise on expression; 0 switches it off", minimum=0
    )
    expression_swap: float = option(
        0.3,
        "share of genes that take another cell's value in a view; 0 switches it off",
        minimum=0,
        maximum=0.9,
    )
    edge_drop: float = option(
        0.1,
        "share of edges, the least similar, dropped from view 1; 0 switches it off",
        minimum=0,
        maximum=0.9,
    )
    diffusion: bool = option(True, "diffuse view 2 by personalised PageRank")
    diffusion_alpha: float = option(
        0.2, "restart probability of the diffusion", minimum=0.01, maximum=1
    )
    fusion: bool = option(
        True, "fuse expression and graph latents by a learned gate, else by their mean"
    )
    likelihood: Literal["zinb", "nb", "multinomial", "none"] = option(
        "multinomial", "likelihood of the counts; none reconstructs scaled expression instead"
    )
    cell_refinement_expression: float = option(
        0.01, "weight of the cell-level refinement, expression encoder; 0 is off", minimum=0
    )
    cell_refinement_graph: float = option(
        0.01, "weight of the cell-level refinement, graph encoder; 0 is off", minimum=0
    )
    latent_refinement: float = option(
        0.0, "weight of the latent-level refinement; 0 is off", minimum=0
    )
    propagation: float = option(
        0.0, "weight of the propagation regularisation; 0 is off", minimum=0
    )
    graph_reconstruction: float = option(0.0, "weight of the graph decoder; 0 is off", minimum=0)
    space: Literal["joint", "latent"] = option(
        "joint", "cluster in components and latent joined, or in the latent alone"
    )
    propagate_latent: bool = option(False, "propagate the fused latent over the graph")
    proportions: Literal["learned", "fixed", "ignored"] = option(
        "learned",
        "sizes of the clusters in the transport: learned from the assignment, fixed at those of "
        "the start, or ignored (no transport: each cell goes to its nearest centre)",
    )
    temperature: float = option(
        0.05,
        "entropic regularisation of the final transport, in units of cosine; larger is softer",
        minimum=0.001,
        maximum=10,
    )
    pretrain_steps: int = option(160, "mini-batches that shape the latent", minimum=1)
    cluster_steps: int = option(
        0, "most mini-batches of joint training on transport targets; 0 switches it off", minimum=0
    )
    clustering: float = option(1.0, "weight of the clustering loss in joint training", minimum=0)
    sharpness: float = option(
        5.0, "exponent of the assignments in joint training (lambda)", minimum=0.1
    )
    refresh_every: int = option(25, "mini-batches between two transport targets", minimum=1)
    tolerance: float = option(
        0.002,
        "joint training stops when a smaller share of cells changes cluster between two targets",
        minimum=0,
        maximum=1,
    )
    batch_size: int = option(256, "cells in a mini-batch", minimum=8)
    learning_rate: float = option(1e-3, "step size of Adam", minimum=1e-6, maximum=1)
    clustering_rate: float = option(
        0.1, "step size of joint training, as a multiple of learning_rate", minimum=0, maximum=10
    )
    max_clusters: int = option(
        20, "largest number of clusters tried where none is given", minimum=4, maximum=150
    )

    @classmethod
    def paper(cls, **changes: Any) -> ModelSettings:
        """The settings of Xu et al. (2025), without the defects of the released program.

        One network with joint training, clusters of fixed proportions in its latent alone, and
        the published weights of the terms.

        Parameters
        ----------
        **changes
            Settings that differ from the published ones.

        Examples
        --------
        >>> settings = ModelSettings.paper(networks=3)
        >>> settings.networks, settings.likelihood
        (3, 'zinb')
        """
        return cls(**{**PAPER, **changes})

    @property
    def restart(self) -> float | None:
        """Restart probability of the diffusion; None where it is off."""
        return self.diffusion_alpha if self.diffusion else None
