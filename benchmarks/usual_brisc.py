"""The analysis of usual.py by brisc, the fastest library of today for one small machine.

    python benchmarks/usual_brisc.py COUNTS OUTPUT --threads 2

Needs ``pip install brisc`` (0.2.3 or newer). brisc's markers are ranked by detection rates and fold
changes, without a test.
"""

from pathlib import Path

from usual import parsed


def run(source: Path, output: Path, threads: int) -> None:
    """Quality, doublets, genes, components, neighbours, clusters, map and markers; write."""
    from brisc import SingleCell

    cells = SingleCell(source, num_threads=threads)
    cells = cells.qc(max_mito_fraction=0.2, nonzero_MALAT1=False, allow_float=True)
    cells = cells.find_doublets(batch_column=None).filter_obs("passed_QC")
    cells = cells.hvg().normalize().pca().neighbors().shared_neighbors().cluster().umap()
    cells.find_markers("cluster").write_csv(output.with_suffix(".csv"))
    cells.save(output, overwrite=True)


def main() -> None:
    """Parse the command line and run."""
    arguments = parsed(__doc__.splitlines()[0])
    run(arguments.source, arguments.output, arguments.threads)


if __name__ == "__main__":
    main()
