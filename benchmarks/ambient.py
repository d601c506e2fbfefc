"""Ambient RNA: contamination and corrected counts in made mixtures, beside other packages.

    python benchmarks/ambient.py --data ../shared/data --peer decontx-scanpy=PYTHON [...]
    python benchmarks/ambient.py --data ../shared/data --clusters

Mixtures: in each cell of a labelled set, a share of the counts from a beta distribution is replaced
by draws from the soup, which is the mean profile of the set (``soup``) or the profile of one type
alone (``one type``, of which only droplets tell); 3,000 empty droplets of 20 to 80 counts come from
it, too. Measured: mean and correlation of the estimated contamination with the truth; how much the
share of foreign genes falls, those that other types express 50 times as much as the cell's own
(of clean cells, this share is above zero, so it cannot fall to zero without harm; ``left`` is what
remains, relative to that of the clean cells, and ``added_removed`` the part of the added share that
is gone, above 1 if native counts are, too); how much of the native counts is kept; time and peak
memory of the process. A peer is a package installed in an environment of its own, named with the
Python of that environment; all get the same clusters, those of our quick clustering. Our own rows
make their clusters themselves. Labels are read to make the mixtures and to score.

``--clusters`` fits the model with and without correction on a few sets as they are, and compares
clusters with labels. Rows that are in the files are not measured again. They go to
``ambient.csv`` and ``ambient-clusters.csv`` in ``benchmarks/results``, and the tables to
``ambient.md``.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
import warnings
from datetime import date
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from speed import measure

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
WORKER = HERE / "ambient_methods.py"
ROWS, FITS = RESULTS / "ambient.csv", RESULTS / "ambient-clusters.csv"
SETS = ("zheng_sorted_ref", "pbmc3k", "baron_mouse")
SIZES = (600, 5_000)
MEANS = {"high": (2.0, 10.0), "low": (1.0, 40.0)}
"""Parameters of the beta distribution of the contamination, with means of 0.17 and 0.02."""
ONE_TYPE = {"zheng_sorted_ref": "monocytes"}
N_DROPLETS, DROPLET_COUNTS = 3_000, (20, 80)
FOLD, MIN_SHARE = 50, 2e-4
LIMIT_S = 600
SLOW = ("decontx-python",)
"""Methods that take minutes for 600 cells, and are not run on more."""
CLUSTERED = ("baron_mouse", "pbmc3k", "zheng_sorted_ref", "darmanis_brain")


def mixture(path: Path, n_cells: int, beta: tuple[float, float], soup: str | None) -> ad.AnnData:
    """Cells and droplets; native counts of the cells in ``uns``."""
    cells = ad.read_h5ad(path)
    cells.var_names_make_unique()
    cells = cells[cells.obs["cell_type"].notna()]
    rng = np.random.default_rng(0)
    rows = rng.choice(cells.n_obs, n_cells, replace=n_cells > cells.n_obs)
    clean = sp.csr_matrix(cells.X[rows], dtype=np.float64)
    types = cells.obs["cell_type"].astype(str).to_numpy()[rows]
    source = clean if soup is None else clean[types == soup]
    profile = source.sum(axis=0).A1 / source.sum()
    totals = clean.sum(axis=1).A1
    share = rng.beta(*beta, n_cells)
    kept = rng.binomial(clean.data.astype(int), np.repeat(1 - share, np.diff(clean.indptr)))
    native = sp.csr_matrix((kept.astype(float), clean.indices, clean.indptr), clean.shape)
    n_foreign = (totals - native.sum(axis=1).A1).astype(int)
    mixed = native + _draws(n_foreign, profile, rng)
    empty = _draws(rng.integers(*DROPLET_COUNTS, N_DROPLETS), profile, rng)
    obs = pd.DataFrame(
        {
            "is_empty": np.arange(n_cells + N_DROPLETS) >= n_cells,
            "cell_type": [*types, *[""] * N_DROPLETS],
            "truth": np.r_[n_foreign / totals, np.ones(N_DROPLETS)],
        },
        index=[f"cell{i}" for i in range(n_cells + N_DROPLETS)],
    )
    counts = sp.vstack([mixed, empty]).tocsr().astype(np.float32)
    var = pd.DataFrame(
        {"gene_id": cells.var_names, "gene_symbol": cells.var_names}, cells.var_names
    )
    return ad.AnnData(counts, obs=obs, var=var, uns={"native": native})


def _draws(totals: np.ndarray, profile: np.ndarray, rng: np.random.Generator) -> sp.csr_matrix:
    return sp.vstack([sp.csr_matrix(rng.multinomial(n, profile)) for n in totals]).tocsr()


def with_clusters(both: ad.AnnData) -> ad.AnnData:
    """Add our quick clusters of the cells."""
    from scsiameseclu.preprocess.ambient import quick_clusters

    cells = ~both.obs["is_empty"].to_numpy()
    clusters = quick_clusters(both.X[cells], seed=0)
    both.obs["cluster"] = pd.Categorical([*clusters.astype(str), *[""] * int((~cells).sum())])
    return both


def foreign_share(counts: sp.csr_matrix, native: sp.csr_matrix, types: np.ndarray) -> float:
    """Share of the counts in genes that other types express much more than the cell's own."""
    names = np.unique(types)
    sums = np.stack([native[types == name].sum(axis=0).A1 for name in names])
    shares = sums / sums.sum(axis=1, keepdims=True)
    foreign = 0.0
    for number, name in enumerate(names):
        best = np.delete(shares, number, axis=0).max(axis=0)
        genes = (best > MIN_SHARE) & (shares[number] < best / FOLD)
        foreign += counts[types == name][:, genes].sum()
    return float(foreign / counts.sum())


