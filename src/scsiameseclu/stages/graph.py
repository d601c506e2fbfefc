"""Stage: the kNN graph of cells."""

from pathlib import Path

from scsiameseclu.settings import GraphSettings


def graph(expression: Path, output: Path, *, settings: GraphSettings, seed: int) -> None:
    """Write graph.h5ad: ``obsp["distances"]`` and ``obsp["connectivities"]`` from ``X_pca``."""
    from scsiameseclu.preprocess.neighbours import build_graph
    from scsiameseclu.store.files import read_parts, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    source = read_parts(expression, ["obs", "obsm/X_pca"])
    adata = sidecar(source["obs"].index, obsm={"X_pca": source["obsm/X_pca"]})
    build_graph(adata, settings, seed)
    del adata.obsm["X_pca"]
    adata.uns["provenance"] = record("graph", seed=seed, settings=settings.to_dict())
    write_h5ad(adata, output)
