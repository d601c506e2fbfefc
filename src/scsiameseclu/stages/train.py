"""Train the Siamese networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings
from scsiameseclu.store.manifest import CHECKPOINT

if TYPE_CHECKING:
    from scsiameseclu.model.preparation import Prepared
    from scsiameseclu.store.folder import SampleFolder


def run(
    folder: SampleFolder,
    *,
    settings: ModelSettings,
    n_clusters: str | None = None,
    device: Literal["auto", "cpu", "cuda"] = "auto",
    seed: int = 0,
) -> None:
    """Write ``networks``, ``embedding`` (``obsm["X_siamese"]``) and ``training`` (the losses).

    Training resumes from the checkpoint of an interrupted run, which is removed at the end.

    Raises
    ------
    UserError
        ``device`` is ``cuda`` but no GPU is available, or more clusters are requested than cells
        exist.
    """
    from scsiameseclu.cluster_number import ClusterNumber
    from scsiameseclu.model.fitting import train_networks

    checkpoint = folder.directory / CHECKPOINT
    training = train_networks(
        read_prepared(folder),
        number=ClusterNumber.parse(n_clusters),
        seed=seed,
        device=device,
        settings=settings,
        checkpoint=checkpoint,
    )
    training.networks.save(folder.path("networks"))
    folder.write_table("training", training.history)
    summary = training.networks.summary
    folder.write(
        "embedding",
        folder.cells,
        obsm={"X_siamese": training.embedding},
        uns={
            "training": {
                "device": summary["device_note"],
                "n_steps": summary["n_steps"],
                "stopped": summary["stopped"],
            }
        },
        stage="train",
        seed=seed,
        settings=summary["params"],
        device=summary["device"],
    )
    checkpoint.unlink(missing_ok=True)


def read_prepared(folder: SampleFolder) -> Prepared:
    """Read the inputs of training from the files of the stages expression and graph.

    Only the variable genes of the matrices are loaded.
    """
    import anndata as ad

    from scsiameseclu.model.preparation import Prepared
    from scsiameseclu.model.scaling import gene_scaling
    from scsiameseclu.preprocess.integration import UNCORRECTED, align
    from scsiameseclu.store.files import read_columns, read_parts

    expression = folder.path("expression")
    uncorrected = f"obsm/{UNCORRECTED}"
    keys = ["obs", "var", "varm/PCs", "obsm/X_pca", uncorrected, "uns/pca", "uns/median_total"]
    parts = read_parts(expression, keys)
    chosen = parts["var"]["highly_variable"].to_numpy(dtype=bool)
    work = ad.AnnData(obs=parts["obs"], var=parts["var"])
    work.obsm["X_pca"] = parts.get(uncorrected, parts["obsm/X_pca"])
    work.varm["PCs"] = parts["varm/PCs"]
    work.uns["pca"] = parts["uns/pca"]
    values = read_columns(expression, "X", chosen)
    settings = ExpressionSettings(**folder.recorded_settings("expression"))
    total = float(parts["uns/median_total"])
    alignment = None
    if uncorrected in parts:  # again, as its matches are not in the file
        batches = work.obs["batch"].astype(str).astype("category")
        alignment = align(parts[uncorrected], batches, folder.recorded_seed("expression"))
    return Prepared(
        expression=values,
        counts=read_columns(expression, "layers/counts", chosen),
        components=folder.array("expression", "obsm/X_pca").astype("float32"),
        adjacency=folder.pairs("graph", "obsp/connectivities"),
        scaling=gene_scaling(work, values, chosen, total, settings.max_value),
        expression_settings=settings,
        graph_settings=GraphSettings(**folder.recorded_settings("graph")),
        alignment=alignment,
    )
