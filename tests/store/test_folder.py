"""A sample's folder: aligned reading, what stages left, and writing with provenance."""

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.store.align import positions
from scsiameseclu.store.files import read_h5ad, sidecar, write_h5ad
from scsiameseclu.store.folder import SampleFolder

CELLS = pd.Index([f"cell{n}" for n in range(6)])


@pytest.fixture
def folder(tmp_path: Path) -> SampleFolder:
    """Six kept cells, and files that hold them in other orders and among others."""
    folder = SampleFolder(tmp_path / "s", "s")
    write_h5ad(sidecar(CELLS), folder.path("expression"))
    order = CELLS[::-1].append(pd.Index(["gone"]))
    numbers = np.array([5, 4, 3, 2, 1, 0, 99])
    obs = pd.DataFrame({"number": numbers, "twice": 2 * numbers}, index=order)
    write_h5ad(sidecar(obs, obsm={"X_pca": numbers[:, None] * 1.0}), folder.path("counts"))
    distances = sp.csr_matrix(np.add.outer(10.0 * numbers[:6], numbers[:6]))
    write_h5ad(sidecar(order[:6], obsp={"distances": distances}), folder.path("graph"))
    return folder


def test_everything_is_read_in_the_order_of_the_kept_cells(folder: SampleFolder) -> None:
    assert folder.obs("counts")["number"].tolist() == list(range(6))
    assert list(folder.obs("counts", ["twice"]).columns) == ["twice"]
    assert folder.array("counts", "obsm/X_pca").ravel().tolist() == list(range(6))
    assert folder.read("counts").obs["twice"].tolist() == list(range(0, 12, 2))
    expected = np.add.outer(10.0 * np.arange(6), np.arange(6))
    np.testing.assert_array_equal(folder.pairs("graph", "obsp/distances").toarray(), expected)


def test_a_file_that_lacks_cells_is_refused_everywhere(folder: SampleFolder) -> None:
    part = read_h5ad(folder.path("counts"))
    write_h5ad(part[part.obs_names != "cell2"].copy(), folder.path("counts"))
    sentence = r"counts\.h5ad lacks 1 of the 6 names in expression\.h5ad \(first: cell2\)"
    for read in (
        lambda: folder.obs("counts"),
        lambda: folder.read("counts"),
        lambda: folder.array("counts", "obsm/X_pca"),
    ):
        with pytest.raises(UserError, match=sentence):
            read()


def test_positions_are_where_the_names_lie() -> None:
    names = pd.Index(list("dbca"))
    assert positions(names, pd.Index(list("abd")), "x", "y").tolist() == [3, 1, 0]
    with pytest.raises(UserError, match=r"x lacks 2 of the 3 names in y \(first: q\)"):
        positions(names, pd.Index(["q", "a", "r"]), "x", "y")


def test_writing_notes_who_did_it_and_what_it_warns_of(folder: SampleFolder) -> None:
    obs = pd.DataFrame({"leiden": pd.Categorical(["0"] * 6)}, index=CELLS)
    folder.write(
        "layout",
        obs,
        obsm={"X_umap": np.zeros((6, 2))},
        uns={"provenance": {"earlier": {"seed": 1}}},
        stage="layout",
        seed=7,
        settings={"a": 1},
        warnings=["look here"],
    )
    written = read_h5ad(folder.path("layout"))
    assert written.X is None
    assert set(written.uns["provenance"]) == {"earlier", "layout"}
    assert written.uns["provenance"]["layout"]["seed"] == 7
    assert folder.recorded_settings("layout") == {"a": 1}
    assert folder.warnings() == [("layout", "look here")]
    assert "warnings" not in read_h5ad(folder.path("graph")).uns


def test_a_file_of_a_feature_that_is_off_is_not_there(folder: SampleFolder) -> None:
    folder.write("trajectory", CELLS, stage="trajectory", seed=0, warnings=["old"])
    assert not folder.has("trajectory")
    assert folder.warnings() == []
    asked = SampleFolder(folder.directory, "s", ("trajectory",))
    assert asked.has("trajectory")
    assert asked.warnings() == [("trajectory", "old")]


def test_what_failed_and_what_is_missing(folder: SampleFolder) -> None:
    assert folder.failure() is None
    assert folder.missing()[:3] == ["quality", "train", "cluster"]
    assert "transfer" not in folder.missing()
    assert folder.missing()[-1] == "report"
    path = folder.directory / "stages" / "failure.json"
    path.write_text(json.dumps({"sample": "s", "stage": "train", "reason": "no GPU"}))
    assert (folder.failure() or {})["reason"] == "no GPU"


def test_a_table_that_is_missing_says_what_to_run(folder: SampleFolder) -> None:
    with pytest.raises(UserError, match=r"markers\.tsv does not exist; run the stage"):
        folder.table("markers_table")


def test_none_is_left_out_of_what_is_written(tmp_path: Path) -> None:
    """anndata 0.12 writes it as a null element, which older versions cannot read."""
    import h5py

    adata = ad.AnnData(sp.csr_matrix((3, 2), dtype=np.float32))
    adata.uns["log1p"] = {"base": None}
    write_h5ad(adata, tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad") as file:
        names: list[str] = []
        file.visit(names.append)
        assert "uns/log1p" in names
        assert "uns/log1p/base" not in names
        assert "raw" not in names
    assert read_h5ad(tmp_path / "a.h5ad").uns["log1p"] == {}
