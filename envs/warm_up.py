"""Compile, at installation, what numba then keeps for all runs (the first run would wait for it).

Runs the stages that call such functions on half of the demo data, in a folder that goes again.
"""

import tempfile
from pathlib import Path

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import (
    AnnotationSettings,
    ExpressionSettings,
    MarkerSettings,
    QualitySettings,
)
from scsiameseclu.stages.annotate import annotate
from scsiameseclu.stages.expression import expression
from scsiameseclu.stages.ingest import ingest
from scsiameseclu.stages.markers import markers
from scsiameseclu.stages.quality import quality


def main() -> None:
    import numpy as np
    import pandas as pd

    from scsiameseclu.store.files import read_h5ad, sidecar, write_h5ad

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counts, cells, normalised, clusters = (folder / f"{step}.h5ad" for step in "cqec")
        sample, seed = "warm-up", 0
        ingest("demo:a", counts, sample=sample, request=ReadRequest(), seed=seed)
        table = folder / "quality.tsv"
        quality(counts, cells, table, settings=QualitySettings(), seed=seed, sample=sample)
        settings = ExpressionSettings()
        expression(counts, cells, normalised, settings=settings, seed=seed, sample=sample)
        found = read_h5ad(normalised)
        names, embedding = found.obs_names, folder / "embedding.h5ad"
        write_h5ad(sidecar(names, obsm={"X_siamese": found.obsm["X_pca"]}), embedding)
        halves = pd.Categorical(np.where(np.arange(len(names)) % 2, "1", "0"))
        write_h5ad(sidecar(pd.DataFrame({"siamese": halves}, index=names)), clusters)
        output = [folder / name for name in ("m.tsv", "all.tsv", "m.h5ad")]
        markers(normalised, clusters, *output, settings=MarkerSettings(), sample=sample)
        inputs, output = (normalised, clusters, embedding), [folder / "a.tsv", folder / "a.h5ad"]
        annotate(*inputs, *output, settings=AnnotationSettings(), sample=sample)


if __name__ == "__main__":
    main()
