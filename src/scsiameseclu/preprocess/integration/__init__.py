"""Integration of batches: cells of one type come together, a type that a batch lacks stays apart.

Every batch is summarised by micro-clusters. Unbalanced optimal transport matches those of one batch
with those of the others; the displacement that this implies, smooth over the batch, is subtracted
from the components and, by the same matches, from whatever else is measured on the cells.
"""

from scsiameseclu.preprocess.integration.alignment import (
    RECORD,
    UNCORRECTED,
    Alignment,
    align,
    integrate,
)
from scsiameseclu.preprocess.integration.mixing import batch_mixing

__all__ = ["RECORD", "UNCORRECTED", "Alignment", "align", "batch_mixing", "integrate"]
