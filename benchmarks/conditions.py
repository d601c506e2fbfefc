"""Composition and pseudobulk between conditions: power, false discoveries, and permuted labels.

    python benchmarks/conditions.py composition --data DATA
    python benchmarks/conditions.py pseudobulk --data DATA
    python benchmarks/conditions.py summary

``composition``: made cohorts of 4 + 4 samples. The cells of a sample are drawn from the published
types of a real data set, whose shares vary between the samples; in one condition, one type is
doubled (each in turn, from a share of 1 %), or none. ``pseudobulk``: samples of real cells whose
genes vary between the samples, with conditions that are assigned at random, and with one gene of
ten changed; and the four animals of a real study with permuted conditions. Finished rows are not
measured again. Rows go to ``benchmarks/results/conditions.csv``, their summary to
``conditions.md``. Labels are read here only, to make the cohorts.
"""

import argparse
import csv
import itertools
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from condition_methods import METHODS
from scipy import stats

from scsiameseclu.cohort.composition import compare_composition
from scsiameseclu.cohort.pseudobulk import Pseudobulk, add_counts, compare_expression
from scsiameseclu.cohort.replicates import Replicates

RESULTS = Path(__file__).resolve().parent / "results"
ROWS, REPORT = RESULTS / "conditions.csv", RESULTS / "conditions.md"
SETS = ("pbmc3k", "baron_mouse", "cite_cbmc", "human_kidney_young", "mouse_bladder_2100")
SPREADS = (0.0, 0.1, 0.2, 0.3)
"""Standard deviations of the log shares between samples; 0: they vary by the draw of cells only."""
N_SIMULATIONS, N_SAMPLES, N_CELLS, MIN_SHARE, FOLD = 200, 4, 1500, 0.01, 2.0
FDR, ALPHA = 0.05, 0.05
OURS = "centred, weighted"
MADE_SETS, REAL_SET = ("pbmc3k", "baron_mouse"), "zilionis_mouse_lung"
N_TYPES, GENE_SPREAD, N_PERMUTATIONS, CHANGED, CELLS_OF_TYPE = 2, 0.3, 5, 0.1, 60
COLUMNS = (
    *("part", "set", "groups", "spread", "method", "simulations"),
    *("power", "fdr", "null", "coverage", "tests", "below", "below_normal", "seconds", "date"),
)


def replicates(n: int = N_SAMPLES) -> Replicates:
    """``n`` samples per condition."""
    conditions = ["control"] * n + ["changed"] * n
    names = [f"{condition} {place}" for place, condition in enumerate(conditions)]
    table = pd.DataFrame({"condition": conditions, "donor": names, "samples": names}, names)
    return Replicates(table, np.zeros(0, int), "control", (), ())


def shares_of(data: Path, name: str) -> np.ndarray:
    """Shares of the published types, largest first; types of fewer than 5 cells are left out."""
    labels = ad.read_h5ad(data / f"{name}.h5ad", backed="r").obs["cell_type"].value_counts()
    kept = labels[labels >= 5].to_numpy(float)
    return kept / kept.sum()


def drawn(
    rng: np.random.Generator, shares: np.ndarray, target: int | None, spread: float
) -> pd.DataFrame:
    """Counts of a made cohort, (n_samples, n_types)."""
    of = replicates()
    levels = shares * np.exp(rng.normal(0, spread, (len(of.table), len(shares))))
    if target is not None:
        levels[N_SAMPLES:, target] *= FOLD
    counts = [rng.multinomial(rng.poisson(N_CELLS), row / row.sum()) for row in levels]
    return pd.DataFrame(np.array(counts), of.table.index, [f"t{n}" for n in range(len(shares))])


def ours(counts: pd.DataFrame) -> pd.DataFrame:
    """This package."""
    table = compare_composition(replicates(), counts)[0].set_index("group")
    return table[["log2_change", "adjusted_p", "low", "high"]]


