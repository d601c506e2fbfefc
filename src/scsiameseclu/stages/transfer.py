"""Stage transfer: the types of an annotated reference, carried over to the cells of a sample."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)


def transfer(
    expression: Path, model_dir: Path, reference: Path, output: Path, *, sample: str, seed: int
) -> None:
    """Embed the sample with the reference's model, and transport its cells to the types.

    Parameters
    ----------
    expression
        The h5ad of the stage expression (``layers["counts"]``).
    model_dir, reference
        What the stage reference wrote.
    output
        The h5ad to write: ``obs["transferred"]`` (category, with "Unknown"),
        ``obs["transferred_probability"]`` (float32), and ``uns["transfer"]``: path, sha256 and
        label of the reference, number of its cells and types, ``overlap`` (share of the model's
        genes that the sample has) and ``matched_by``.

    Raises
    ------
    UserError
        The sample has less than a fifth of the model's genes.
    """
    import pandas as pd

    from scsiameseclu.annotation.by_reference import LabelTransfer, embed_query
    from scsiameseclu.genes.matching import GeneNames
    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.store.files import read_h5ad, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    model, known = FittedModel.load(model_dir), read_h5ad(reference)
    told = known.uns["reference"]
    genes = GeneNames(*([str(v) for v in told[key]] for key in ("gene_id", "gene_symbol")))
    cells = read_h5ad(expression, without=["X", "varm", "obsm"])
    embedding, match = embed_query(
        *(model, genes, told["places"], cells),
        reference=f"reference {told['path']}",
        query_name="the sample",
    )
    types = known.obs["cell_type"]
    carried = LabelTransfer(random_state=seed).fit(known.obsm["X_siamese"], types)
    found = carried.predict(embedding)
    obs = pd.DataFrame(
        {
            "transferred": pd.Categorical(found["cell_type"].astype(str)),
            "transferred_probability": found["probability"].to_numpy(),
        },
        index=cells.obs_names,
    )
    summary = {
        **{key: told[key] for key in ("path", "sha256", "label")},
        "n_cells": int(types.notna().sum()),
        "n_types": len(carried.types),
        "overlap": match.overlap,
        "matched_by": match.by,
        "min_similarity": carried.min_similarity,
    }
    provenance = known.uns["provenance"] | record("transfer", seed=seed)
    write_h5ad(sidecar(obs, uns={"transfer": summary, "provenance": provenance}), output)
    unknown = float((found["cell_type"] == "Unknown").mean())
    log.info("%.0f%% of the genes, by %s; %.0f%% of the cells are Unknown",
             100 * match.overlap, match.by, 100 * unknown)  # fmt: skip
