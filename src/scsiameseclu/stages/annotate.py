"""Stage annotate: a cell type for each cluster, where its markers speak clearly enough."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    from scsiameseclu.biology.annotation import Annotation


def annotate(
    expression: Path,
    clusters: Path,
    table: Path,
    output: Path,
    *,
    settings: AnnotationSettings,
    sample: str,
    organism: str = "auto",
) -> None:
    """Annotate the clusters of one sample.

    Parameters
    ----------
    expression
        The h5ad of the stage expression (log-normalised ``X``).
    clusters
        The h5ad of the stage cluster (``obs["siamese"]``).
    table
        Where to write one line per cluster.
    output
        Where to write ``obs["cell_type_predicted"]`` (category), ``obs["cell_type_score"]``
        (float32) and ``uns["annotation"]``: tissue, organism, marker table, overlap, and the
        scores (n_clusters, n_types) with the names of their rows and columns.
    organism
        ``"human"``, ``"mouse"`` or ``"auto"``.
    """
    import pandas as pd

    from scsiameseclu.biology.annotation import annotate_clusters
    from scsiameseclu.data.store import add_warnings, read_h5ad, sidecar, write_h5ad, write_table
    from scsiameseclu.provenance import record

    cells = read_h5ad(expression, without=["layers", "varm"])
    assigned = read_h5ad(clusters).obs["siamese"].loc[cells.obs_names]
    found = annotate_clusters(cells, assigned, settings, organism=organism, sample=sample)
    by_cluster = found.table.set_index("cluster")
    names = assigned.astype(str)
    obs = pd.DataFrame(
        {
            "cell_type_predicted": pd.Categorical(names.map(by_cluster["cell_type"])),
            "cell_type_score": names.map(by_cluster["score"]).astype("float32"),
        },
        index=cells.obs_names,
    )
    uns = {
        "annotation": _summary(found, settings),
        "provenance": record("annotate", seed=None, settings=settings.to_dict()),
    }
    result = sidecar(obs, uns=uns)
    add_warnings(result, found.warnings)
    write_h5ad(result, output)
    write_table(table, found.table)


def _summary(found: "Annotation", settings: AnnotationSettings) -> dict[str, Any]:
    import numpy as np

    return {
        "tissue": found.tissue,
        "organism": found.organism,
        "marker_table": settings.marker_table or "canonical",
        "overlap": found.overlap,
        "scores": found.scores.to_numpy(dtype=np.float64),
        "clusters": np.array(found.scores.index, dtype=object),
        "cell_types": np.array(found.scores.columns, dtype=object),
    }