def scores(both: ad.AnnData, file: Path) -> dict[str, float]:
    """The row of one method."""
    cells = both[~both.obs["is_empty"].to_numpy()]
    native, types = both.uns["native"], cells.obs["cell_type"].to_numpy(str)
    truth = cells.obs["truth"].to_numpy()
    with np.load(file) as result:
        estimate = result["contamination"]
        parts = (result["data"], result["indices"], result["indptr"])
        corrected = sp.csr_matrix(parts, cells.shape)
    before, after, clean = (foreign_share(x, native, types) for x in (cells.X, corrected, native))
    return {
        "truth": truth.mean(),
        "estimate": np.nanmean(estimate),
        "correlation": np.corrcoef(estimate, truth)[0, 1],
        "foreign_before": before,
        "foreign_falls": 1 - after / before,
        "foreign_left": after / clean,
        "added_removed": (before - after) / (before - clean),
        "native_kept": corrected.minimum(native).sum() / native.sum(),
    }


def measure_mixtures(data: Path, peers: dict[str, str]) -> None:
    """Add the rows of all mixtures and methods that are not in the file."""
    pythons = {"ours": sys.executable, "ours, droplets": sys.executable} | peers
    small, large = SIZES
    cases: list[tuple[str, int, str, str | None]] = [
        (name, small, level, None) for name in SETS for level in MEANS
    ]
    cases += [(name, small, "high", soup) for name, soup in ONE_TYPE.items()]
    cases += [(name, large, "high", None) for name in SETS[:2]]
    for name, size, level, soup in cases:
        case = {"set": name, "cells": size, "soup": "one type" if soup else "soup", "level": level}
        missing = [
            method
            for method in pythons
            if not _is_measured(case | {"method": method}, ROWS)
            and (size == small or method not in SLOW)
        ]
        if not missing:
            continue
        both = with_clusters(mixture(data / f"{name}.h5ad", size, MEANS[level], soup))
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "input.h5ad"
            ad.AnnData(both.X, obs=both.obs, var=both.var).write_h5ad(source)
            for method in missing:
                target = Path(folder) / f"{method}.npz"
                command: list[object] = [pythons[method], WORKER, method, source, target]
                took = measure(command, Path(folder) / "log", LIMIT_S)
                row = case | {"method": method, **took}
                row |= scores(both, target) if target.exists() else {}
                if took["status"] != "ok":
                    print((Path(folder) / "log").read_text()[-600:])
                _add(row, ROWS)


def _add(row: dict[str, object], path: Path) -> None:
    row |= {"machine": platform.machine(), "date": date.today().isoformat()}
    print(row, flush=True)
    table = pd.concat([_measured(path), pd.DataFrame([row])], ignore_index=True)
    table.to_csv(path, index=False, float_format="%.4g")


def _measured(path: Path) -> pd.DataFrame:
    return pd.read_csv(path) if path.exists() else pd.DataFrame()


