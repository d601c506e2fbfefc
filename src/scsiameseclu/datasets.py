"""Built-in data sets; nothing is downloaded."""

from __future__ import annotations

from typing import Literal

import anndata as ad

from scsiameseclu.errors import UserError
from scsiameseclu.io.demo import HALVES, demo_cells

__all__ = ["pbmc"]


def pbmc(part: Literal["a", "b"] | None = None) -> ad.AnnData:
    """700 peripheral blood mononuclear cells, 765 genes (Zheng et al. 2017, 10x Genomics).

    The counts of ``scanpy.datasets.pbmc68k_reduced()``, which is part of scanpy.

    Parameters
    ----------
    part
        One half of the cells: ``"a"`` for cells 0, 2, 4, …, ``"b"`` for cells 1, 3, 5, …, as if
        they were two samples. All cells by default.

    Returns
    -------
    AnnData with the following fields:

    ``X``
        Raw counts, CSR, float32.
    ``obs["bulk_labels"]``
        Published cell type, category.

    Raises
    ------
    UserError
        There is no such part.

    Examples
    --------
    >>> import scsiameseclu
    >>> scsiameseclu.datasets.pbmc().shape
    (700, 765)
    """
    if part is not None and part not in HALVES:
        raise UserError(f"part is {part!r}; it must be one of {', '.join(HALVES)}, or None")
    adata = demo_cells(part)
    labels = adata.obs[["bulk_labels"]].copy()
    return ad.AnnData(adata.X, obs=labels, var=adata.var[[]].copy())
