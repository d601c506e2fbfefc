"""The stage expression uses the cells and genes that the stage quality kept, and no others."""

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.model.trained import TrainedNetworks
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings
from scsiameseclu.stages import expression, graph, train
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder


@pytest.mark.parametrize("axis", ["obs_names", "var_names"])
def test_the_file_of_another_sample_is_refused(copied: SampleFolder, axis: str) -> None:
    kept = read_h5ad(copied.path("filtered"))
    names = getattr(kept, axis)
    setattr(kept, axis, [*names[:-2], "other-1", "other-2"])
    write_h5ad(kept, copied.path("filtered"))
    sentence = rf"counts.h5ad lacks 2 of the {len(names)} names in filtered.h5ad \(first: other-1\)"
    with pytest.raises(UserError, match=sentence):
        expression.run(copied, settings=ExpressionSettings())


@pytest.mark.parametrize("integration", ["auto", "none"])
def test_batches_are_aligned(copied: SampleFolder, integration: str) -> None:
    """The components before alignment are those that the loadings give."""
    counts = read_h5ad(copied.path("counts"))
    counts.obs["batch"] = pd.Categorical(np.where(np.arange(counts.n_obs) % 2, "a", "b"))
    write_h5ad(counts, copied.path("counts"))
    expression.run(copied, settings=ExpressionSettings(integration=integration))
    written = read_h5ad(copied.path("expression"))
    assert ("X_pca_uncorrected" in written.obsm) == (integration == "auto")
    assert ("integration" in written.uns) == (integration == "auto")
    before = written.obsm.get("X_pca_uncorrected", written.obsm["X_pca"])
    assert before.dtype == written.obsm["X_pca"].dtype == np.float32
    first, second = np.abs(before.mean(axis=0)), np.abs(before).mean(axis=0)
    assert (first < 0.01 * second).all()  # scores of a PCA are centred
    if integration == "auto":
        record = written.uns["integration"]
        assert record["n_cells"].sum() == written.n_obs
        assert set(record["batch"]) == {"a", "b"}
    graph.run(copied, settings=GraphSettings())
    train.run(copied, settings=ModelSettings(networks=1, pretrain_steps=4, hidden_size=16))
    trained = TrainedNetworks.load(copied.path("networks"))
    assert (trained.integration is not None) == (integration == "auto")
    embedding = copied.array("embedding", "obsm/X_siamese")
    again = trained.embed(
        counts[written.obs_names].copy(), batches=np.asarray(written.obs["batch"], dtype=str)
    )
    assert (again * embedding).sum(axis=1).mean() > 0.98
