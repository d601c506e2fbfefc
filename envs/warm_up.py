"""Fill numba's cache at installation, so that the first run does not have to compile.

Runs the stages that use numba on half of the demo data, in a temporary folder.
"""

import tempfile
from pathlib import Path

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import (
    AnnotationSettings,
    ExpressionSettings,
    QualitySettings,
)
from scsiameseclu.stages import annotate, expression, ingest, quality


def main() -> None:
    import numpy as np
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder

    with tempfile.TemporaryDirectory() as name:
        folder = SampleFolder(Path(name), "warm-up")
        ingest.run(folder, source="demo:a", request=ReadRequest())
        quality.run(folder, settings=QualitySettings())
        expression.run(folder, settings=ExpressionSettings())
        components = folder.array("expression", "obsm/X_pca")
        obsm = {"X_siamese": components}
        folder.write("embedding", folder.cells, obsm=obsm, stage="train", seed=0)
        halves = pd.Categorical(np.where(np.arange(len(folder.cells)) % 2, "1", "0"))
        obs = pd.DataFrame({"siamese": halves}, index=folder.cells)
        folder.write("clusters", obs, stage="curate", seed=0)
        annotate.run(folder, settings=AnnotationSettings())


if __name__ == "__main__":
    main()
