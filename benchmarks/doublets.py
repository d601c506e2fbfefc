"""Doublet scores compared with true and made doublets, beside Scrublet.

    python benchmarks/doublets.py --data ../shared/data [--seeds 3]

True doublets: ``hto_4lines_doublets``, known from hashtags, as they are. Made doublets: in each of
the other sets, the counts of random pairs of cells are added, so that 8 % of the remaining cells
are doublets, at most 2,500 cells per set. Measured per seed: the area under the ROC curve, average
precision, and precision and recall of the calls. Rates: ``auto`` is the default, from the number of
cells, and ``true`` the share of the true doublets. Scrublet is ``scanpy.pp.scrublet`` with its
defaults (exact neighbours), called by its own threshold, if it finds one. Made doublets have
exactly the sum of the counts of two cells, which favours scores that see total counts, so the true
doublets matter more. ``--clusters``: clusters of the sets as they are (quick Leiden clusters and
published labels), and with 60 doublets of two types as a cluster, that are named as doublets.
Writes ``benchmarks/results/doublets.csv`` or ``doublets-clusters.csv``, and
``doublets.md``.
"""

from __future__ import annotations

import argparse
import platform
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp
from sklearn.metrics import average_precision_score, roc_auc_score

from scsiameseclu.annotation.doublet_clusters import doublet_clusters
from scsiameseclu.preprocess.ambient import quick_clusters
from scsiameseclu.preprocess.expression import log_normalise
from scsiameseclu.preprocess.quality.doublets import find_doublets
from scsiameseclu.settings import QualitySettings

RESULTS = Path(__file__).resolve().parent / "results"
TRUE = "hto_4lines_doublets"
SETS = (
    *("pbmc3k", "zheng_sorted_ref", "pbmc_donor_a", "baron_mouse", "zilionis_mouse_lung"),
    *("worm_neuron", "mouse_bladder_2100", "human_kidney_young", "cite_cbmc"),
)
MAX_CELLS, MADE_SHARE = 2_500, 0.08
UNMIXED = ("pbmc_10x_4k", "joost_epidermis", "ifnb_ctrl_stim_2k", "cellbench5_3plate", TRUE)
"""Further sets in which clusters of doublets are looked for."""
PAIRS = (("B", "CD14+ Mono"), ("Naive CD4 T", "CD14+ Mono"), ("NK", "B"), ("CD8 T", "NK"))
N_MADE = 60


@dataclass(frozen=True)
class Outcome:
    """Scores (n_cells,), NaN where there is none, and a mask of calls; None without a threshold."""

    score: np.ndarray
    called: np.ndarray | None


def counts_of(path: Path) -> tuple[sp.csr_matrix, pd.DataFrame]:
    """Raw counts and the metadata of the cells."""
    adata = ad.read_h5ad(path)
    return sp.csr_matrix(adata.X, dtype=np.float32), adata.obs


