"""The programs of the benchmark, which are in no package, and rows made up for them."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests" / "workflow")]


@pytest.fixture(scope="module")
def rows() -> pd.DataFrame:
    """Rows of every method on every set, as accuracy.py would write them."""
    from accuracy import COLUMNS, LEVELS, SETS
    from methods import VARIANTS
    from rows import BEST_LEVEL, GIVEN, UNKNOWN

    rng = np.random.default_rng(0)
    variants = {(variant, k) for variant in VARIANTS for k in ("given", "unknown")}
    methods = {(method, k) for _, method, k in (*GIVEN, *UNKNOWN) if k != BEST_LEVEL}
    pairs = sorted(methods | variants | {("ours", level) for level in LEVELS.values()})
    index = pd.MultiIndex.from_tuples(
        [(name, k, m, seed) for name in SETS for m, k in pairs for seed in range(3)],
        names=["set", "k", "method", "seed"],
    )
    made = pd.DataFrame(index=index).reset_index()
    for column in COLUMNS[4:]:
        made[column] = rng.integers(1, 20, len(made))
    for column in ("acc", "nmi", "ari", "macro_f1", "rarest_recall"):
        made[column] = rng.uniform(0, 1, len(made)).round(4)
    made["machine"], made["date"], made["version"] = "made up", "2000-01-01", "0.0.0"
    return made[COLUMNS]
