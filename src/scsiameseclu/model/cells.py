"""All cells as training sees them, and the mini-batches cut from them.

The data lie on the device where they fit; else they stay in the machine's memory, and a thread
prepares the next mini-batch while the device computes. Either way genes are dense in a mini-batch
only.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from scsiameseclu.model.batches import Batches
from scsiameseclu.model.sparse_rows import SparseRows
from scsiameseclu.model.views import GraphViews

RESIDENT_SHARE = 0.5
"""Of the device's free memory that the data may take."""


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

    def pinned(self) -> "Batch":
        """In memory from which a GPU copies while it computes."""
        return Batch(*(getattr(self, part.name).pin_memory() for part in fields(self)))

    def to(self, device: torch.device) -> "Batch":
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
        See :class:`scsiameseclu.model.views.GraphViews`.
    neighbours, weights
        See :func:`scsiameseclu.model.views.neighbour_table`.
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

    def to(self, device: torch.device) -> "CellData":
        """On another device."""
        return CellData(*(getattr(self, part.name).to(device) for part in fields(self)))

    def with_views(self, views: GraphViews) -> "CellData":
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


def placed(data: CellData, device: torch.device) -> CellData:
    """The data on the device, if half of its free memory holds them; else as they are."""
    if device.type != "cuda":
        return data
    free, _ = torch.cuda.mem_get_info(device)
    return data.to(device) if data.n_bytes <= RESIDENT_SHARE * free else data


class Loader:
    """Mini-batches on the device, the next one prepared meanwhile where the data are elsewhere.

    Parameters
    ----------
    data, batches
        The cells, and whose turn it is.
    device
        Where mini-batches go.
    ahead
        Whether a thread prepares the next one; if not said, where the data lie elsewhere.
    """

    def __init__(
        self,
        data: CellData,
        batches: Batches,
        device: torch.device,
        ahead: bool | None = None,
    ) -> None:
        self.data, self.batches, self.device = data, batches, device
        self._next: tuple[np.ndarray, Future[Batch]] | None = None
        elsewhere = data.components.device.type != device.type
        ahead = elsewhere if ahead is None else ahead
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="batches") if ahead else None

    def encoder_inputs(self, first: int, last: int) -> tuple[SparseRows, Tensor, Tensor]:
        """What the encoders take of cells in a row, see :meth:`CellData.encoder_inputs`."""
        expression, perturbed, diffused = self.data.encoder_inputs(first, last)
        device = self.device
        return expression.to(device), perturbed.to(device), diffused.to(device)

    def __next__(self) -> Batch:
        cells = next(self.batches)
        if self._worker is None:
            return self.data.batch(cells).to(self.device)
        expected, self._next = self._next, None
        if expected is not None and np.array_equal(expected[0], cells):
            batch = expected[1].result()
        else:
            batch = self._prepare(cells)
        coming = self.batches.peek()
        self._next = (coming, self._worker.submit(self._prepare, coming))
        return batch.to(self.device)

    def _prepare(self, cells: np.ndarray) -> Batch:
        batch = self.data.batch(cells)
        return batch.pinned() if self.device.type == "cuda" else batch

    def show(self, data: CellData) -> None:
        """Go on with other views of the same cells."""
        self.data, self._next = data, None
