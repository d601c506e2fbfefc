"""Stage: train the Siamese network on one sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings

if TYPE_CHECKING:
    from scsiameseclu.model.preparation import Prepared

ADJACENCY = "obsp/connectivities"


def train(
    expression: Path,
    graph: Path,
    model_dir: Path,
    embedding: Path,
    history: Path,
    *,
    settings: ModelSettings,
    n_clusters: str | None,
    seed: int,
    device: str,
    sample: str,
    checkpoint: Path | None = None,
) -> None:
    """Write the model's folder, embedding.h5ad (``obsm["X_siamese"]``, levels) and training.tsv.

    What was trained before a kill is taken up from ``checkpoint``; the file goes once all is
    written.

    Raises
    ------
    UserError
        There is no GPU though ``device`` is ``cuda``; more clusters are asked for than cells.
    """
    from scsiameseclu.cluster_number import ClusterNumber
    from scsiameseclu.errors import UserError
    from scsiameseclu.model.fitting import fit_model
    from scsiameseclu.store.atomic import write_table
    from scsiameseclu.store.files import read_parts, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    try:
        fitted = fit_model(
            read_prepared(expression, graph),
            number=ClusterNumber.parse(n_clusters),
            seed=seed,
            device=device,
            settings=settings,
            checkpoint=checkpoint,
        )
    except UserError as error:
        raise UserError(f"sample {sample}: {error}") from error
    fitted.model.save(model_dir)
    write_table(history, fitted.history)
    obs = read_parts(expression, ["obs"])["obs"][[]]
    obs["siamese_coarse"] = fitted.clustering.coarse.astype(str)
    obs["siamese_fine"] = fitted.clustering.fine.astype(str)
    result = sidecar(obs.astype("category"), obsm={"X_siamese": fitted.embedding})
    summary = fitted.model.summary
    result.uns["training"] = {
        "device": summary["device_note"],
        "n_steps": summary["n_steps"],
        "stopped": summary["stopped"],
    }
    result.uns["provenance"] = record(
        "train", seed=seed, settings=summary["params"], device=summary["device"]
    )
    write_h5ad(result, embedding)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)


def read_prepared(expression: Path, graph: Path) -> Prepared:
    """The inputs of a fit from the files of the stages expression and graph.

    Of the matrices only the variable genes are held.
    """
    import anndata as ad
    import numpy as np
    import scipy.sparse as sp

    from scsiameseclu.model.preparation import Prepared
    from scsiameseclu.model.scaling import gene_scaling
    from scsiameseclu.store.files import read_columns, read_parts

    keys = ["obs", "var", "varm/PCs", "obsm/X_pca", "uns/pca", "uns/median_total"]
    parts = read_parts(expression, keys)
    of_expression = ExpressionSettings(**_settings(expression, "expression"))
    chosen = parts["var"]["highly_variable"].to_numpy(dtype=bool)
    work = ad.AnnData(obs=parts["obs"], var=parts["var"])
    work.obsm["X_pca"], work.varm["PCs"] = parts["obsm/X_pca"], parts["varm/PCs"]
    work.uns["pca"] = parts["uns/pca"]
    part = read_columns(expression, "X", chosen)
    return Prepared(
        expression=part,
        counts=read_columns(expression, "layers/counts", chosen),
        components=np.asarray(work.obsm["X_pca"], dtype=np.float32),
        adjacency=sp.csr_matrix(read_parts(graph, [ADJACENCY])[ADJACENCY]),
        scaling=gene_scaling(
            work, part, chosen, float(parts["uns/median_total"]), of_expression.max_value
        ),
        expression_settings=of_expression,
        graph_settings=GraphSettings(**_settings(graph, "graph")),
    )


def _settings(path: Path, stage: str) -> dict[str, Any]:
    """The settings that a stage recorded in its file."""
    from scsiameseclu.store.files import read_parts

    key = "uns/provenance"
    kept: dict[str, Any] = json.loads(read_parts(path, [key])[key][stage]["settings"])
    return kept
