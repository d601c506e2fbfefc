"""One cohort for all end-to-end tests: two halves of the demo data, and samples that must fail."""

import shutil
import sys
from pathlib import Path

import pytest
from runs import GOOD, ROOT, TOGETHER, Run, planned, snakemake, write_inputs

sys.path.insert(0, str(ROOT / "workflow" / "lib"))


@pytest.fixture(scope="session")
def broken_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A cohort of two good samples and three that cannot be done."""
    import anndata as ad
    import numpy as np

    directory = tmp_path_factory.mktemp("cohort")
    (directory / "corrupt.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    generator = np.random.default_rng(0)
    counts = generator.poisson(1.0, (60, 300)).astype("float32")
    ad.AnnData(np.log1p(counts)).write_h5ad(directory / "logged.h5ad")
    ad.AnnData(counts[:12]).write_h5ad(directory / "tiny.h5ad")
    bad = [
        {"sample": "corrupt", "path": "corrupt.h5"},
        {"sample": "logged", "path": "logged.h5ad"},
        {"sample": "tiny", "path": "tiny.h5ad"},
    ]
    write_inputs(directory, GOOD + bad, TOGETHER)
    return Run(directory, snakemake(directory))


@pytest.fixture(scope="session")
def broken_status(broken_run: Run) -> dict[str, dict[str, str]]:
    """What results/status.tsv said after the broken run, by sample."""
    import csv

    with (broken_run.results / "status.tsv").open(newline="") as table:
        return {row["sample"]: row for row in csv.DictReader(table, delimiter="\t")}


@pytest.fixture(scope="session")
def broken_cohort(broken_run: Run) -> dict[str, str]:
    """What results/cohorts.tsv said after the broken run."""
    import csv

    with (broken_run.results / "cohorts.tsv").open(newline="") as table:
        (row,) = csv.DictReader(table, delimiter="\t")
    return row


@pytest.fixture(scope="session")
def broken_page(broken_run: Run) -> str:
    """The cohort page of the broken run."""
    return (broken_run.results / "index.html").read_text()


@pytest.fixture(scope="session")
def broken_plan(broken_run: Run) -> dict[str, set[str]]:
    """What a second run would do while nothing is mended."""
    return planned(broken_run.directory)


@pytest.fixture(scope="session")
def finished(
    broken_run: Run,
    broken_status: object,
    broken_cohort: object,
    broken_page: object,
    broken_plan: object,
) -> Run:
    """The same cohort after its sheet was mended: the bad samples taken out."""
    write_inputs(broken_run.directory, GOOD, TOGETHER)
    return Run(broken_run.directory, snakemake(broken_run.directory))


@pytest.fixture
def copied(finished: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished cohort, to change; as far from the programs as the cohort itself."""
    directory = tmp_path_factory.mktemp("copy")
    shutil.copytree(finished.directory, directory, dirs_exist_ok=True)
    return directory
