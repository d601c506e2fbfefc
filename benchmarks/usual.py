"""A standard scanpy analysis, the usual alternative to this pipeline.

python benchmarks/usual.py COUNTS OUTPUT --threads 2
"""

import argparse
import os
from pathlib import Path


def run(source: Path, output: Path) -> None:
    """Normalise, choose genes, scale, reduce, neighbours, Leiden, UMAP and markers; write."""
    import scanpy as sc

    adata = sc.read_h5ad(source)
    sc.pp.filter_cells(adata, min_genes=200)
    sc.pp.filter_genes(adata, min_cells=3)
    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=2000)
    part = adata[:, adata.var["highly_variable"]].copy()
    sc.pp.scale(part, max_value=10)
    sc.tl.pca(part)
    adata.obsm["X_pca"] = part.obsm["X_pca"]
    sc.pp.neighbors(adata)
    sc.tl.leiden(adata, flavor="igraph", n_iterations=2)
    sc.tl.umap(adata)
    sc.tl.rank_genes_groups(adata, "leiden", method="wilcoxon")
    adata.write_h5ad(output)


def parsed(description: str) -> argparse.Namespace:
    """The command line, also of usual_brisc.py."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    return parser.parse_args()


def main() -> None:
    """Parse the command line and run."""
    arguments = parsed(__doc__.splitlines()[0])
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(arguments.threads)
    run(arguments.source, arguments.output)


if __name__ == "__main__":
    main()
