"""Two small samples as their stages leave them."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import QualitySettings
from scsiameseclu.stages import ingest, quality
from scsiameseclu.store.folder import SampleFolder

GENES = [f"GENE{n}" for n in range(120)]


def made(seed: int, genes: list[str], n_cells: int, directory: Path) -> Path:
    """A file of random counts; cells have the same names in all files."""
    generator = np.random.default_rng(seed)
    counts = generator.poisson(generator.uniform(0.5, 3, len(genes)), (n_cells, len(genes)))
    obs = pd.DataFrame(index=[f"cell{n}" for n in range(n_cells)])
    obs["age"] = generator.integers(20, 60, n_cells)
    obs["kind"] = pd.Categorical(generator.choice(["x", "y"], n_cells))
    if seed == 1:
        obs["only"] = generator.random(n_cells)
    path = directory / f"made{seed}.h5ad"
    adata = ad.AnnData(sp.csr_matrix(counts.astype(np.float32)), obs=obs)
    adata.var_names = genes
    adata.write_h5ad(path)
    return path


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SampleFolder]:
    """Samples ``s1`` and ``s2`` in ``samples/``; the second has other genes in another order."""
    directory = tmp_path_factory.mktemp("results")
    folders = {}
    settings = QualitySettings(min_cells=0, mad_counts=3)
    for seed, genes in ((1, GENES[:100]), (2, GENES[:9:-1])):
        name = f"s{seed}"
        folder = SampleFolder(directory / "samples" / name, name)
        source = made(seed, genes, 60 + 10 * seed, directory)
        ingest.run(folder, source=str(source), request=ReadRequest())
        quality.run(folder, settings=settings)
        folders[name] = folder
    return folders
