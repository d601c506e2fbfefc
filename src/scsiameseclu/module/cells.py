"""All cells as training sees them, and the mini-batches cut from them.

The data lie on the device where they fit; else they stay in the machine's memory, and a thread
prepares the next mini-batch while the device computes. Either way genes are dense in a mini-batch
only.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from scsiameseclu.module.graph_views import GraphViews
from scsiameseclu.module.sparse_rows import SparseRows


@dataclass
class Batch:
    """A mini-batch of cells as tensors on the device; names as in :class:`CellData`."""

    cells: Tensor
    expression: Tensor
    counts: Tensor
    size_factor: Tensor
    components: Tensor
    perturbed: Tensor
    diffused: Tensor
    propagated: Tensor
    neighbours: Tensor
    weights: Tensor

    def pinned(self) -> Batch:
        """In memory from which a GPU copies while it computes."""
        return Batch(*(getattr(self, part.name).pin_memory() for part in fields(self)))

    def to(self, device: torch.device) -> Batch:
        """On another device."""
        return Batch(
            *(getattr(self, part.name).to(device, non_blocking=True) for part in fields(self))
        )


@dataclass
class CellData:
    """All cells, sparse where genes are concerned; on one device.

    Attributes
    ----------
    expression, counts
        Scaled log-normalised values and raw counts of the variable genes, (n_cells, n_genes).
    size_factor
        Total counts among the variable genes, (n_cells,).
    components
        Principal components over their overall standard deviation, (n_cells, n_pcs).
    perturbed, diffused, propagated
        See :class:`scsiameseclu.module.graph_views.GraphViews`.
    neighbours, weights
        See :func:`scsiameseclu.module.graph_views.neighbour_table`.
    """

    expression: SparseRows
    counts: SparseRows
    size_factor: Tensor
    components: Tensor
    perturbed: Tensor
    diffused: Tensor
    propagated: Tensor
    neighbours: Tensor
    weights: Tensor

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.components.shape[0]

    @property
    def n_bytes(self) -> int:
        """What it takes on a device."""
        parts = (getattr(self, part.name) for part in fields(self))
        return sum(part.nbytes if isinstance(part, Tensor) else part.n_bytes for part in parts)

    def to(self, device: torch.device) -> CellData:
        """On another device."""
        return CellData(*(getattr(self, part.name).to(device) for part in fields(self)))

    def with_views(self, views: GraphViews) -> CellData:
        """The same cells under other views of the graph."""
        device = self.components.device
        return replace(
            self,
            perturbed=torch.from_numpy(views.perturbed).to(device),
            diffused=torch.from_numpy(views.diffused).to(device),
            propagated=torch.from_numpy(views.propagated).to(device),
        )

    def encoder_inputs(self, first: int, last: int) -> tuple[SparseRows, Tensor, Tensor]:
        """Expression and both views of the graph of cells in a row, where the data lie."""
        expression = self.expression.block(first, last)
        return expression, self.perturbed[first:last], self.diffused[first:last]

    def batch(self, cells: np.ndarray) -> Batch:
        """The mini-batch of the given cells, where the data lie."""
        chosen = torch.from_numpy(cells).to(self.components.device)
        return Batch(
            cells=chosen,
            expression=self.expression.dense(cells, chosen),
            counts=self.counts.dense(cells, chosen),
            size_factor=self.size_factor[chosen],
            components=self.components[chosen],
            perturbed=self.perturbed[chosen],
            diffused=self.diffused[chosen],
            propagated=self.propagated[chosen],
            neighbours=self.neighbours[chosen],
            weights=self.weights[chosen],
        )
