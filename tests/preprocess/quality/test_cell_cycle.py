"""The phase of made cells, whose phase is known."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from scsiameseclu.genes.gene_classes import cell_cycle_table
from scsiameseclu.preprocess.quality.cell_cycle import MIN_MARKERS, cell_cycle

CELLS = 90
TABLE = cell_cycle_table()
SYMBOLS = [*TABLE["symbol"], *(f"GENE{number}" for number in range(3000))]
IN_PHASE = {phase: np.flatnonzero(TABLE["phase"] == phase) for phase in ("S", "G2M")}
NAMES = pd.Index([f"cell{number}" for number in range(CELLS)])


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    """A third of the cells in each phase: its markers have five times the counts."""
    generator = np.random.default_rng(0)
    rates = np.tile(generator.gamma(1.0, 1.0, len(SYMBOLS)), (CELLS, 1))
    rates[:, : len(TABLE)] = 0.5
    rates[np.ix_(np.arange(30, 60), IN_PHASE["S"])] *= 5
    rates[np.ix_(np.arange(60, 90), IN_PHASE["G2M"])] *= 5
    depth = generator.uniform(0.5, 3.0, CELLS)
    return generator.poisson(rates * depth[:, None]).astype(np.float32)


def phases(counts: np.ndarray, **changes: object) -> pd.DataFrame:
    given: dict = {"symbols": SYMBOLS, "organism": "human", "names": NAMES, "seed": 0} | changes
    return cell_cycle(csr_matrix(counts), **given)


def test_cells_are_in_the_phase_whose_markers_they_express(counts: np.ndarray) -> None:
    table = phases(counts)
    assert table.index.equals(NAMES)
    known = np.repeat(["G1", "S", "G2M"], 30)
    assert (table["phase"] == known)[30:].mean() > 0.95
    # a cell in G1 has both scores near 0, on either side of it
    assert table["S_score"][known == "G1"].abs().max() < table["S_score"][known == "S"].min()
    assert table["S_score"][known == "G2M"].max() < table["S_score"][known == "S"].min()
    assert table["G2M_score"][known == "S"].max() < table["G2M_score"][known == "G2M"].min()


def test_depth_and_order_of_genes_do_not_matter(counts: np.ndarray) -> None:
    table = phases(counts)
    deeper = phases(counts * np.arange(1, CELLS + 1, dtype=np.float32)[:, None])
    pd.testing.assert_frame_equal(deeper, table, rtol=1e-4, atol=1e-5)
    assert table.equals(phases(counts))


def test_an_empty_cell_has_no_phase(counts: np.ndarray) -> None:
    emptied = counts.copy()
    emptied[[0, 70]] = 0
    table = phases(emptied)
    assert table["phase"].isna().sum() == 2
    assert table["phase"].isna().iloc[[0, 70]].all()


@pytest.mark.parametrize("change", ["organism", "too few markers"])
def test_without_markers_all_is_missing(counts: np.ndarray, change: str) -> None:
    given = counts.copy()
    given[:, IN_PHASE["S"][MIN_MARKERS - 1 :]] = 0 if change != "organism" else 1
    table = phases(given, organism="unknown" if change == "organism" else "human")
    assert table.isna().all(axis=None)
    assert list(table["phase"].cat.categories) == ["G1", "S", "G2M"]
