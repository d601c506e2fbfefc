"""Fit of many cells on a GPU: time, memory, and the effect of lower precision.

    python benchmarks/gpu.py ../shared/data/pbmc3k.h5ad --cells 1000000

Cells are resampled from real ones (``resample.py``), of the variable genes alone, and projected on
the real cells' components; what comes before training is measured by ``speed.py``. Three parts,
each a few rows of ``benchmarks/results/gpu-<device>-<date>.csv``:

- neighbours: exact ones of all cells, by torch;
- fit: training, embedding and clusters, as the stage train does them, with the memory it takes on
  the device and the share of the time in which kernels run there;
- arithmetic: the same mini-batches in single precision, tf32 and bf16, each as it is and compiled,
  with the loss at their end, so that what is faster can be seen to train as well.

Without a GPU it runs on the CPU. It imports no more than torch, scikit-learn, pandas,
h5py and psutil, and this package from ``src``.
"""

import argparse
import csv
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.sparse as sp
import torch
from resample import CHUNK, resampled
from sklearn.decomposition import PCA
from speed import gpu_use, gpu_watched

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.graph.torch_neighbours import TorchNeighbours
from scsiameseclu.model.fitting import fit_model
from scsiameseclu.model.inputs import training_inputs
from scsiameseclu.model.preparation import Prepared
from scsiameseclu.model.scaling import GeneScaling, overall_deviation
from scsiameseclu.module.build import build_network, build_objective, choose_readout
from scsiameseclu.preprocess.expression import gene_moments, log_normalise, project, scale_sparse
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings
from scsiameseclu.training.loader import placed
from scsiameseclu.training.pretraining import Pretraining
from scsiameseclu.training.trainer import Trainer

HERE = Path(__file__).resolve().parent
WARM_UP = 20  # mini-batches before the clock starts: compiling, and the first of everything
ARITHMETIC = [(kind, compiled) for compiled in (False, True) for kind in ("single", "tf32", "bf16")]
Row = dict[str, Any]


def read_counts(source: Path) -> sp.csr_matrix:
    """X of an h5ad, CSR on disk."""
    with h5py.File(source) as file:
        x = file["X"]
        parts = (x["data"][:].astype(np.float32), x["indices"][:], x["indptr"][:])
        return sp.csr_matrix(parts, tuple(x.attrs["shape"]))


def prepared(source: Path, n_cells: int, device: str) -> tuple[Prepared, float]:
    """Inputs of a fit, and the time of the neighbour search in seconds."""
    options, rng = ExpressionSettings(), np.random.default_rng(0)
    real = read_counts(source)
    logged, _ = log_normalise(real)
    chosen = np.sort(np.argsort(-gene_moments(logged)[1])[: options.n_top_genes])
    part = sp.csr_matrix(logged[:, chosen])
    mean, variance = gene_moments(part)
    deviation = np.sqrt(np.maximum(variance, 1e-12))
    scaled = scale_sparse(part, mean, deviation, options.max_value).toarray()  # the real cells
    components = PCA(options.n_pcs, random_state=0).fit(scaled)
    centre = scaled.mean(axis=0) @ components.components_.T
    counts, expression, scores = [], [], []
    for first in range(0, n_cells, CHUNK):
        drawn, _ = resampled(real, min(CHUNK, n_cells - first), rng)
        own = sp.csr_matrix(log_normalise(drawn)[0][:, chosen])
        counts.append(sp.csr_matrix(drawn[:, chosen]))
        expression.append(own)
        scores.append(
            project(own, mean, deviation, components.components_.T, centre, options.max_value)
        )
    found = np.concatenate(scores)
    adjacency, seconds = graph(found, device)
    scaling = GeneScaling(
        *([str(gene) for gene in chosen], mean, deviation, components.components_.T, centre),
        *(1.0, options.max_value, overall_deviation(found)),
    )
    inputs = Prepared(
        *(sp.vstack(expression), sp.vstack(counts), found, adjacency, scaling),
        *(options, GraphSettings()),
    )
    return inputs, seconds


def graph(components: np.ndarray, device: str) -> tuple[sp.csr_matrix, float]:
    """Symmetric graph with distance-decaying weights; time of the search in seconds."""
    started = time.monotonic()
    search = TorchNeighbours(GraphSettings().n_neighbors, device=device)
    distances = search.fit_transform(components)
    seconds = time.monotonic() - started
    width = np.repeat(distances.mean(axis=1).A1 * components.shape[0], np.diff(distances.indptr))
    n_others = np.diff(distances.indptr)[0]
    distances.data = np.exp(-distances.data * n_others / np.maximum(width, 1e-12))
    return sp.csr_matrix(distances.maximum(distances.T)), seconds


