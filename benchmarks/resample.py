"""Count matrices of any number of cells, resampled from real ones and written in chunks.

    python benchmarks/resample.py SOURCE CELLS OUTPUT [--label cell_type]

A new cell takes the profile of a random real one and a new depth, and every count is drawn anew:
Poisson of the real count times the ratio of depths. What was not seen stays unseen, so the matrix
is as sparse as the source.
"""

import argparse
from pathlib import Path

import h5py
import numpy as np
import scipy.sparse as sp

CHUNK = 20_000
MAX_RATIO = 2.0


def resampled(
    counts: sp.csr_matrix, n_cells: int, rng: np.random.Generator
) -> tuple[sp.csr_matrix, np.ndarray]:
    """New cells (n_cells, n_genes), integers, and the indices of the real cells they copy."""
    totals = np.asarray(counts.sum(axis=1)).ravel()
    profile, depth = rng.integers(counts.shape[0], size=(2, n_cells))
    ratio = np.clip(totals[depth] / np.maximum(totals[profile], 1), 1 / MAX_RATIO, MAX_RATIO)
    drawn = sp.csr_matrix(sp.diags(ratio) @ counts[profile])
    drawn.data = rng.poisson(drawn.data).astype(np.float32)
    drawn.eliminate_zeros()
    return drawn, profile


def write(
    source: Path, n_cells: int, output: Path, seed: int = 0, label: str | None = None
) -> None:
    """Write an h5ad of ``n_cells`` cells in chunks, optionally with a column of ``obs``."""
    import anndata as ad
    import pandas as pd

    real = ad.read_h5ad(source)
    counts = sp.csr_matrix(real.X)
    rng = np.random.default_rng(seed)
    obs = pd.DataFrame(index=[f"cell{i}" for i in range(n_cells)])
    first, profile = resampled(counts, min(CHUNK, n_cells), rng)
    profiles = [profile]
    temporary = output.with_suffix(".part")
    with h5py.File(temporary, "w") as file:
        ad.io.write_elem(file, "/", ad.AnnData(var=pd.DataFrame(index=real.var_names), obs=obs))
        ad.io.write_elem(file, "X", first)
        matrix = ad.io.sparse_dataset(file["X"])
        done = first.shape[0]
        while done < n_cells:
            chunk, profile = resampled(counts, min(CHUNK, n_cells - done), rng)
            matrix.append(chunk)
            profiles.append(profile)
            done += chunk.shape[0]
        if label is not None:
            obs[label] = real.obs[label].to_numpy()[np.concatenate(profiles)]
            ad.io.write_elem(file, "obs", obs)
    temporary.replace(output)


def main() -> None:
    """Parse the command line and write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("cells", type=int)
    parser.add_argument("output", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--label", help="column of obs to copy from the real cells")
    arguments = parser.parse_args()
    write(
        *(arguments.source, arguments.cells, arguments.output),
        *(arguments.seed, arguments.label),
    )


if __name__ == "__main__":
    main()
