"""One method of ``ambient.py`` on one file; run by the Python in which that method is installed.

    PYTHON benchmarks/ambient_methods.py METHOD INPUT.h5ad OUTPUT.npz

``INPUT``: counts in X, clusters in ``obs["cluster"]``, and ``obs["is_empty"]``: the last rows are
empty droplets, which methods that need none do not get. ``OUTPUT``: ``contamination`` (n_cells,)
and the corrected counts of the cells as the parts of a CSR matrix.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import anndata as ad
import numpy as np
import scipy.sparse as sp

EMPTY = "Empty Droplet"


def by_ours(cells: ad.AnnData, droplets: ad.AnnData | None) -> tuple[np.ndarray, sp.csr_matrix]:
    """This package, with its own clusters."""
    from scsiameseclu.pp import ambient_rna

    ambient_rna(cells, raw=droplets, correct=True)
    return cells.obs["contamination"].to_numpy(), cells.layers["corrected"]


def by_pydecontx(cells: ad.AnnData) -> tuple[np.ndarray, sp.csr_matrix]:
    """The package pydecontx."""
    from pydecontx import decontx

    result = decontx(cells.X.T.tocsc(), z=cells.obs["cluster"].to_numpy(str))
    return result.contamination, sp.csr_matrix(result.decontx_counts.T)


def by_decontx_scanpy(cells: ad.AnnData) -> tuple[np.ndarray, sp.csr_matrix]:
    """The package decontx-scanpy, whose module is called pydecontx, too."""
    from pydecontx import decontx

    result = decontx(cells, z="cluster", compute_umap=False, copy=True, verbose=False)
    return result.obs["decontX_contamination"].to_numpy(), result.layers["decontX_counts"]


def by_decontx_python(cells: ad.AnnData) -> tuple[np.ndarray, sp.csr_matrix]:
    """The package decontx-python."""
    from decontx import decontx

    result = decontx(cells, cluster_key="cluster", copy=True, verbose=False)
    return result.obs["decontX_contamination"].to_numpy(), result.layers["decontX_counts"]


def by_cellsweep(both: ad.AnnData) -> tuple[np.ndarray, sp.csr_matrix]:
    """The package cellsweep, with the droplets."""
    from cellsweep import denoise

    work = both.copy()
    names = work.obs["cluster"].astype(str).to_numpy()
    work.obs["celltype"] = np.where(work.obs["is_empty"], EMPTY, names)
    result = denoise(work, quiet=True)
    result = result[both.obs_names[~both.obs["is_empty"].to_numpy()]]
    raw = both[result.obs_names].X
    corrected = sp.csr_matrix(result.X)
    return 1 - corrected.sum(axis=1).A1 / raw.sum(axis=1).A1, corrected


def by_cellbender(both: ad.AnnData) -> tuple[np.ndarray, sp.csr_matrix]:
    """The package cellbender on the CPU, with the droplets."""
    empty = both.obs["is_empty"].to_numpy()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "raw.h5ad", Path(folder) / "out.h5"
        both.write_h5ad(source)
        program = Path(sys.executable).with_name("cellbender")
        command = [program, "remove-background", "--input", source, "--output", target]
        command += ["--expected-cells", int((~empty).sum())]
        command += ["--total-droplets-included", both.n_obs - 500, "--epochs", 100]
        subprocess.run([str(part) for part in command], check=True, cwd=folder)
        from cellbender.remove_background.downstream import anndata_from_h5

        result = anndata_from_h5(str(target))
    result = result[both.obs_names[~empty]][:, both.var_names]
    corrected = sp.csr_matrix(result.X)
    return 1 - corrected.sum(axis=1).A1 / both.X[~empty].sum(axis=1).A1, corrected


WITHOUT_DROPLETS = {
    "pydecontx": by_pydecontx,
    "decontx-scanpy": by_decontx_scanpy,
    "decontx-python": by_decontx_python,
}
WITH_DROPLETS = {"cellsweep": by_cellsweep, "cellbender": by_cellbender}


def main() -> None:
    """Read, run, write."""
    method, source, target = sys.argv[1:]
    both = ad.read_h5ad(source)
    empty = both.obs["is_empty"].to_numpy()
    cells = both[~empty].copy()
    if method in WITH_DROPLETS:
        contamination, corrected = WITH_DROPLETS[method](both)
    elif method in WITHOUT_DROPLETS:
        contamination, corrected = WITHOUT_DROPLETS[method](cells)
    else:
        known = method == "ours, droplets"
        contamination, corrected = by_ours(cells, both[empty].copy() if known else None)
    parts = sp.csr_matrix(corrected)
    np.savez(
        target,
        contamination=np.asarray(contamination, dtype=float),
        data=parts.data,
        indices=parts.indices,
        indptr=parts.indptr,
    )


if __name__ == "__main__":
    main()
