"""Build the k-nearest-neighbour graph of the cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scsiameseclu.settings import GraphSettings

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, *, settings: GraphSettings, seed: int = 0) -> None:
    """Write ``graph``, with ``distances`` and ``connectivities`` in ``obsp``."""
    from scsiameseclu.graph.neighbours import build_graph
    from scsiameseclu.store.files import sidecar

    components = folder.array("expression", "obsm/X_pca")
    adata = sidecar(folder.cells, obsm={"X_pca": components})
    build_graph(adata, settings, seed)
    folder.write(
        "graph",
        folder.cells,
        obsp=dict(adata.obsp),
        uns=dict(adata.uns),
        stage="graph",
        seed=seed,
        settings=settings.to_dict(),
    )
