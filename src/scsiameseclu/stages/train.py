"""Stage: train the Siamese network on one sample."""

from pathlib import Path

from scsiameseclu.settings import ModelSettings


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
    from scsiameseclu.clusters.request import ClusterNumber
    from scsiameseclu.data.store import read_parts, sidecar, write_h5ad, write_table
    from scsiameseclu.errors import UserError
    from scsiameseclu.model.fitting import fit_model
    from scsiameseclu.model.preparation import read_prepared
    from scsiameseclu.provenance import record

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
