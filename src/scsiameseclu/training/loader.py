"""Mini-batches on the device.

The data are on the device if they fit; otherwise they stay in the machine's memory, and a thread
prepares the next mini-batch while the device computes.
"""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from scsiameseclu.module.cells import Batch, CellData
from scsiameseclu.module.sparse_rows import SparseRows
from scsiameseclu.training.batches import Batches

RESIDENT_SHARE = 0.5
"""Share of the device's free memory that the data may take."""


def placed(data: CellData, device: torch.device) -> CellData:
    """The data on the device if they fit into half of its free memory; otherwise unchanged."""
    if device.type != "cuda":
        return data
    free, _ = torch.cuda.mem_get_info(device)
    return data.to(device) if data.n_bytes <= RESIDENT_SHARE * free else data


class Loader:
    """Mini-batches on the device; if the data are elsewhere, the next one is prepared ahead.

    Parameters
    ----------
    data, batches
        All cells, and the order of mini-batches.
    device
        Device of the mini-batches.
    ahead
        Whether a thread prepares the next one; by default if the data are on another device.
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
        elsewhere = data.size_factor.device.type != device.type
        ahead = elsewhere if ahead is None else ahead
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="batches") if ahead else None

    def encoder_inputs(self, first: int, last: int) -> tuple[SparseRows, Tensor, Tensor]:
        """Inputs of the encoders for consecutive cells; see :meth:`CellData.encoder_inputs`."""
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
        """Continue with other views of the same cells."""
        self.data, self._next = data, None
