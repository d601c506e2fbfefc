"""Made captures as Cell Ranger writes them: droplets with genes and hashtags."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix, hstack

DOUBLET, NEGATIVE = "Doublet", "Negative"
N_DROPLET_GENES = 400
KINDS = ("empty", "large", "small")


@dataclass(frozen=True)
class Hashed:
    """Counts of hashtags (n_cells, n_hashtags), and the true hashtag of each cell."""

    counts: pd.DataFrame
    truth: np.ndarray


def hashed(
    n_cells: int,
    n_hashtags: int = 3,
    *,
    background: float = 15,
    doublets: float = 0.1,
    seed: int = 0,
) -> Hashed:
    """Hashtags of unequal efficiency in cells of unequal depth; 5 % of the cells have none."""
    rng = np.random.default_rng(seed)
    cells = np.arange(n_cells)
    first = rng.integers(0, n_hashtags, n_cells)
    second = (first + rng.integers(1, n_hashtags, n_cells)) % n_hashtags
    kind = rng.choice(["one", "two", "none"], n_cells, p=[0.95 - doublets, doublets, 0.05])
    has = np.zeros((n_cells, n_hashtags))
    has[cells, first] = kind != "none"
    has[cells, second] += kind == "two"
    mean = np.outer(rng.lognormal(0, 0.5, n_cells), background * rng.lognormal(0, 0.5, n_hashtags))
    efficiency = 300 * rng.lognormal(0, 0.5, n_hashtags)
    mean += has * efficiency * rng.lognormal(0, 0.4, (n_cells, n_hashtags))
    names = [f"HTO_{number}" for number in range(1, n_hashtags + 1)]
    truth = np.array(names, dtype=object)[first]
    truth[kind == "two"], truth[kind == "none"] = DOUBLET, NEGATIVE
    return Hashed(pd.DataFrame(rng.poisson(mean), columns=names), truth)


def barcodes(number: int) -> list[str]:
    letters = np.array(list("ACGT"))
    digits = np.arange(number)[:, None] // 4 ** np.arange(10)[None] % 4
    return ["ACGTAC" + "".join(row) + "-1" for row in letters[digits]]


def write_10x(path: Path, genes: csr_matrix, hashtags: pd.DataFrame | None = None) -> Path:
    """Write a 10x HDF5 file with hashtags of type Multiplexing Capture."""
    names = [f"GENE{number}" for number in range(genes.shape[1])]
    ids = [f"ENSG{number:011d}" for number in range(genes.shape[1])]
    kinds = ["Gene Expression"] * len(names)
    matrix = genes
    if hashtags is not None:
        matrix = csr_matrix(hstack([genes, csr_matrix(hashtags.to_numpy())]))
        names += list(hashtags.columns)
        ids += [f"id_{name}" for name in hashtags.columns]
        kinds += ["Multiplexing Capture"] * hashtags.shape[1]
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        group["data"] = matrix.data.astype(np.int32)
        group["indices"], group["indptr"] = matrix.indices, matrix.indptr
        group["shape"] = matrix.shape[::-1]
        group["barcodes"] = np.array(barcodes(matrix.shape[0]), dtype="S")
        for name, values in (("id", ids), ("name", names), ("feature_type", kinds)):
            group[f"features/{name}"] = np.array(values, dtype="S")
        group["features/genome"] = np.array(["GRCh38"] * len(names), dtype="S")
    return path


@dataclass(frozen=True)
class Capture:
    """Counts (n_droplets, n_genes), the kind of each droplet, and the profiles by kind."""

    counts: csr_matrix
    kind: np.ndarray
    profiles: dict[str, np.ndarray]


def profile(rng: np.random.Generator) -> np.ndarray:
    """Proportions of genes, most of them rare."""
    weights = rng.lognormal(0, 2, N_DROPLET_GENES)
    return weights / weights.sum()


def sampled(totals: np.ndarray, proportions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Multinomial counts of droplets with these totals."""
    return np.stack([rng.multinomial(total, proportions) for total in totals])


def make_capture(seed: int = 0, n_empty: int = 6000) -> Capture:
    """Large cells are 90 % of the cells, so that the ambient profile is close to theirs."""
    rng = np.random.default_rng(seed)
    large, small = profile(rng), profile(rng)
    ambient = 0.9 * large + 0.1 * small
    totals = {
        "empty": rng.integers(2, 160, n_empty),
        "large": rng.lognormal(np.log(4000), 0.3, 180).astype(int),
        "small": rng.integers(180, 500, 60),
    }
    profiles = {"empty": ambient, "large": large, "small": small}
    parts = [sampled(totals[kind], profiles[kind], rng) for kind in KINDS]
    kind = np.repeat(KINDS, [len(part) for part in parts])
    order = rng.permutation(kind.size)
    matrix = csr_matrix(np.concatenate(parts)[order].astype(np.float32))
    return Capture(matrix, kind[order], profiles)
