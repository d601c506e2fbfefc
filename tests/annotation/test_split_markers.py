"""Genes that speak for a split: those of one part, compared within the split cluster only."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from scipy import stats

from scsiameseclu.annotation.split_markers import split_markers
from scsiameseclu.settings import MarkerSettings

GROUPS = np.array([[0, 0, 1], [0, 1, 2]])
LEAVES = np.repeat([0, 1, 2], [40, 30, 30])
NAMES = ["0.0", "0.1", "1"]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return split_markers(
        expression(), genes(), LEAVES, GROUPS, ["0", "0", "1"], NAMES, MarkerSettings()
    )


def genes() -> pd.DataFrame:
    names = ["PART0", "PART1", "OTHER", "RPS3", "FLAT"]
    return pd.DataFrame({"gene_id": names, "gene_symbol": names}, index=names)


def expression() -> sp.csr_matrix:
    """A gene of each part, one of the other cluster, and a ribosomal one of the first part."""
    generator = np.random.default_rng(0)
    values = generator.gamma(1.0, 0.3, (100, 5))
    for gene, leaf in enumerate([0, 1, 2, 0]):
        values[leaf == LEAVES, gene] += 2
    return sp.csr_matrix(values.astype(np.float32))


def test_each_part_has_its_gene_and_no_other(table: pd.DataFrame) -> None:
    top = table.groupby("child")["gene"].agg(list).to_dict()
    assert top == {"0.0": ["PART0"], "0.1": ["PART1"]}
    assert table["parent"].tolist() == ["0", "0"]
    assert table["n_cells"].tolist() == [40, 30]
    assert table["n_clusters"].tolist() == [3, 3]


def test_the_score_is_welchs_t(table: pd.DataFrame) -> None:
    values = expression().toarray().astype(float)
    expected = stats.ttest_ind(values[LEAVES == 0, 0], values[LEAVES == 1, 0], equal_var=False)
    assert table["score"].iloc[0] == pytest.approx(expected.statistic, rel=1e-5)


def test_blocks_of_cells_change_nothing(
    table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scsiameseclu.annotation.split_markers.BLOCK_CELLS", 7)
    names = ["0", "0", "1"]
    blocks = split_markers(expression(), genes(), LEAVES, GROUPS, names, NAMES, MarkerSettings())
    pd.testing.assert_frame_equal(blocks, table)


def test_a_single_level_has_no_splits() -> None:
    settings = MarkerSettings()
    table = split_markers(
        expression(), genes(), np.zeros(100, dtype=int), np.zeros((1, 1), dtype=int), ["0"], ["0"],
        settings,
    )  # fmt: skip
    assert table.empty
    assert "gene" in table
