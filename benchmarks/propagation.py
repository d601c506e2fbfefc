"""Operations on the graph of cells: this package's beside torch-geometric's.

    python benchmarks/propagation.py

A symmetric graph of 15 neighbours per cell, 100,000 cells, 50 components, on the CPU. Each
operation begins with the scipy matrix that the pipeline has and ends with what the next step
takes, so conversions count. Each is compared with plain code on this package's sparse rows or on
scipy. Writes ``benchmarks/results/propagation-MACHINE-DATE.csv``: the fewest seconds of several
interleaved runs, their ratio to the plain code's, and the largest difference of the results.
"""

from __future__ import annotations

import argparse
import csv
import os
import platform
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
import torch_geometric
from torch import Tensor
from torch_geometric import EdgeIndex
from torch_geometric.nn import APPNP
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import from_scipy_sparse_matrix, to_undirected

from scsiameseclu.module.graph_views import (
    csr_tensor,
    drop_dissimilar_edges,
    normalised_adjacency,
)
from scsiameseclu.module.sparse_rows import SparseRows

RESULTS = Path(__file__).resolve().parent / "results"
N_NEIGHBOURS, N_COMPONENTS = 15, 50
ALPHA, N_STEPS, SHARE = 0.2, 10, 0.1
COLUMNS = [
    *("operation", "implementation", "seconds", "ratio", "difference", "cells", "entries"),
    *("threads", "machine", "date", "torch", "torch_geometric"),
]
Run = Callable[[], Any]


def graph(n_cells: int, rng: np.random.Generator) -> sp.csr_matrix:
    """Each cell is linked with 15 near it in an order that is then shuffled, and they with it."""
    away = rng.integers(1, 200, (n_cells, N_NEIGHBOURS)) * rng.choice([-1, 1], (n_cells, 1))
    columns = ((np.arange(n_cells)[:, None] + away) % n_cells).ravel()
    rows = np.repeat(np.arange(n_cells), N_NEIGHBOURS)
    order = rng.permutation(n_cells)
    weights = rng.uniform(0.1, 1.0, rows.size)
    one_way = sp.csr_matrix((weights, (order[rows], order[columns])), (n_cells, n_cells))
    return sp.csr_matrix(one_way.maximum(one_way.T))


def as_scipy(edge_index: Tensor, weights: Tensor, n_cells: int) -> sp.csr_matrix:
    """CSR of weighted edges."""
    rows, columns = edge_index.numpy()
    return sp.csr_matrix((weights.numpy(), (rows, columns)), (n_cells, n_cells))


def normalisations(adjacency: sp.csr_matrix) -> dict[str, Run]:
    """D^-1/2 (A + I) D^-1/2 as a CSR matrix."""
    n_cells = adjacency.shape[0]

    def from_edges() -> sp.csr_matrix:
        edges, weights = from_scipy_sparse_matrix(adjacency)
        return as_scipy(*gcn_norm(edges, weights.float(), n_cells, dtype=torch.float32), n_cells)

    def from_csr() -> sp.csr_matrix:
        operator = csr_tensor(sp.csr_matrix(adjacency, dtype=np.float32))
        normalised = gcn_norm(operator, None, n_cells, dtype=torch.float32)[0]
        parts = (normalised.values(), normalised.col_indices(), normalised.crow_indices())
        return sp.csr_matrix(tuple(part.numpy() for part in parts), adjacency.shape)

    return {
        "plain: scipy": lambda: normalised_adjacency(adjacency),
        "gcn_norm of an edge index": from_edges,
        "gcn_norm of a CSR tensor": from_csr,
    }


def products(operator: sp.csr_matrix, features: Tensor) -> dict[str, Run]:
    """One propagation."""
    rows, csr = SparseRows.of(operator), csr_tensor(operator)
    edges, weights = from_scipy_sparse_matrix(operator)
    index = EdgeIndex(edges, sparse_size=operator.shape, sort_order="row")
    array = features.numpy()
    return {
        "plain: embedding_bag": lambda: rows @ features,
        "torch CSR tensor": lambda: csr @ features,
        "EdgeIndex": lambda: index.matmul(features, weights),
        "scipy": lambda: torch.from_numpy(operator @ array),
    }


