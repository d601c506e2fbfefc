"""Transfer the cell types of an annotated reference to the cells of a sample."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(folder: SampleFolder, *, reference: Path, seed: int = 0) -> None:
    """Write ``transfer``.

    The sample is embedded with the model of the reference, and its cells are transported to the
    cell types. ``transfer`` contains ``obs["transferred"]`` (category, including "Unknown"),
    ``obs["transferred_probability"]`` (float32), and ``uns["transfer"]``: path, sha256 and label of
    the reference, its numbers of cells and types, ``overlap`` (fraction of the model's genes that
    the sample has) and ``matched_by``.

    Parameters
    ----------
    folder
        Folder of the sample.
    reference
        Output folder of the stage reference.

    Raises
    ------
    UserError
        The sample has fewer than 20 % of the model's genes, or the reference has not been fitted.
    """
    import pandas as pd

    from scsiameseclu.annotation.by_reference import LabelTransfer, embed_query
    from scsiameseclu.genes.matching import GeneNames
    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.stages.reference import CELLS, MODEL
    from scsiameseclu.store.files import read_h5ad

    if not (reference / CELLS).is_file():
        raise UserError(
            f"{reference} has no {CELLS}; run the stage reference with this folder first"
        )
    model, annotated = FittedModel.load(reference / MODEL), read_h5ad(reference / CELLS)
    record = annotated.uns["reference"]
    genes = GeneNames(
        ids=[str(name) for name in record["gene_id"]],
        symbols=[str(name) for name in record["gene_symbol"]],
    )
    cells = folder.read("expression", without=["X", "varm", "obsm"])
    embedding, match = embed_query(
        model,
        genes,
        record["places"],
        cells,
        reference=f"reference {record['path']}",
        query_name="the sample",
    )
    types = annotated.obs["cell_type"]
    classifier = LabelTransfer(random_state=seed).fit(annotated.obsm["X_siamese"], types)
    table = classifier.predict(embedding)
    obs = pd.DataFrame(
        {
            "transferred": pd.Categorical(table["cell_type"].astype(str)),
            "transferred_probability": table["probability"].to_numpy(),
        },
        index=cells.obs_names,
    )
    summary = {
        **{key: record[key] for key in ("path", "sha256", "label")},
        "n_cells": int(types.notna().sum()),
        "n_types": len(classifier.types),
        "overlap": match.overlap,
        "matched_by": match.by,
        "min_similarity": classifier.min_similarity,
    }
    uns = {"transfer": summary, "provenance": annotated.uns["provenance"]}
    folder.write("transfer", obs, uns=uns, stage="transfer", seed=seed)
    share, unknown = 100 * match.overlap, 100 * (table["cell_type"] == "Unknown").mean()
    log.info(
        "%.0f%% of the genes, by %s; %.0f%% of the cells are Unknown", share, match.by, unknown
    )