def with_made_doublets(counts: sp.csr_matrix, seed: int) -> tuple[sp.csr_matrix, np.ndarray]:
    """Counts in which random pairs of cells are added, and a mask of these doublets."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(counts.shape[0])[:MAX_CELLS]
    n_doublets = int(order.size * MADE_SHARE / (1 + MADE_SHARE))
    one, other, rest = np.split(order, [n_doublets, 2 * n_doublets])
    made = sp.vstack([counts[rest], counts[one] + counts[other]]).tocsr()
    return made, np.arange(made.shape[0]) >= rest.size


def ours(counts: sp.csr_matrix, seed: int, rate: float | None) -> Outcome:
    """The doublets of this package."""
    doublets = find_doublets(ad.AnnData(counts), QualitySettings(doublet_rate=rate), seed=seed)
    return Outcome(doublets.score, doublets.called)


def scrublet(counts: sp.csr_matrix, seed: int) -> Outcome:
    """Scrublet as scanpy runs it by default."""
    work = ad.AnnData(counts.copy())
    sc.pp.scrublet(work, random_state=seed, use_approx_neighbors=False, verbose=False)
    score = np.full(counts.shape[0], np.nan)
    cells = work.obs_names.astype(int)
    score[cells] = work.obs["doublet_score"]
    threshold = work.uns["scrublet"].get("threshold")
    return Outcome(score, None if threshold is None else score > threshold)


def rows_of(name: str, counts: sp.csr_matrix, true: np.ndarray, seed: int) -> Iterator[dict]:
    """One row per method."""
    methods = {
        "ours, rate auto": lambda: ours(counts, seed, None),
        "ours, rate true": lambda: ours(counts, seed, float(true.mean())),
        "scrublet": lambda: scrublet(counts, seed),
    }
    for method, run in methods.items():
        started = time.perf_counter()
        outcome = run()
        seconds = time.perf_counter() - started
        known = ~np.isnan(outcome.score)
        called = outcome.called
        yield {
            "set": name,
            "method": method,
            "seed": seed,
            "cells": counts.shape[0],
            "true_share": true.mean(),
            "auc": roc_auc_score(true[known], outcome.score[known]),
            "average_precision": average_precision_score(true[known], outcome.score[known]),
            "called": None if called is None else int(called.sum()),
            "precision": None if called is None or not called.any() else true[called].mean(),
            "recall": None if called is None else called[true].mean(),
            "seconds": seconds,
            "machine": platform.machine(),
            "date": date.today().isoformat(),
        }


def named_clusters(data: Path) -> pd.DataFrame:
    """One row per set and clustering: how many clusters, and which are named as doublets."""
    rows = []

    def judge(name: str, clustering: str, counts: sp.csr_matrix, clusters: np.ndarray) -> None:
        scores = find_doublets(ad.AnnData(counts), QualitySettings(), seed=0).score
        totals = np.asarray(counts.sum(axis=1)).ravel()
        categories = pd.Series(clusters.astype(str), dtype="category")
        named = doublet_clusters(log_normalise(counts)[0], categories, scores, totals)
        pairs = [f"{cluster} of {'+'.join(m.parents)}" for cluster, m in named.items()]
        row = {
            "set": name,
            "clusters": clustering,
            "number": len(categories.cat.categories),
            "named": "; ".join(pairs),
            "machine": platform.machine(),
            "date": date.today().isoformat(),
        }
        rows.append(row)

    for name in (*SETS, *UNMIXED):
        counts, obs = counts_of(data / f"{name}.h5ad")
        judge(name, "Leiden", counts, quick_clusters(counts, seed=0))
        if "cell_type" in obs:
            judge(name, "labels", counts, obs["cell_type"].astype(str).to_numpy())
    counts, obs = counts_of(data / "pbmc3k.h5ad")
    types = obs["cell_type"].astype(str).to_numpy()
    rng = np.random.default_rng(0)
    for pair in PAIRS:
        one, other = (rng.choice(np.flatnonzero(types == kind), N_MADE) for kind in pair)
        both = sp.vstack([counts, counts[one] + counts[other]]).tocsr()
        judge(f"pbmc3k with {' + '.join(pair)}", "labels", both, np.r_[types, ["made"] * N_MADE])
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame) -> str:
    """The committed table: means over seeds."""
    lines = [
        "# Doublets",
        "",
        f"{TRUE} has true doublets, known from hashtags; in the other sets, pairs of cells were "
        "added. Means over seeds. Scrublet: scanpy's defaults. A dash: no threshold was found, or "
        "nothing was called.",
        "",
        "| set | doublets | method | AUC | average precision | called | precision | recall | s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (name, method), group in rows.groupby(["set", "method"], sort=False):
        mean = group.mean(numeric_only=True)
        called, precision, recall = (
            "–" if np.isnan(mean[key]) else form.format(mean[key])
            for key, form in (("called", "{:.0f}"), ("precision", "{:.2f}"), ("recall", "{:.2f}"))
        )
        lines.append(
            f"| {name} | {mean['true_share']:.1%} | {method} | {mean['auc']:.3f} "
            f"| {mean['average_precision']:.3f} | {called} | {precision} | {recall} "
            f"| {mean['seconds']:.1f} |"
        )
    seeds, machine, day = rows["seed"].nunique(), rows["machine"].iloc[0], rows["date"].iloc[0]
    lines += ["", f"Seeds: {seeds}. Machine: {machine}. Date: {day}.", ""]
    if (path := RESULTS / "doublets-clusters.csv").exists():
        named = pd.read_csv(path, keep_default_na=False)
        lines += ["## Clusters of doublets", "", "| set | clusters | number | named as doublets |"]
        lines += ["|---|---|---|---|"]
        lines += [
            f"| {row['set']} | {row['clusters']} | {row['number']} | {row['named'] or '–'} |"
            for row in named.to_dict("records")
        ]
        lines += ["", f"Machine: {named['machine'].iloc[0]}. Date: {named['date'].iloc[0]}.", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure all sets and write the rows and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--clusters", action="store_true", help="name clusters of doublets")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    sc.settings.verbosity = 0
    if arguments.clusters:
        named_clusters(arguments.data).to_csv(RESULTS / "doublets-clusters.csv", index=False)
    else:
        measure(arguments.data, arguments.seeds).to_csv(
            RESULTS / "doublets.csv", index=False, float_format="%.4g"
        )
    (RESULTS / "doublets.md").write_text(table(pd.read_csv(RESULTS / "doublets.csv")))


def measure(data: Path, seeds: int) -> pd.DataFrame:
    """Rows of all sets and methods."""
    rows: list[dict] = []
    for seed in range(seeds):
        counts, obs = counts_of(data / f"{TRUE}.h5ad")
        rows += rows_of(TRUE, counts, (obs["cell_type"] == "Doublet").to_numpy(), seed)
        for name in SETS:
            made, true = with_made_doublets(counts_of(data / f"{name}.h5ad")[0], seed)
            rows += rows_of(name, made, true, seed)
            print(f"{name}, seed {seed}", flush=True)
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()
