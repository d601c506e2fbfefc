"""Numeric columns beside the counts of a table: metadata where recognised, otherwise reported."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import Sample, read_sample

N_CELLS, N_GENES = 120, 300
RNG = np.random.default_rng(5)
CELLS = [f"AAAC{place:04d}-1" for place in range(N_CELLS)]
GENES = [f"SYM{place}" for place in range(N_GENES)]
DEPTHS = RNG.lognormal(5, 0.4, (N_CELLS, 1))
COUNTS = pd.DataFrame(
    RNG.poisson(DEPTHS * RNG.dirichlet(np.full(N_GENES, 0.3))), index=CELLS, columns=GENES
)
FAR, NEAR = RNG.integers(100, 9000, N_CELLS), RNG.integers(20, 80, N_CELLS)
TOTALS = COUNTS.sum(axis=1).to_numpy()


def read(path: Path, table: pd.DataFrame, corner: str = "") -> Sample:
    table.to_csv(path / "a.csv", index_label=corner)
    return read_sample(str(path / "a.csv"), ReadRequest(), sample="s")


def with_columns(last: bool = False, **columns: np.ndarray) -> pd.DataFrame:
    parts = [pd.DataFrame(columns, index=CELLS), COUNTS]
    return pd.concat(parts[::-1] if last else parts, axis=1)


@pytest.mark.parametrize(
    "columns",
    [
        {"X": FAR, "Y": FAR[::-1]},
        {"x": NEAR, "y": NEAR[::-1]},
        {"array_row": NEAR, "array_col": NEAR[::-1]},
        {"Row": NEAR, "Column": NEAR[::-1]},
        {"age": NEAR, "batch": np.arange(N_CELLS) % 3},
        {"time": np.arange(N_CELLS) % 4 * 24},
        {"total_reads": 7 * TOTALS, "mapped_reads": 5 * TOTALS},
    ],
    ids=lambda columns: ",".join(columns),
)
@pytest.mark.parametrize("last", [False, True])
def test_columns_about_cells_are_metadata(
    tmp_path: Path, columns: dict[str, np.ndarray], last: bool
) -> None:
    sample = read(tmp_path, with_columns(last, **columns), "cell")
    np.testing.assert_array_equal(sample.loaded.matrix.toarray(), COUNTS)
    for name, values in columns.items():
        present = name if name in sample.obs and name != "batch" else f"{name}_input"
        np.testing.assert_array_equal(sample.obs[present].astype(int), values)


def test_a_known_column_beside_an_unknown_one_is_metadata(tmp_path: Path) -> None:
    sample = read(tmp_path, with_columns(weight=NEAR, batch=np.arange(N_CELLS) % 3))
    assert list(sample.loaded.var.index) == ["weight", *GENES]
    (warning,) = (text for text in sample.warnings if "do not rise" in text)
    assert warning.startswith("column weight has large numbers")


def test_large_numbers_are_reported(tmp_path: Path) -> None:
    sample = read(tmp_path, with_columns(p=FAR, q=FAR[::-1]))
    assert any(text.startswith("columns p, q have large") for text in sample.warnings)
    share = 2 * FAR.sum() / (2 * FAR.sum() + TOTALS.sum())
    assert any(f"'p', 'q' have {share:.0%} of all counts" in text for text in sample.warnings)
    sample = read(tmp_path, with_columns(True, a=7 * TOTALS, b=5 * TOTALS + 1), "cell")
    assert any("'a', 'b' have 92% of all counts" in text for text in sample.warnings)


def test_abundant_genes_are_genes(tmp_path: Path) -> None:
    abundant = RNG.poisson(DEPTHS[:, 0] * 0.3)
    table = with_columns(MALAT1=abundant, B2M=RNG.poisson(DEPTHS[:, 0] * 0.2))
    sample = read(tmp_path, table, "cell")
    assert sample.warnings == []
    np.testing.assert_array_equal(sample.loaded.matrix[:, 0].toarray().ravel(), abundant)


def test_a_coordinate_without_the_other_is_a_gene(tmp_path: Path) -> None:
    sample = read(tmp_path, with_columns(x=COUNTS["SYM1"].to_numpy()))
    assert list(sample.loaded.var.index) == ["x", *GENES]


def test_numbers_about_genes_are_not_a_cell(tmp_path: Path) -> None:
    table = COUNTS.T
    table.loc["SYM5"] = 0
    table.insert(0, "ncells", (table > 0).sum(axis=1))
    sample = read(tmp_path, table, "gene")
    np.testing.assert_array_equal(sample.loaded.matrix.toarray(), table[CELLS].T)
    sample = read(tmp_path, table.rename(columns={"ncells": "breadth"}), "gene")
    expressed = int(table[CELLS].any(axis=1).sum())
    start = f"column breadth has a count of {expressed} of {N_GENES} genes"
    assert any(text.startswith(start) for text in sample.warnings)
