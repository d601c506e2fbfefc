"""CELLxGENE's validator accepts our export, but for what only the lab knows.

It is installed in an environment of its own: `make test-compatibility`.
"""

import re
import subprocess
import sys
from pathlib import Path

import anndata as ad
import pytest
from pipeline import run_stages

from scsiameseclu.export.cellxgene import OF_LAB, write_cellxgene
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.store.folder import SampleFolder

VERSION = "7.1.2"
LAB = {
    "assay_ontology_term_id": "EFO:0009922",
    "development_stage_ontology_term_id": "HsapDv:0000258",
    "disease_ontology_term_id": "PATO:0000461",
    "donor_id": "donor_1",
    "is_primary_data": "true",
    "self_reported_ethnicity_ontology_term_id": "unknown",
    "sex_ontology_term_id": "PATO:0000384",
    "suspension_type": "cell",
    "tissue_ontology_term_id": "UBERON:0000178",
    "tissue_type": "tissue",
}


@pytest.fixture(scope="module")
def validator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("validator") / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, f"cellxgene-schema=={VERSION}"], check=True)
    return folder / "bin" / "cellxgene-schema"


@pytest.fixture(scope="module")
def deliverable(tmp_path_factory: pytest.TempPathFactory) -> ad.AnnData:
    folder = SampleFolder(tmp_path_factory.mktemp("results") / "samples" / "a", "a")
    return ad.read_h5ad(run_stages(folder, "demo:a", ReadRequest()).path("deliverable"))


def problems(validator: Path, path: Path) -> list[str]:
    done = subprocess.run([validator, "validate", path], capture_output=True, text=True)
    text = done.stdout + done.stderr
    assert f"is_valid={done.returncode == 0}" in text
    return re.findall(r"ERROR: (.*)", text)


def test_with_the_columns_of_the_lab_the_file_is_valid(
    validator: Path, deliverable: ad.AnnData, tmp_path: Path
) -> None:
    cells = deliverable.copy()
    for name, value in LAB.items():
        cells.obs[f"meta_{name}"] = value
    path, counts = tmp_path / "a.h5ad", cells.layers["counts"]
    assert write_cellxgene(path, cells, cells.X, counts, organism="human", title="PBMC") == []
    assert problems(validator, path) == []


def test_without_them_nothing_else_is_missing(
    validator: Path, deliverable: ad.AnnData, tmp_path: Path
) -> None:
    path, counts = tmp_path / "a.h5ad", deliverable.layers["counts"]
    write_cellxgene(path, deliverable, deliverable.X, counts, organism="human", title="PBMC")
    missing = [
        re.search(r"missing column '(\w+)'", problem) for problem in problems(validator, path)
    ]
    assert {match[1] for match in missing if match} == set(OF_LAB)
    assert None not in missing