def diffusions(operator: sp.csr_matrix, features: Tensor) -> dict[str, Run]:
    """Personalised PageRank by ten steps."""
    layer = APPNP(N_STEPS, ALPHA, add_self_loops=False, normalize=False)

    def by_hand() -> Tensor:
        rows, state = SparseRows.of(operator), features
        for _ in range(N_STEPS):
            state = (1.0 - ALPHA) * (rows @ state) + ALPHA * features
        return state

    def from_edges() -> Tensor:
        return layer(features, *from_scipy_sparse_matrix(operator))

    return {
        "plain: embedding_bag": by_hand,
        "APPNP on a CSR tensor": lambda: layer(features, csr_tensor(operator)),
        "APPNP on an edge index": from_edges,
    }


def perturbations(adjacency: sp.csr_matrix, features: Tensor) -> dict[str, Run]:
    """The least similar edges dropped; ``dropout_edge`` would draw them at random."""
    n_cells, array = adjacency.shape[0], features.numpy()

    def from_edges() -> sp.csr_matrix:
        edges, weights = from_scipy_sparse_matrix(adjacency)
        upper = edges[0] < edges[1]
        edges, weights = edges[:, upper], weights[upper]
        unit = torch.nn.functional.normalize(features, dim=1)
        similarity = (unit[edges[0]] * unit[edges[1]]).sum(dim=1)
        n_dropped = int(SHARE * similarity.numel())
        kept = torch.ones(similarity.numel(), dtype=torch.bool)
        kept[similarity.topk(n_dropped, largest=False, sorted=False).indices] = False
        return as_scipy(*to_undirected(edges[:, kept], weights[kept], n_cells), n_cells)

    return {
        "plain: scipy": lambda: drop_dissimilar_edges(adjacency, array, SHARE),
        "to_undirected": from_edges,
    }


def difference(one: Any, other: Any) -> float:
    """The largest absolute difference of two matrices."""
    return float(abs(one - other).max())


def measured(runs: dict[str, Run], n_runs: int) -> list[dict[str, Any]]:
    """Run all in turn; the first is the plain code."""
    seconds = dict.fromkeys(runs, float("inf"))
    results: dict[str, Any] = {}
    for _ in range(n_runs):
        for name, run in runs.items():
            started = time.perf_counter()
            results[name] = run()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    plain = next(iter(runs))
    return [
        {
            "implementation": name,
            "seconds": f"{seconds[name]:.4f}",
            "ratio": f"{seconds[name] / seconds[plain]:.2f}",
            "difference": f"{difference(results[plain], results[name]):.1e}",
        }
        for name in runs
    ]


def main() -> None:
    """Measure each operation and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(0)
    adjacency = graph(arguments.cells, rng)
    features = torch.from_numpy(rng.normal(size=(arguments.cells, N_COMPONENTS))).float()
    operator = normalised_adjacency(adjacency)
    operations = {
        "normalisation": normalisations(adjacency),
        "product": products(operator, features),
        "diffusion": diffusions(operator, features),
        "edge perturbation": perturbations(adjacency, features),
    }
    today = date.today().isoformat()
    fixed = {
        **{"cells": arguments.cells, "entries": adjacency.nnz, "threads": arguments.threads},
        **{"machine": f"{platform.machine()} {os.cpu_count()} cores", "date": today},
        **{"torch": torch.__version__, "torch_geometric": torch_geometric.__version__},
    }
    name = f"propagation-{platform.machine()}-{os.cpu_count()}cores-{today}.csv"
    with (arguments.output or RESULTS / name).open("w", newline="") as table:
        writer = csv.DictWriter(table, COLUMNS)
        writer.writeheader()
        for operation, runs in operations.items():
            for row in measured(runs, arguments.runs):
                writer.writerow({"operation": operation, **row, **fixed})
                print(operation, row, flush=True)


if __name__ == "__main__":
    main()
