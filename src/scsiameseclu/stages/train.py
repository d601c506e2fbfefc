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
    import pandas as pd

    from scsiameseclu.data.store import read_h5ad, sidecar, write_h5ad, write_table
    from scsiameseclu.errors import UserError
    from scsiameseclu.model.estimator import ScSiameseClu
    from scsiameseclu.provenance import record

    adata = read_h5ad(expression)
    adata.obsp = read_h5ad(graph).obsp
    estimator = ScSiameseClu(n_clusters, random_state=seed, device=device, **settings.to_dict())
    try:
        estimator.fit(adata, checkpoint=checkpoint)
    except UserError as error:
        raise UserError(f"sample {sample}: {error}") from error
    summary = estimator.model.summary
    estimator.save(model_dir)
    if estimator.history is not None:
        write_table(history, estimator.history)
    result = sidecar(
        pd.DataFrame(adata.obs[["siamese_coarse", "siamese_fine"]]),
        obsm={"X_siamese": adata.obsm["X_siamese"]},
    )
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