def _is_measured(case: dict[str, object], path: Path) -> bool:
    table = _measured(path)
    if table.empty:
        return False
    same = np.logical_and.reduce([table[key] == value for key, value in case.items()])
    return bool(same.any())


def measure_clusters(data: Path) -> None:
    """Add the rows of fits with and without correction that are not in the file."""
    from scsiameseclu import ScSiameseClu
    from scsiameseclu.metrics import agreement
    from scsiameseclu.pp import ambient_rna

    for name in CLUSTERED:
        labelled = ad.read_h5ad(data / f"{name}.h5ad")
        labelled.var_names_make_unique()
        known = labelled.obs["cell_type"].notna().to_numpy()
        for mode in ("off", "correct"):
            if _is_measured({"set": name, "mode": mode}, FITS):
                continue
            cells = ad.AnnData(labelled.X, obs=labelled.obs[[]], var=labelled.var[[]])
            row: dict[str, object] = {"set": name, "mode": mode, "contamination": None}
            if mode == "correct":
                ambient_rna(cells, correct=True)
                cells.X = cells.layers.pop("corrected")
                row["contamination"] = float(cells.obs["contamination"].mean())
            ScSiameseClu(device="cpu").fit(cells)
            clusters = cells.obs["siamese"]
            found = agreement(labelled.obs["cell_type"][known].astype(str), clusters[known])
            row["clusters"] = int(clusters.nunique())
            row |= {key: found.to_dict()[key] for key in ("ari", "nmi", "macro_f1")}
            _add(row, FITS)


def tables() -> str:
    """The committed tables, from the rows on disk."""
    order = ["set", "cells", "soup", "level", "method"]
    rows = _measured(ROWS).sort_values(order, kind="stable")
    lines = [
        "# Ambient RNA",
        "",
        "Made mixtures: a share of the counts of each cell was replaced by draws from the soup. "
        "*Falls*: by how much the share of foreign genes falls; *removed*: the same, relative to "
        "what the soup added. *Kept*: native counts that remain. Ours makes its own clusters; the "
        "others get the same ones. Time and memory: of the process, with its start, on two cores "
        "that other work shared. A dash: stopped after 10 minutes, or failed.",
        "",
        "| set | cells | soup | method | contamination | estimate | correlation | falls | removed "
        "| kept | s | MB |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows.to_dict("records"):
        names = (
            "truth",
            "estimate",
            "correlation",
            "foreign_falls",
            "added_removed",
            "native_kept",
        )
        values = ["–" if np.isnan(row[key]) else f"{row[key]:.2f}" for key in names]
        values[:2] = ["–" if np.isnan(row[key]) else f"{row[key]:.3f}" for key in names[:2]]
        lines.append(
            f"| {row['set']} | {row['cells']} | {row['soup']} | {row['method']} "
            f"| {' | '.join(values)} | {row['wall_s']:.1f} | {row['peak_mb']:.0f} |"
        )
    lines += ["", f"Machine: {rows['machine'].iloc[0]}. Date: {rows['date'].iloc[0]}.", ""]
    if FITS.exists():
        fits = pd.read_csv(FITS)
        lines += [
            "## Clusters with and without correction",
            "",
            "Default fits of the sets as they are, number of clusters unknown, one seed.",
            "",
            "| set | correction | mean contamination | clusters | ARI | NMI | macro-F1 |",
            "|---|---|---|---|---|---|---|",
        ]
        for row in fits.to_dict("records"):
            mean = "–" if np.isnan(row["contamination"]) else f"{row['contamination']:.3f}"
            lines.append(
                f"| {row['set']} | {row['mode']} | {mean} | {row['clusters']} | {row['ari']:.3f} "
                f"| {row['nmi']:.3f} | {row['macro_f1']:.3f} |"
            )
        lines += ["", f"Machine: {fits['machine'].iloc[0]}. Date: {fits['date'].iloc[0]}.", ""]
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--peer", nargs="*", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--clusters", action="store_true", help="fits with and without correction")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    if arguments.clusters:
        measure_clusters(arguments.data)
    else:
        peers = dict(peer.split("=", 1) for peer in arguments.peer)
        measure_mixtures(arguments.data, peers)
    (RESULTS / "ambient.md").write_text(tables())


if __name__ == "__main__":
    main()
