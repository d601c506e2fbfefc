"""Clusters as slots of an AnnData."""

import anndata as ad
import numpy as np
import scipy.sparse as sp

from scsiameseclu.model.slots import write_clusters


def test_what_is_written() -> None:
    rng = np.random.default_rng(0)
    probability = rng.dirichlet([4, 3, 2], size=200).astype(np.float32)
    labels = probability.argmax(axis=1)
    adata = ad.AnnData(sp.csr_matrix((200, 1), dtype=np.float32))
    summary = {
        "n_clusters_given": True,
        "n_clusters_asked": "3",
        "stability": [0.9, 0.8, 0.7],
        "agreement": 0.85,
        "n_members": 12,
        "alternatives": {
            "merge_with": [1, 0, -1],
            "merge_support": [0.5, 0.25, 0.0],
            "split_support": [0.0, 0.0, 0.75],
        },
        "evidence": {"k": [2, 3], "score": [0.1, 0.2], "criterion": "made up"},
        "params": {"seed": 1, "layer": None},
    }
    fine = np.array([f"{label}.{place % 12}" for place, label in enumerate(labels)])
    write_clusters(adata, probability, labels // 2, fine, summary, key="mine")
    assert (adata.obs["mine_ambiguous"] == (probability.max(axis=1) < 0.5)).all()
    names = list(adata.obs["mine_fine"].cat.categories)
    assert names.index("0.2") < names.index("0.10") < names.index("1.0")
    assert adata.uns["mine"]["sizes"].sum() == 200
    assert adata.uns["mine"]["params"] == {"seed": 1}
    alternatives = adata.uns["mine"]["alternatives"]
    assert alternatives["merge_with"].tolist() == ["1", "0", ""]
    assert alternatives["split_support"].tolist() == [0.0, 0.0, 0.75]
