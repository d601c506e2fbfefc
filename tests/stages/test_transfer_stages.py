"""The stages reference, transfer and annotate with three votes, on the halves of the demo."""

import shutil
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from real_data import demo_counts

from scsiameseclu.errors import UserError
from scsiameseclu.settings import AnnotationSettings, ReferenceSettings
from scsiameseclu.stages import annotate, reference, transfer
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder

SETTINGS = ReferenceSettings(path="demo:a", label="bulk_labels")


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the reference."""
    directory = tmp_path_factory.mktemp("reference")
    reference.run(directory=directory, settings=SETTINGS, device="cpu")
    return directory


@pytest.fixture(scope="module")
def folder(
    finished: SampleFolder, fitted: Path, tmp_path_factory: pytest.TempPathFactory
) -> SampleFolder:
    """A finished sample with the reference's types."""
    directory = tmp_path_factory.mktemp("transfer") / finished.sample
    shutil.copytree(finished.directory, directory)
    folder = SampleFolder(directory, finished.sample, ("reference",))
    transfer.run(folder, reference=fitted)
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CellTypist model of the demo's published labels."""
    celltypist = pytest.importorskip("celltypist")
    counts = demo_counts()
    totals = np.asarray(counts.X.sum(axis=1)).ravel()
    logged = ad.AnnData(
        counts.X.multiply(1e4 / totals[:, None]).tocsr().log1p(),
        var=pd.DataFrame(index=counts.var_names),
    )
    labels = counts.obs["bulk_labels"].astype(str).to_numpy()
    trained = celltypist.train(logged, labels=labels, check_expression=False, n_jobs=1)
    path = tmp_path_factory.mktemp("celltypist") / "demo.pkl"
    trained.write(str(path))
    return path


def annotated(folder: SampleFolder, model: Path | None = None) -> ad.AnnData:
    settings = AnnotationSettings(celltypist_model=None if model is None else str(model))
    annotate.run(folder, settings=settings)
    return folder.read("annotation")


def test_the_reference_is_kept_without_its_counts(fitted: Path) -> None:
    cells = read_h5ad(fitted / "cells.h5ad")
    assert cells.n_obs == 350
    assert "CD14+ Monocyte" in cells.obs["cell_type"].cat.categories
    told = cells.uns["reference"]
    genes = (fitted / "model" / "genes.txt").read_text().split()
    assert list(told["gene_symbol"][told["places"]]) == genes
    assert len(told["sha256"]) == 64


def test_types_of_most_cells_are_found_again(folder: SampleFolder) -> None:
    found = folder.read("transfer")
    truth = demo_counts().obs["bulk_labels"].loc[found.obs_names]
    wide = {"CD4+/CD25 T Reg": "T", "CD4+/CD45RA+/CD25- Naive T": "T", "CD4+/CD45RO+ Memory": "T"}
    wide |= {"CD8+ Cytotoxic T": "T", "CD8+/CD45RA+ Naive Cytotoxic": "T"}
    same = found.obs["transferred"].astype(str).replace(wide) == truth.astype(str).replace(wide)
    assert same.mean() > 0.8
    assert found.obs["transferred_probability"].between(0, 1).all()
    assert found.uns["transfer"]["overlap"] > 0.99  # of all genes but the renamed one
    assert {"reference", "transfer"} <= set(found.uns["provenance"])


def test_same_reference_again(fitted: Path, tmp_path: Path) -> None:
    reference.run(directory=tmp_path, settings=SETTINGS, device="cpu")
    assert (tmp_path / "cells.h5ad").read_bytes() == (fitted / "cells.h5ad").read_bytes()


def test_three_votes_and_their_consensus(folder: SampleFolder, model: Path) -> None:
    result = annotated(folder, model)
    for source in ("markers", "reference", "celltypist"):
        assert f"vote_{source}" in result.obs
        assert result.obs[f"vote_{source}_score"].between(0, 1).all()
    table = folder.table("annotation_table")
    assert {"vote_markers", "share_reference", "share_celltypist"} <= set(table.columns)
    assert table["consensus_score"].astype(float).between(0, 1).all()
    assert "B cell" in set(table["cell_type"])
    assert "B cell" in set(result.obs["cell_type_by_cell"])
    assert result.uns["celltypist"]["overlap"] > 0.99  # of all genes but the renamed one
    assert {"reference", "transfer", "annotate"} <= set(result.uns["provenance"])
    truth = demo_counts().obs["bulk_labels"].loc[result.obs_names]
    cell_types = result.obs["cell_type_by_cell"].astype(str)
    b = (truth == "CD19+ B").to_numpy()
    assert (cell_types[b] == "B cell").mean() > 0.8
    assert (cell_types[~b] == "B cell").mean() < 0.05


def test_names_that_the_table_lacks_are_warned_of(folder: SampleFolder, tmp_path: Path) -> None:
    directory = tmp_path / folder.sample
    shutil.copytree(folder.directory, directory)
    other = SampleFolder(directory, folder.sample, ("reference",))
    transferred = other.read("transfer")
    transferred.obs["transferred"] = transferred.obs["transferred"].cat.rename_categories(
        lambda name: f"state {len(name)} {name[:3]} of ours"
    )
    write_h5ad(transferred, other.path("transfer"))
    result = annotated(other)
    assert any("names of cell types are unknown" in text for text in result.uns["warnings"])
    table = other.table("annotation_table")
    named = table[table["vote_reference"] != "Unknown"]
    assert len(named) >= 3
    assert (named["cell_type"] == named["vote_reference"]).all()


def test_transfer_left_from_an_earlier_run_does_not_vote(folder: SampleFolder) -> None:
    without = SampleFolder(folder.directory, folder.sample)
    assert "vote_reference" not in annotated(without).obs


def test_what_is_wrong_is_told(folder: SampleFolder, fitted: Path, tmp_path: Path) -> None:
    def refused(settings: ReferenceSettings) -> None:
        reference.run(directory=tmp_path / "reference", settings=settings, device="cpu")

    with pytest.raises(UserError, match=r"no cell metadata column 'nothing'.*bulk_labels"):
        refused(ReferenceSettings(path="demo:a", label="nothing"))
    with pytest.raises(UserError, match="1 types"):
        refused(ReferenceSettings("demo:a", "bulk_labels", subset="bulk_labels=CD19+ B"))
    with pytest.raises(UserError, match=r"reference\.path is not set"):
        refused(ReferenceSettings())
    directory = tmp_path / folder.sample
    shutil.copytree(folder.directory, directory)
    strange = SampleFolder(directory, folder.sample, ("reference",))
    expression = read_h5ad(strange.path("expression"))
    for column in ("gene_id", "gene_symbol"):
        expression.var[column] = [f"gene{number}" for number in range(expression.n_vars)]
    write_h5ad(expression, strange.path("expression"))
    with pytest.raises(UserError, match="the sample has 0% of the genes of reference demo:a"):
        transfer.run(strange, reference=fitted)
    (tmp_path / "no.pkl").write_text("no pickle")
    for path, sentence in (("missing.pkl", "is not a file"), ("no.pkl", "cannot be read")):
        with pytest.raises(UserError, match=sentence):
            annotated(folder, tmp_path / path)


def test_a_folder_without_a_reference_is_one_sentence(
    finished: SampleFolder, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"nope has no cells.h5ad; run the stage reference with"):
        transfer.run(finished, reference=tmp_path / "nope")
