"""Whether the same seed and counts give the same clusters with other numbers of threads.

    python benchmarks/determinism.py --data ../shared/data [--sets NAME ...] [--threads 1 2 4]

Every fit runs in a process of its own, from raw counts to clusters with the number of clusters
unknown. Its components, graph, embedding and clusters are compared with those of the first number
of threads. Labels are not read. What is in ``--work`` is not fitted again.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import anndata as ad
import numpy as np
from accuracy import MIN_CELLS, PANEL, SETS

HERE = Path(__file__).resolve().parent
CHOSEN = (*PANEL[:7], "human_kidney_young", "cellbench5_3plate")
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
MIN_DESCENT_CELLS = 5000
FIELDS = [
    *("set", "n_cells", "threads", "compared_with", "components_differ_by", "equal_edges"),
    *(
        "equal_edges_of_descent",
        "embedding_differs_by",
        "equal_labels",
        "ari",
        "n_clusters",
        "machine",
        "date",
    ),
]


def fit(source: Path, batch: str | None, output: Path) -> None:
    """Cluster the counts of a file, and write what the fit gives."""
    import scanpy as sc
    import scipy.sparse as sp

    from scsiameseclu import ScSiameseClu

    given = ad.read_h5ad(source)
    if batch:
        given = given[given.obs["batch"] == batch]
    adata = ad.AnnData(sp.csr_matrix(given.X, dtype=np.float32))
    adata.obs_names, adata.var_names = given.obs_names, given.var_names
    sc.pp.filter_genes(adata, min_cells=MIN_CELLS)
    ScSiameseClu(random_state=0, device="cpu").fit(adata)
    np.savez(
        output,
        components=adata.obsm["X_pca"],
        edges=edges_of(adata),
        embedding=adata.obsm["X_siamese"],
        labels=adata.obs["siamese"].to_numpy().astype(str),
        descent=descent(adata.obsm["X_pca"]),
    )


def edges_of(adata: ad.AnnData) -> np.ndarray:
    """The pairs of neighbours as numbers, (n_edges,)."""
    edges = adata.obsp["distances"].tocoo()
    numbers: np.ndarray = edges.row.astype(np.int64) * adata.n_obs + edges.col
    return numbers


def descent(components: np.ndarray) -> np.ndarray:
    """Neighbours by descent, as above 50,000 cells; none for small sets, to save time."""
    import scanpy as sc

    if len(components) < MIN_DESCENT_CELLS:
        return np.zeros(0, dtype=np.int64)
    cells = ad.AnnData(obsm={"X_pca": components})
    sc.pp.neighbors(cells, use_rep="X_pca", transformer="pynndescent", random_state=0)
    return edges_of(cells)


def fitted(name: str, threads: int, data: Path, work: Path) -> dict[str, np.ndarray]:
    """What a fit of a set with so many threads gives."""
    output = work / f"{name}-{threads}.npz"
    if not output.is_file():
        file, batch, _ = SETS[name]
        command = [sys.executable, HERE / Path(__file__).name, "--fit", data / file, output]
        command += ["--batch", batch] if batch else []
        environment = os.environ | dict.fromkeys(VARIABLES, str(threads))
        subprocess.run([*map(str, command)], env=environment, check=True)
    with np.load(output) as content:
        return dict(content)


def shared(one: dict[str, np.ndarray], other: dict[str, np.ndarray], key: str) -> float:
    """Share of the edges of one graph that another has, too."""
    return float(np.isin(one[key], other[key]).mean())


def compared(name: str, numbers: list[int], data: Path, work: Path) -> Iterator[dict[str, object]]:
    """One row for each number of threads but the first."""
    from sklearn.metrics import adjusted_rand_score

    first = fitted(name, numbers[0], data, work)
    for threads in numbers[1:]:
        other = fitted(name, threads, data, work)
        scale = {key: np.abs(first[key]).max() for key in ("components", "embedding")}
        gaps = {key: np.abs(first[key] - other[key]).max() / scale[key] for key in scale}
        yield {
            "set": name,
            "n_cells": len(first["labels"]),
            "threads": threads,
            "compared_with": numbers[0],
            "components_differ_by": f"{gaps['components']:.1e}",
            "equal_edges": f"{shared(other, first, 'edges'):.4f}",
            "equal_edges_of_descent": f"{shared(other, first, 'descent'):.4f}"
            if first["descent"].size
            else "",
            "embedding_differs_by": f"{gaps['embedding']:.1e}",
            "equal_labels": f"{(first['labels'] == other['labels']).mean():.4f}",
            "ari": f"{adjusted_rand_score(first['labels'], other['labels']):.4f}",
            "n_clusters": f"{len(set(first['labels']))} and {len(set(other['labels']))}",
            "machine": f"{platform.machine()} {os.cpu_count()} cores",
            "date": date.today().isoformat(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=CHOSEN)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2, 4])
    parser.add_argument("--work", type=Path, help="folder for what the fits give")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "determinism.csv")
    parser.add_argument("--fit", nargs=2, type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--batch", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fit:
        fit(options.fit[0], options.batch, options.fit[1])
        return
    with tempfile.TemporaryDirectory() as temporary:
        work = options.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        rows = []
        for name in options.sets:
            for row in compared(name, options.threads, options.data, work):
                print(row, flush=True)
                rows.append(row)
    with options.output.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, FIELDS)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