def composition(data: Path, done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Power and false discovery rate of every method on the same made cohorts."""
    for name, spread in itertools.product(SETS, SPREADS):
        if all(("composition", name, spread, method) in done for method in (OURS, *METHODS)):
            continue
        shares = shares_of(data, name)
        rng = np.random.default_rng([SETS.index(name), SPREADS.index(spread)])
        candidates = np.flatnonzero(shares >= MIN_SHARE)
        cohorts = [(int(candidates[n % len(candidates)]), n) for n in range(N_SIMULATIONS)]
        changed = [(target, drawn(rng, shares, target, spread)) for target, _ in cohorts]
        null = [drawn(rng, shares, None, spread) for _ in cohorts]
        tests: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {OURS: ours, **METHODS}
        for method, test in tests.items():
            started = time.perf_counter()
            scores = [_scores(test(counts), f"t{target}") for target, counts in changed]
            called = [bool((test(counts)["adjusted_p"] <= FDR).any()) for counts in null]
            power, fdr, coverage = np.mean(scores, axis=0)
            yield {
                "part": "composition", "set": name, "groups": len(shares), "spread": spread,
                "method": method, "simulations": N_SIMULATIONS, "power": power, "fdr": fdr,
                "null": np.mean(called), "coverage": coverage,
                "seconds": time.perf_counter() - started,
            }  # fmt: skip


def _scores(table: pd.DataFrame, target: str) -> tuple[float, float, float]:
    """Whether the doubled type was called, the share of false calls, and of covered changes."""
    called = table["adjusted_p"] <= FDR
    hit = bool(called[target] and table["log2_change"][target] > 0)
    false = (int(called.sum()) - int(called[target])) / max(int(called.sum()), 1)
    if "low" not in table:
        return hit, false, np.nan
    truth = np.where(table.index == target, np.log2(FOLD), 0.0)
    inside = (table["low"] <= truth) & (truth <= table["high"])
    return hit, false, float(inside[table["adjusted_p"].notna()].mean())


def made_sums(
    counts: sp.csr_matrix, genes: pd.Index, changed: np.ndarray, rng: np.random.Generator
) -> Pseudobulk:
    """Sums of 4 + 4 samples of real cells; ``changed`` holds log2 fold changes, (n_genes,)."""
    of = replicates()
    rows = []
    for place in range(2 * N_SAMPLES):
        cells = rng.integers(counts.shape[0], size=CELLS_OF_TYPE)
        level = np.asarray(counts[cells].sum(axis=0), dtype=float).ravel()
        level *= np.exp(rng.normal(0, GENE_SPREAD, level.size))
        rows.append(rng.poisson(level * (2**changed if place >= N_SAMPLES else 1)))
    cells = np.full((1, len(of.table)), CELLS_OF_TYPE)
    return Pseudobulk(np.array(rows, float)[None], cells, ["type"], genes)


def pseudobulk(data: Path, done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Tests of genes with permuted conditions and with changed genes."""
    for name in MADE_SETS:
        adata = ad.read_h5ad(data / f"{name}.h5ad")
        for kind in adata.obs["cell_type"].value_counts().index[:N_TYPES]:
            if ("pseudobulk", name, GENE_SPREAD, str(kind)) in done:
                continue
            counts = sp.csr_matrix(adata.X[(adata.obs["cell_type"] == kind).to_numpy()])
            yield _made_row(name, str(kind), counts, adata.var_names)
    if ("permuted", REAL_SET, "", "four animals") not in done:
        yield _real_row(ad.read_h5ad(data / f"{REAL_SET}.h5ad"))


def _made_row(name: str, kind: str, counts: sp.csr_matrix, genes: pd.Index) -> dict[str, Any]:
    rng, started = np.random.default_rng(len(kind)), time.perf_counter()
    null, power, fdr = [], [], []
    for _ in range(N_PERMUTATIONS):
        sums = made_sums(counts, genes, np.zeros(len(genes)), rng)  # of one population
        null.append(compare_expression(replicates(), sums)[0])
        changed = np.where(rng.random(len(genes)) < CHANGED, rng.choice([-1.0, 1.0], len(genes)), 0)
        table = compare_expression(replicates(), made_sums(counts, genes, changed, rng))[0]
        truth = pd.Series(changed != 0, genes)[table["gene"]].to_numpy()
        called = (table["padj"] <= FDR).to_numpy()
        power.append(called[truth].mean())
        fdr.append((called & ~truth).sum() / max(called.sum(), 1))
    return {
        "part": "pseudobulk", "set": name, "groups": 1, "spread": GENE_SPREAD, "method": kind,
        "simulations": N_PERMUTATIONS, "power": np.mean(power), "fdr": np.mean(fdr), **_below(null),
        "seconds": time.perf_counter() - started,
    }  # fmt: skip


def _below(tables: list[pd.DataFrame]) -> dict[str, float]:
    """Share of the p-values below the limit, and of those that DESeq2 itself would give."""
    of = pd.concat(tables).dropna(subset="pvalue")
    normal = 2 * stats.norm.sf(np.abs(of["log2FoldChange"] / of["lfcSE"]))
    return {
        "tests": len(of),
        "below": float((of["pvalue"] < ALPHA).mean()),
        "below_normal": float((normal < ALPHA).mean()),
    }


def _real_row(adata: ad.AnnData) -> dict[str, Any]:
    """Every division of the four animals into two and two."""
    started = time.perf_counter()
    samples = adata.obs["batch"].astype(str).to_numpy()
    names = sorted(set(samples))
    groups, null = adata.obs["cell_type"].astype("category"), []
    counts = sp.csr_matrix(adata.X)
    divisions = [c for c in itertools.combinations(names, 2) if names[0] in c]
    for first in divisions:
        ordered = [*first, *(name for name in names if name not in first)]
        table = pd.DataFrame({"condition": ["a", "a", "b", "b"], "donor": ordered}, ordered)
        of = Replicates(table, pd.Index(ordered).get_indexer(samples), "a", (), ())
        sums = add_counts([counts], of, groups, adata.var_names)
        null.append(compare_expression(of, sums)[0])
    return {
        "part": "permuted", "set": REAL_SET, "groups": len(groups.cat.categories), "spread": "",
        "method": "four animals", "simulations": len(divisions), **_below(null),
        "seconds": time.perf_counter() - started,
    }  # fmt: skip


def summary(rows: pd.DataFrame) -> str:
    """The report in Markdown."""
    of = rows[rows["part"] == "composition"]
    lines = [
        "# Conditions",
        "",
        f"Written by `benchmarks/conditions.py`, {rows['date'].max()}.",
        "",
        "## Composition",
        "",
        f"Made cohorts of {N_SAMPLES} + {N_SAMPLES} samples of {N_CELLS:,} cells, {N_SIMULATIONS} "
        "with one type doubled and as many without a change, per set and spread. *Spread*: "
        "standard deviation of the log shares between samples, in addition to the draw of cells. "
        "*Power*: the doubled type was called. *FDR*: mean share of false calls. *Null*: share of "
        "unchanged cohorts with any call. *Coverage*: share of 95 % intervals that contain the "
        "true change. Limit of the false discovery rate: 0.05.",
        "",
        "| spread | method | " + " | ".join(of["set"].unique()) + " | mean FDR | mean null |",
        "|---|---|" + "---|" * (of["set"].nunique() + 2),
    ]
    for (spread, method), part in of.groupby(["spread", "method"], sort=False):
        cells = [f"{row.power:.2f} / {row.fdr:.3f}" for row in part.itertuples()]
        means = f"{part['fdr'].mean():.3f} | {part['null'].mean():.3f}"
        lines.append(f"| {spread:g} | {method} | {' | '.join(cells)} | {means} |")
    coverage = of[of["method"] == OURS]["coverage"]
    lines += [
        "",
        f"Cells: power / FDR. Intervals of *{OURS}* contain the true change in "
        f"{100 * coverage.min():.1f} to {100 * coverage.max():.1f} % of the cases.",
        "",
        "## Pseudobulk",
        "",
        f"4 + 4 samples of {CELLS_OF_TYPE} real cells of one type; the genes' levels vary between "
        f"the samples with a standard deviation of {GENE_SPREAD:g} (log). *Below*: share of the "
        f"p-values below {ALPHA:g} without a change; *normal*: the same with "
        "the normal distribution, as in DESeq2. *Power* and *FDR*: one gene of ten changed "
        "twofold. Last row: real animals, every division into two and two.",
        "",
        "| set | cells | runs | tests | below | normal | power | FDR |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows[rows["part"] != "composition"].itertuples():
        numbers = " | ".join("" if np.isnan(v) else f"{v:.3f}" for v in (row.power, row.fdr))
        lines.append(
            f"| {row.set} | {row.method} | {row.simulations} | {row.tests:,.0f} | {row.below:.3f} "
            f"| {row.below_normal:.3f} | {numbers} |"
        )
    return "\n".join(lines) + "\n"


def finished() -> set[tuple[Any, ...]]:
    """Keys of the rows that were measured already."""
    if not ROWS.is_file():
        return set()
    rows = pd.read_csv(ROWS, keep_default_na=False)
    spread = [float(value) if value != "" else "" for value in rows["spread"]]
    return set(zip(rows["part"], rows["set"], spread, rows["method"], strict=True))


def main() -> None:
    """Measure a part, or write the summary."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["composition", "pseudobulk", "summary"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments = parser.parse_args()
    if arguments.part == "summary":
        REPORT.write_text(summary(pd.read_csv(ROWS)), encoding="utf-8")
        return
    measure = {"composition": composition, "pseudobulk": pseudobulk}[arguments.part]
    new = not ROWS.is_file()
    for row in measure(arguments.data, finished()):
        with ROWS.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            new = False
            shown = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
            shown = {k: v for k, v in shown.items() if v != "nan"}
            writer.writerow(shown | {"date": date.today().isoformat()})
        print(shown, flush=True)


if __name__ == "__main__":
    main()
