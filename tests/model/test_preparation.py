"""The inputs of a fit are the same from an AnnData and from the files of the pipeline."""

from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scsiameseclu.model.preparation import prepare
from scsiameseclu.preprocess.expression import log_normalise, median_total
from scsiameseclu.settings import ExpressionSettings, GraphSettings
from scsiameseclu.stages.train import read_prepared
from scsiameseclu.store.files import sidecar, write_h5ad
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.provenance import record


@pytest.mark.parametrize("n_batches", [1, 2])
def test_files_and_memory_agree(
    n_batches: int, demo: ad.AnnData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scsiameseclu.store.files.BLOCK_CELLS", 100)
    adata = demo.copy()
    adata.obs["batch"] = [f"b{n % n_batches}" for n in range(adata.n_obs)]
    few = ExpressionSettings(n_top_genes=200, n_pcs=20)
    first = prepare(adata, few, GraphSettings(), seed=3, batch_key="batch")
    graph = {name: adata.obsp.pop(name) for name in ("connectivities", "distances")}
    adata.layers["counts"] = adata.X
    adata.uns["median_total"] = median_total(adata.X)
    adata.X = log_normalise(adata.X)[0]
    adata.uns["provenance"] = record("expression", seed=3, settings=few.to_dict())
    folder = SampleFolder(tmp_path, "s")
    write_h5ad(adata, folder.path("expression"))
    wide = GraphSettings(n_neighbors=20)
    noted = {"provenance": record("graph", seed=0, settings=wide.to_dict())}
    write_h5ad(sidecar(adata.obs_names, obsp=graph, uns=noted), folder.path("graph"))
    second = read_prepared(folder)
    for name in ("expression", "counts", "adjacency"):
        one, other = getattr(first, name), getattr(second, name)
        assert one.shape == other.shape
        assert (one != other).nnz == 0
    assert (first.components == second.components).all()
    assert second.counts.shape[1] == 200
    assert (second.expression_settings, second.graph_settings) == (few, wide)
    for name, value in vars(first.scaling).items():
        np.testing.assert_array_equal(value, getattr(second.scaling, name), err_msg=name)
    assert (first.alignment is None) == (second.alignment is None) == (n_batches == 1)
    if first.alignment and second.alignment:
        latent = first.components[:, :5]
        one, other = (a.carry(latent).values for a in (first.alignment, second.alignment))
        np.testing.assert_array_equal(one, other)
