"""The stage: counts.h5ad with every slot, the same bytes each time."""

import hashlib
import subprocess
import sys
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scanpy as sc

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.stages import ingest
from scsiameseclu.store.folder import SampleFolder


def ingested(tmp_path: Path, source: object, request: ReadRequest | None = None) -> SampleFolder:
    folder = SampleFolder(tmp_path / "s1", "s1")
    ingest.run(folder, source=str(source), request=request or ReadRequest())
    return folder


SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def test_every_slot(write, counts, tmp_path):
    path = write("10x_h5")
    folder = ingested(tmp_path, path)
    adata = ad.read_h5ad(folder.path("counts"))
    assert folder.json("dimensions") == {"cells": 40, "genes": 60, "nonzeros": adata.X.nnz}
    assert adata.X.format == "csr"
    assert adata.X.dtype == np.float32
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    assert adata.var.columns.tolist() == ["gene_id", "gene_symbol"]
    assert adata.obs["sample"].dtype == adata.obs["batch"].dtype == "category"
    source = adata.uns["source"]
    assert source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source["path"], source["format"]) == (str(path), "10x_h5")
    assert (source["n_cells"], source["n_genes"]) == (40, 60)
    assert all(isinstance(sentence, str) for sentence in source["detected"])
    assert "ingest" in adata.uns["provenance"]


def test_checksum_of_a_folder_is_that_of_its_files_in_order(write, tmp_path):
    folder = write("mtx")
    found = ad.read_h5ad(ingested(tmp_path, folder).path("counts")).uns["source"]["sha256"]
    content = b"".join(
        (folder / name).read_bytes() for name in ("matrix.mtx", "genes.tsv", "barcodes.tsv")
    )
    assert found == hashlib.sha256(content).hexdigest()


def test_same_input_same_bytes(tmp_path):
    request = ReadRequest(label="bulk_labels")
    one, two = (ingested(tmp_path / name, "demo:a", request) for name in ("one", "two"))
    assert one.path("counts").read_bytes() == two.path("counts").read_bytes()


def test_demo_halves_are_the_whole_with_its_counts(tmp_path):
    whole = sc.datasets.pbmc68k_reduced()
    names = []
    for half in "ab":
        adata = ad.read_h5ad(ingested(tmp_path, f"demo:{half}").path("counts"))
        names.append(adata.obs_names)
        part = whole[adata.obs_names]
        assert adata.obs["bulk_labels"].astype(str).equals(part.obs["bulk_labels"].astype(str))
        totals = part.obs["n_counts"].to_numpy()[:, None]
        logged = np.log1p(adata.X.toarray() / totals * 1e4)
        np.testing.assert_allclose(logged, part.raw.X.toarray(), atol=2e-3)
    assert names[0].append(names[1]).sort_values().equals(whole.obs_names.sort_values())


def test_warnings_are_kept(data_dir, tmp_path):
    folder = ingested(tmp_path, data_dir / "pbmc3k.h5ad", ReadRequest(label="cell_type"))
    adata = ad.read_h5ad(folder.path("counts"))
    assert any("62 of 2700" in sentence for sentence in adata.uns["warnings"])
    assert adata.obs["cell_type"].isna().sum() == 62


def test_failure_writes_nothing(data_dir, tmp_path):
    path = data_dir / "raw/10x_data/int-ids"
    with pytest.raises(UserError, match=f"folder {path} has 5 cells; .* at least 20"):
        ingested(tmp_path, path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_program_says_one_sentence(data_dir, tmp_path):
    done = subprocess.run(
        [sys.executable, SCRIPTS / "ingest.py", "--folder", tmp_path / "s1",
         "--source", data_dir / "ginhoux_dc_traj.h5ad"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 65
    assert done.stderr.startswith("error: sample s1: file")
    assert done.stderr.count("\n") == 1
    note = SampleFolder(tmp_path / "s1", "s1").failure()
    assert "contains log-transformed values, not counts" in note["reason"]
    assert not note["reason"].startswith("sample")


def warnings_of(counts: ad.AnnData) -> list[str]:
    return list(counts.uns.get("warnings", []))


def test_the_column_of_the_captures_is_noted_under_its_name_in_obs(write, tmp_path):
    """A user's column ``batch`` is stored as ``batch_input``, where later stages look."""
    path = tmp_path / "cells.h5ad"
    adata = ad.read_h5ad(write("h5ad"))
    adata.obs["batch"] = np.where(np.arange(adata.n_obs) % 2, "lane 1", "lane 2")
    adata.write_h5ad(path)
    counts = ad.read_h5ad(ingested(tmp_path, path, ReadRequest(capture="batch")).path("counts"))
    assert counts.uns["source"]["capture"] == "batch_input"
    assert set(counts.obs["batch_input"]) == {"lane 1", "lane 2"}
    assert not any("capture" in warning for warning in warnings_of(counts))
    adata.obs["batch"] = adata.obs["batch"].mask(np.arange(adata.n_obs) < 3)
    adata.write_h5ad(path)
    counts = ad.read_h5ad(ingested(tmp_path, path, ReadRequest(capture="batch")).path("counts"))
    n_cells = counts.n_obs
    assert f"3 of {n_cells} cells have no capture" in " ".join(warnings_of(counts))
    without = ad.read_h5ad(ingested(tmp_path, path).path("counts"))
    assert "capture" not in without.uns["source"]
    with pytest.raises(UserError, match=r"no cell metadata column 'well' \(capture\)"):
        ingested(tmp_path, path, ReadRequest(capture="well"))