def fit(inputs: Prepared, device: str, settings: ModelSettings) -> Row:
    """Time, peak device memory and device utilisation."""
    watched = Path(tempfile.mkdtemp()) / "fit.gpu"
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    started = time.monotonic()
    with gpu_watched(watched):
        found = fit_model(
            inputs, number=ClusterNumber.parse(None), seed=0, device=device, settings=settings
        )
    row: Row = {"seconds": time.monotonic() - started}
    row["clusters"] = found.clustering.n_clusters
    if device == "cuda":
        row["gpu_mb"] = torch.cuda.max_memory_allocated() / 2**20
    return gpu_use(watched) | row


@contextmanager
def arithmetic(kind: str, device: str) -> Iterator[None]:
    """Matrix products in single precision, tf32 or bf16."""
    torch.set_float32_matmul_precision("high" if kind == "tf32" else "highest")
    try:
        # weights change with every mini-batch, so what was cast of them must not be kept
        with torch.autocast(device, torch.bfloat16, kind == "bf16", cache_enabled=False):
            yield
    finally:
        torch.set_float32_matmul_precision("highest")


def steps(inputs: Prepared, device: str, settings: ModelSettings, kind: str, compiled: bool) -> Row:
    """Mini-batches per second of one network, and its mean loss over the last tenth."""
    where = torch.device(device)
    torch.manual_seed(0)
    sizes = len(inputs.scaling.genes), inputs.components.shape[1]
    network = build_network(*sizes, settings).to(where)
    objective = build_objective(*sizes, settings).to(where)
    if compiled:  # not the augmentation: its random numbers are of a generator, which breaks graphs
        for part in (network.expression_encoder, network.graph_encoder, network.fusion):
            part.compile()
        next(iter(objective)).compile()  # the reconstruction
    made = training_inputs(inputs, settings, objective.needs, 0, where)
    readout, data = choose_readout(settings), placed(made.data, where)
    trainer = Trainer(network, objective, data, readout, made.groups, settings.batch_size, 0, where)
    clock: list[float] = []

    def look() -> None:
        if trainer.phase_step in (WARM_UP, settings.pretrain_steps):
            if device == "cuda":
                torch.cuda.synchronize()
            clock.append(time.monotonic())

    trainer.after_step = look
    with arithmetic(kind, device):
        trainer.run(Pretraining(settings))
    losses = [float(record["loss"]) for record in trainer.history]
    late = losses[-max(1, len(losses) // 10) :]
    return {
        "arithmetic": f"{kind}, compiled" if compiled else kind,
        "steps_per_s": (settings.pretrain_steps - WARM_UP) / (clock[1] - clock[0]),
        "loss": float(np.mean(late)),
    }


COLUMNS = [
    *("part", "cells", "device", "arithmetic", "seconds", "steps_per_s", "loss"),
    *("clusters", "gpu_mb", "gpu_busy", "machine", "date", "torch"),
]


def main() -> None:
    """Run the three parts and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path, help="real cells (h5ad with a CSR matrix X)")
    parser.add_argument("--cells", type=int, default=1_000_000)
    parser.add_argument("--steps", type=int, help="mini-batches of the part arithmetic, above 20")
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    name = torch.cuda.get_device_name() if device == "cuda" else platform.machine()
    today = date.today().isoformat()
    output = arguments.output
    if output is None:
        output = HERE / "results" / f"gpu-{name.replace(' ', '_')}-{today}.csv"
    fixed = {
        **{"cells": arguments.cells, "device": name, "date": today, "torch": torch.__version__},
        "machine": f"{platform.machine()} {os.cpu_count()} cores",
    }

    def write(row: Row) -> None:
        new = not output.is_file()
        told = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
        with output.open("a", newline="") as table:
            writer = csv.DictWriter(table, COLUMNS)
            if new:
                writer.writeheader()
            writer.writerow(fixed | told)
        print(told, flush=True)

    settings = ModelSettings()
    inputs, seconds = prepared(arguments.source, arguments.cells, device)
    write({"part": "neighbours", "seconds": seconds})
    write({"part": "fit", **fit(inputs, device, settings)})
    longer = ModelSettings(pretrain_steps=arguments.steps or 10 * settings.pretrain_steps)
    for kind, compiled in ARITHMETIC:
        write({"part": "arithmetic", **steps(inputs, device, longer, kind, compiled)})


if __name__ == "__main__":
    main()
