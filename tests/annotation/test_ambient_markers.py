"""Markers that are due to different contamination of the clusters."""

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.annotation.ambient_markers import flag_ambient
from scsiameseclu.annotation.markers import find_markers
from scsiameseclu.preprocess.expression import log_normalise, median_total


def flagged(contamination: tuple[float, float]) -> list[tuple[str, str]]:
    """Ambient markers (cluster, gene) of two clusters that have a gene of their own each.

    The soup consists of gene ``soup``, which no cell expresses, by a third.
    """
    rng = np.random.default_rng(0)
    native = np.array([[0.3, 0.0, 0.0, 0.7], [0.0, 0.3, 0.0, 0.7]])
    profile = np.array([0.1, 0.1, 0.35, 0.45])
    cluster = np.repeat([0, 1], 100)
    share = np.array(contamination)[cluster]
    mixed = share[:, None] * profile + (1 - share[:, None]) * native[cluster]
    counts = csr_matrix(np.stack([rng.multinomial(1_000, p) for p in mixed]).astype(np.float32))
    logged, _ = log_normalise(counts)
    var = pd.DataFrame(index=["own_a", "own_b", "soup", "both"])
    adata = ad.AnnData(logged, var=var)
    clusters = pd.Series(pd.Categorical(np.array(["a", "b"])[cluster]))
    table = flag_ambient(
        find_markers(adata, clusters)[0],
        adata,
        clusters,
        profile=profile,
        contamination=share,
        cell_total=median_total(counts),
        min_log2_fold_change=0.5,
    )
    assert set(table["ambient"]) <= {"yes", ""}
    rows = table[table["ambient"] == "yes"]
    return list(zip(rows["cluster"], rows["gene"], strict=True))


def test_excess_by_contamination_is_flagged_and_native_expression_is_not() -> None:
    assert flagged((0.3, 0.05)) == [("a", "soup")]
    assert flagged((0.05, 0.3)) == [("b", "soup")]


def test_equal_contamination_explains_no_excess() -> None:
    assert flagged((0.2, 0.2)) == []
    assert flagged((0.0, 0.0)) == []
