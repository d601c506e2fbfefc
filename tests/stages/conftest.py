"""The files that the late stages read, made from the demo cells."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from real_data import demo_counts, log_normalised

from scsiameseclu.store.files import sidecar, write_h5ad


@pytest.fixture(scope="session")
def clustered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample's folder up to the stage cluster: Leiden stands for both clusterings.

    A few cells of counts.h5ad are missing from the later files, as after quality control; the
    labels of some are missing too.
    """
    folder = tmp_path_factory.mktemp("clustered")
    counts = demo_counts()
    label = counts.obs.pop("bulk_labels").astype(object)
    label.iloc[::50] = np.nan
    counts.obs["label"] = pd.Categorical(label)
    counts.obs["nothing"] = np.nan
    write_h5ad(counts, folder / "counts.h5ad")

    expression = log_normalised(counts[7:].copy())
    expression.layers["counts"] = counts.X[7:].copy()
    sc.pp.pca(expression, n_comps=20, random_state=0)
    sc.pp.neighbors(expression, method="gauss", random_state=0)
    for name, resolution in (("siamese", 1.0), ("leiden", 0.4)):
        sc.tl.leiden(
            expression, resolution, key_added=name, flavor="igraph", directed=False,
            n_iterations=2, random_state=0,
        )  # fmt: skip
    cells = expression.obs_names
    graph = {key: expression.obsp.pop(key) for key in ("connectivities", "distances")}
    clusters, leiden = expression.obs[["siamese"]].copy(), expression.obs[["leiden"]].copy()
    clusters["siamese_confidence"] = np.linspace(0, 1, len(cells), dtype=np.float32)
    expression.obs = expression.obs[["batch"]]
    expression.uns = {}
    write_h5ad(expression, folder / "expression.h5ad")
    write_h5ad(sidecar(cells, obsp=graph), folder / "graph.h5ad")
    embedding = expression.obsm["X_pca"][:, :10].astype(np.float32)
    write_h5ad(sidecar(cells, obsm={"X_siamese": embedding}), folder / "embedding.h5ad")
    write_h5ad(sidecar(clusters), folder / "clusters.h5ad")
    write_h5ad(sidecar(leiden), folder / "layout.h5ad")
    return folder
