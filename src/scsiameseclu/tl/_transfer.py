"""Cell types of an annotated reference, transferred to other cells."""

from __future__ import annotations

import logging

import anndata as ad
import pandas as pd

from scsiameseclu._inputs import plain_params
from scsiameseclu.annotation import by_reference

log = logging.getLogger(__name__)


def transfer_labels(
    adata: ad.AnnData,
    reference: ad.AnnData,
    *,
    label: str,
    key_added: str = "transferred",
    layer: str | None = None,
    batch_key: str | None = None,
    device: str = "auto",
    random_state: int = 0,
    copy: bool = False,
) -> ad.AnnData | None:
    """Transfer the cell types of an annotated reference by optimal transport.

    A model is fitted to the reference without its labels, in the genes that both have, and embeds
    the cells, which are transported to the types with learned proportions. A cell unlike all cells
    of the reference is ``"Unknown"``.

    Parameters
    ----------
    adata
        Raw counts of the cells to label.
    reference
        Raw counts of the annotated cells; it is not changed. Genes are matched by ids or symbols.
    label
        Column of ``reference.obs`` with the cell types; cells without one are left out.
    key_added
        Name of the slots, in place of ``transferred``.
    layer
        Layer of the counts of both, or ``"X"``; by default ``layers["counts"]`` if there is one,
        else X.
    batch_key
        Column of ``reference.obs`` with its batches, for highly variable genes.
    device
        ``"auto"`` (the GPU if there is one), ``"cpu"`` or ``"cuda"``.
    random_state
        Seed of the model and of the transfer.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["transferred"]``
        Cell type, category, or ``"Unknown"``.
    ``obs["transferred_best"]``
        The most probable type in any case, category.
    ``obs["transferred_probability"]``
        Probability of that type, float32.
    ``obs["transferred_similarity"]``
        Cosine similarity to the nearest cells of the reference, float32.
    ``uns["transferred"]``
        ``types`` and ``n_cells`` of the reference, ``overlap`` (share of the model's genes in
        ``adata``), ``matched_by``, ``min_similarity`` (below it a cell is Unknown) and ``params``
        (dict).

    Raises
    ------
    UserError
        The reference lacks the column or has fewer than two types, or ``adata`` has less than a
        fifth of its genes.
    """
    result = by_reference.transfer_labels(
        reference,
        adata,
        label,
        layer=layer,
        batch_key=batch_key,
        random_state=random_state,
        device=device,
    )
    cells = result.cells
    adata = adata.copy() if copy else adata
    adata.obs[key_added] = pd.Categorical(cells["cell_type"].astype(str))
    adata.obs[f"{key_added}_best"] = pd.Categorical(cells["best"].astype(str))
    adata.obs[f"{key_added}_probability"] = cells["probability"].to_numpy()
    adata.obs[f"{key_added}_similarity"] = cells["similarity"].to_numpy()
    adata.uns[key_added] = {
        "types": result.types,
        "n_cells": result.n_cells,
        "overlap": result.overlap,
        "matched_by": result.matched_by,
        "min_similarity": result.min_similarity,
        "params": plain_params(
            label=label,
            layer=layer,
            batch_key=batch_key,
            device=device,
            random_state=random_state,
        ),
    }
    unknown = float((cells["cell_type"] != cells["best"]).mean())
    log.info("%.0f%% of the cells are Unknown", 100 * unknown)
    return adata if copy else None
