"""Is brisc a dependency to build on? Determinism by threads and CPU, and the quality of its steps.

    python benchmarks/brisc_judged.py --data ../shared/data

Runs in an environment with brisc 0.2.3 or newer and scikit-learn, without this package. Every set
is analysed again and again in processes of their own: with one thread, once more, with two
threads, and as on a CPU without AVX-512, for which brisc has other compiled modules. Rows of
``benchmarks/results/brisc.csv`` say what is equal to the first run: components (largest difference
over their largest value, signs aligned), neighbours (share of equal ones), clusters (ARI), scores
of doublets and map. For the first run: recall of its neighbours against exact ones of the same
components, trustworthiness of its map, and on the hashtagged set the area under the curve of its
doublet scores.
"""

import argparse
import csv
import platform
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import distribution, version
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).resolve().parent / "results"
SETS = ("pbmc3k", "human_kidney_young", "hto_4lines_doublets")
HASHTAGGED = "hto_4lines_doublets"
RUNS = {"first": 1, "again": 1, "two threads": 2, "without AVX-512": 1}
"""Threads of each run."""
WITHOUT = "without AVX-512"
N_TRUSTED = 5000  # trustworthiness needs all pairs of cells


def analyse(source: Path, output: Path, run: str) -> None:
    """One analysis: components, neighbours, clusters, map and scores of doublets to a file."""
    if run == WITHOUT:
        from numpy._core._multiarray_umath import __cpu_features__

        __cpu_features__["AVX512F"] = False  # by which brisc chooses its modules
    import brisc.utils
    from brisc import SingleCell

    threads = RUNS[run]
    cells = SingleCell(source, num_threads=threads)
    cells = cells.qc(max_mito_fraction=None, min_genes=10, nonzero_MALAT1=False, allow_float=True)
    cells = cells.find_doublets(batch_column=None).filter_obs("passed_QC")
    cells = cells.hvg().normalize().pca().neighbors().shared_neighbors().cluster().umap()
    np.savez(
        output,
        names=cells.obs_names.to_numpy().astype(str),
        doublets=cells.obs["doublet_score"].to_numpy(),
        clusters=cells.obs["cluster"].to_numpy().astype(str),
        components=cells.obsm["pca"],
        neighbours=cells.obsm["neighbors"],
        umap=cells.obsm["umap"],
        modules=brisc.utils.bin_count.__module__,
    )


def compared(first: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> dict[str, float]:
    """How far a run is from the first one."""
    from sklearn.metrics import adjusted_rand_score

    signs = np.sign((first["components"] * other["components"]).sum(axis=0))
    apart = np.abs(first["components"] - signs * other["components"]).max()
    pairs = zip(first["neighbours"], other["neighbours"], strict=True)
    shared = [len(np.intersect1d(*pair)) / len(pair[0]) for pair in pairs]
    return {
        "components_differ_by": float(apart / np.abs(first["components"]).max()),
        "equal_neighbours": float(np.mean(shared)),
        "clusters_ari": adjusted_rand_score(first["clusters"], other["clusters"]),
        "equal_maps": float(np.array_equal(first["umap"], other["umap"])),
        "equal_doublet_scores": float(np.array_equal(first["doublets"], other["doublets"])),
    }


def quality(result: dict[str, np.ndarray], source: Path) -> dict[str, float]:
    """Recall of neighbours, trustworthiness of the map, and doublets where they are known."""
    from sklearn.manifold import trustworthiness
    from sklearn.metrics import roc_auc_score
    from sklearn.neighbors import NearestNeighbors

    values, found = result["components"], result["neighbours"]
    exact = NearestNeighbors(n_neighbors=found.shape[1] + 1).fit(values)
    nearest = exact.kneighbors(values, return_distance=False)
    recall = [
        len(np.intersect1d(mine, all_of[all_of != cell])) / len(mine)
        for cell, (mine, all_of) in enumerate(zip(found, nearest, strict=True))
    ]
    chosen = np.random.default_rng(0).permutation(len(values))[:N_TRUSTED]
    row = {
        "clusters": len(set(result["clusters"])),
        "neighbour_recall": float(np.mean(recall)),
        "trustworthiness": trustworthiness(values[chosen], result["umap"][chosen], n_neighbors=15),
    }
    if source.stem == HASHTAGGED:
        import anndata as ad

        obs = ad.read_h5ad(source, backed="r").obs.loc[result["names"]]
        row["doublet_auc"] = float(roc_auc_score(obs["cell_type"] == "Doublet", result["doublets"]))
    return row


def installed_mb() -> int:
    """Megabytes of brisc and what it brings along: polars and pyarrow."""
    names = ("brisc", "polars", "polars-runtime-32", "pyarrow")
    files = [file.locate() for name in names for file in distribution(name).files or []]
    return round(sum(Path(file).stat().st_size for file in files if Path(file).is_file()) / 1e6)


def main() -> None:
    """Analyse every set in every way, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=RESULTS / "brisc.csv")
    parser.add_argument("--analyse", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.analyse:
        source, output, run = arguments.analyse
        analyse(Path(source), Path(output), run)
        return
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in SETS:
            source, first = arguments.data / f"{name}.h5ad", None
            for run, threads in RUNS.items():
                output = Path(folder) / f"{name} {run}.npz"
                command = [sys.executable, __file__, "--data", arguments.data, "--analyse"]
                subprocess.run([*command, source, output, run], check=True)
                with np.load(output) as saved:
                    result = dict(saved)
                first = first or result
                row = {"set": name, "cells": len(result["names"]), "run": run}
                row |= {"threads": threads, "modules": str(result["modules"])}
                row |= quality(result, source) if first is result else compared(first, result)
                row |= {"brisc": version("brisc"), "installed_mb": installed_mb()}
                row |= {"machine": platform.machine()}
                rows.append(row | {"date": date.today().isoformat()})
                print(rows[-1], flush=True)
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with arguments.output.open("w", newline="") as table:
        writer = csv.DictWriter(table, columns)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()})


if __name__ == "__main__":
    main()
