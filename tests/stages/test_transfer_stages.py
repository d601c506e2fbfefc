"""The stages reference, transfer and annotate with three votes, on the halves of the demo."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from real_data import demo_counts

from scsiameseclu.errors import UserError
from scsiameseclu.settings import AnnotationSettings, ReferenceSettings
from scsiameseclu.stages.annotate import annotate
from scsiameseclu.stages.reference import reference
from scsiameseclu.stages.transfer import transfer
from scsiameseclu.store.files import read_h5ad, write_h5ad

SETTINGS = ReferenceSettings(path="demo:a", label="bulk_labels")


@pytest.fixture(scope="module")
def made(clustered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reference")
    run_reference(folder, SETTINGS)
    transfer(
        *(clustered / "expression.h5ad", folder / "model", folder / "cells.h5ad"),
        folder / "transfer.h5ad",
        sample="demo",
        seed=0,
    )
    return folder


def run_reference(folder: Path, settings: ReferenceSettings) -> None:
    assert settings.path is not None
    outputs = folder / "model", folder / "cells.h5ad"
    reference(settings.path, *outputs, settings=settings, seed=0, device="cpu")


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


def run_annotate(clustered: Path, made: Path, model: Path | None, folder: Path) -> ad.AnnData:
    settings = AnnotationSettings(celltypist_model=None if model is None else str(model))
    annotate(
        *(clustered / "expression.h5ad", clustered / "clusters.h5ad"),
        clustered / "embedding.h5ad",
        *(folder / "annotation.tsv", folder / "annotation.h5ad"),
        settings=settings,
        sample="demo",
        transferred=made / "transfer.h5ad",
    )
    return read_h5ad(folder / "annotation.h5ad")


def test_the_reference_is_kept_without_its_counts(made: Path) -> None:
    cells = read_h5ad(made / "cells.h5ad")
    assert cells.n_obs == 350
    assert "CD14+ Monocyte" in cells.obs["cell_type"].cat.categories
    told = cells.uns["reference"]
    genes = (made / "model" / "genes.txt").read_text().split()
    assert list(told["gene_symbol"][told["places"]]) == genes
    assert len(told["sha256"]) == 64


def test_types_of_most_cells_are_found_again(clustered: Path, made: Path) -> None:
    found = read_h5ad(made / "transfer.h5ad")
    truth = read_h5ad(clustered / "counts.h5ad").obs["label"].loc[found.obs_names]
    wide = {"CD4+/CD25 T Reg": "T", "CD4+/CD45RA+/CD25- Naive T": "T", "CD4+/CD45RO+ Memory": "T"}
    wide |= {"CD8+ Cytotoxic T": "T", "CD8+/CD45RA+ Naive Cytotoxic": "T"}
    known = truth.notna().to_numpy()
    same = found.obs["transferred"].astype(str).replace(wide) == truth.astype(str).replace(wide)
    assert same[known].mean() > 0.8
    assert found.obs["transferred_probability"].between(0, 1).all()
    assert found.uns["transfer"]["overlap"] == 1
    assert {"reference", "transfer"} <= set(found.uns["provenance"])


def test_same_reference_and_transfer_again(clustered: Path, made: Path, tmp_path: Path) -> None:
    run_reference(tmp_path, SETTINGS)
    assert (tmp_path / "cells.h5ad").read_bytes() == (made / "cells.h5ad").read_bytes()


def test_three_votes_and_their_consensus(
    clustered: Path, made: Path, model: Path, tmp_path: Path
) -> None:
    result = run_annotate(clustered, made, model, tmp_path)
    for source in ("markers", "reference", "celltypist"):
        assert f"vote_{source}" in result.obs
        assert result.obs[f"vote_{source}_score"].between(0, 1).all()
    table = pd.read_csv(tmp_path / "annotation.tsv", sep="\t", dtype={"cluster": str})
    assert {"vote_markers", "share_reference", "share_celltypist"} <= set(table.columns)
    assert table["consensus_score"].between(0, 1).all()
    assert "B cell" in set(table["cell_type"])
    assert "B cell" in set(result.obs["cell_type_by_cell"])
    assert result.uns["celltypist"]["overlap"] == pytest.approx(1)
    assert {"reference", "transfer", "annotate"} <= set(result.uns["provenance"])
    truth = read_h5ad(clustered / "counts.h5ad").obs["label"].loc[result.obs_names]
    own = result.obs["cell_type_by_cell"].astype(str)
    b = (truth == "CD19+ B").to_numpy()
    assert (own[b] == "B cell").mean() > 0.8
    assert (own[~b] == "B cell").mean() < 0.05


def test_names_that_the_table_lacks_are_warned_of(
    clustered: Path, made: Path, tmp_path: Path
) -> None:
    carried = read_h5ad(made / "transfer.h5ad")
    carried.obs["transferred"] = carried.obs["transferred"].cat.rename_categories(
        lambda name: f"state {len(name)} {name[:3]} of ours"
    )
    write_h5ad(carried, tmp_path / "transfer.h5ad")
    result = run_annotate(clustered, tmp_path, None, tmp_path)
    assert any("names of cell types are not known" in said for said in result.uns["warnings"])
    table = pd.read_csv(tmp_path / "annotation.tsv", sep="\t")
    told = table[table["vote_reference"] != "Unknown"]
    assert len(told) >= 3
    assert (told["cell_type"] == told["vote_reference"]).all()


def test_what_is_wrong_is_told(clustered: Path, made: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"reference.*no column of cells 'nothing'.*bulk_labels"):
        run_reference(tmp_path, ReferenceSettings(path="demo:a", label="nothing"))
    one = ReferenceSettings(path="demo:a", label="bulk_labels", subset="bulk_labels=CD19+ B")
    with pytest.raises(UserError, match="1 types"):
        run_reference(tmp_path, one)
    strange = read_h5ad(clustered / "expression.h5ad")
    for column in ("gene_id", "gene_symbol"):
        strange.var[column] = [f"gene{number}" for number in range(strange.n_vars)]
    write_h5ad(strange, tmp_path / "strange.h5ad")
    with pytest.raises(UserError, match="sample s has 0% of the genes of reference demo:a"):
        transfer(
            *(tmp_path / "strange.h5ad", made / "model", made / "cells.h5ad"),
            tmp_path / "transfer.h5ad",
            sample="s",
            seed=0,
        )
    (tmp_path / "no.pkl").write_text("no pickle")
    for path, said in (("missing.pkl", "does not exist"), ("no.pkl", "cannot be read")):
        with pytest.raises(UserError, match=said):
            run_annotate(clustered, made, tmp_path / path, tmp_path)
