"""All cells as training sees them, and mini-batches of them.

The data are on the device if they fit; otherwise they stay in the machine's memory. Either way
genes are dense in a mini-batch only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from scsiameseclu.module.sparse_rows import SparseRows


@dataclass
class Batch:
    """A mini-batch of cells as tensors on the device; names as in :class:`CellData`."""

    cells: Tensor
    expression: Tensor
    counts: Tensor
    size_factor: Tensor
    perturbed: Tensor
    diffused: Tensor
    propagated: Tensor
    neighbours: Tensor
    weights: Tensor

    def pinned(self) -> Batch:
        """In pinned memory, from which a GPU copies while it computes."""
        return Batch(*(getattr(self, part.name).pin_memory() for part in fields(self)))

    def to(self, device: torch.device) -> Batch:
        """On another device."""
        return Batch(
            *(getattr(self, part.name).to(device, non_blocking=True) for part in fields(self))
        )


@dataclass
class CellData:
    """All cells on one device; matrices of genes are sparse.

    Attributes
    ----------
    expression, counts
        Scaled log-normalised values and raw counts of the variable genes, (n_cells, n_genes).
    size_factor
        Total counts among the variable genes, (n_cells,).
    perturbed, diffused
        The two views of the graph: components propagated over the graph without its least similar
        edges, and components diffused over the graph, (n_cells, n_pcs).
    propagated
        Components propagated over the graph, (n_cells, n_pcs); (n_cells, 0) unless needed.
    neighbours, weights
        Each cell's neighbours and itself, and their weights, (n_cells, width); see
        :func:`scsiameseclu.module.graph_views.neighbour_table`.
    """

    expression: SparseRows
    counts: SparseRows
    size_factor: Tensor
    perturbed: Tensor
    diffused: Tensor
    propagated: Tensor
    neighbours: Tensor
    weights: Tensor

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.size_factor.shape[0]

    @property
    def n_bytes(self) -> int:
        """Memory on a device."""
        parts = (getattr(self, part.name) for part in fields(self))
        return sum(part.nbytes if isinstance(part, Tensor) else part.n_bytes for part in parts)

    def to(self, device: torch.device) -> CellData:
        """On another device."""
        return CellData(*(getattr(self, part.name).to(device) for part in fields(self)))

    def with_perturbed(self, perturbed: Tensor) -> CellData:
        """The same cells under another view 1 of the graph."""
        return replace(self, perturbed=perturbed.to(self.perturbed.device))

    def encoder_inputs(self, first: int, last: int) -> tuple[SparseRows, Tensor, Tensor]:
        """Expression and both views of consecutive cells, on the device of the data."""
        expression = self.expression.block(first, last)
        return expression, self.perturbed[first:last], self.diffused[first:last]

    def batch(self, cells: np.ndarray) -> Batch:
        """The mini-batch of the given cells, on the device of the data."""
        chosen = torch.from_numpy(cells).to(self.size_factor.device)
        return Batch(
            cells=chosen,
            expression=self.expression.dense(cells, chosen),
            counts=self.counts.dense(cells, chosen),
            size_factor=self.size_factor[chosen],
            perturbed=self.perturbed[chosen],
            diffused=self.diffused[chosen],
            propagated=self.propagated[chosen],
            neighbours=self.neighbours[chosen],
            weights=self.weights[chosen],
        )
