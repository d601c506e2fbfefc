"""The files of the stage quality: every slot, the same bytes again, and the sentences."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from real_data import demo_counts

from scsiameseclu.errors import UserError
from scsiameseclu.settings import QualitySettings
from scsiameseclu.stages import quality
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder

DEFAULT = QualitySettings()


def run(
    directory: Path, settings: QualitySettings = DEFAULT, *, captures: list[str] | None = None
) -> SampleFolder:
    folder = SampleFolder(directory, "demo")
    counts = demo_counts()[::2].copy()
    counts.uns["source"] = {}
    if captures is not None:
        counts.obs["lane"] = captures
        counts.uns["source"]["capture"] = "lane"
    write_h5ad(counts, folder.path("counts"))
    quality.run(folder, settings=settings, seed=3)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    return run(tmp_path_factory.mktemp("quality"), QualitySettings(min_genes=215))


def test_every_slot(folder: SampleFolder) -> None:
    counts, filtered = read_h5ad(folder.path("counts")), read_h5ad(folder.path("filtered"))
    assert filtered.X is None
    assert 0 < filtered.n_obs < counts.n_obs
    assert list(filtered.obs_names) == [c for c in counts.obs_names if c in filtered.obs_names]
    assert set(filtered.obs.columns) == {
        "n_genes", "total_counts", "pct_top20", "pct_mito", "pct_ribo", "pct_hb", "S_score",
        "G2M_score", "phase", "doublet_score", "predicted_doublet",
    }  # fmt: skip
    assert filtered.obs["n_genes"].min() >= 215
    assert list(filtered.obs["predicted_doublet"].cat.categories) == ["no", "yes", "NA"]
    kept = counts[filtered.obs_names, filtered.var_names].X
    assert ((kept > 0).sum(axis=0) == filtered.var["n_cells"].to_numpy()).all()
    summary = filtered.uns["quality"]
    assert set(summary) == {
        "thresholds", "funnel", "genes_before", "genes_after", "mito_prefix", "organism", "doublets"
    }  # fmt: skip
    assert set(summary["thresholds"]) == {"total_counts", "n_genes", "pct_top20", "pct_mito"}
    assert summary["thresholds"]["n_genes"]["low"] == 215
    assert summary["organism"] == "human"
    assert summary["mito_prefix"] == "MT-"
    assert summary["funnel"]["cells"][[0, -1]].tolist() == [counts.n_obs, filtered.n_obs]
    assert (summary["genes_before"], summary["genes_after"]) == (counts.n_vars, filtered.n_vars)
    assert "were called doublets" in summary["doublets"]
    assert filtered.uns["provenance"]["quality"]["seed"] == 3


def test_table_has_every_ingested_cell_with_its_reason(folder: SampleFolder) -> None:
    counts, filtered = read_h5ad(folder.path("counts")), read_h5ad(folder.path("filtered"))
    table = pd.read_csv(folder.path("quality_table"), sep="\t", keep_default_na=False)
    assert list(table.columns) == [
        "barcode", "n_genes", "total_counts", "pct_top20", "pct_mito", "pct_ribo", "pct_hb",
        "S_score", "G2M_score", "phase",
        "doublet_score", "predicted_doublet", "kept", "reason",
    ]  # fmt: skip
    assert table["barcode"].tolist() == list(counts.obs_names)
    assert table["barcode"][table["kept"]].tolist() == list(filtered.obs_names)
    assert (table["reason"][~table["kept"]] == "low genes").all()
    assert (table["predicted_doublet"][~table["kept"]] == "NA").all()


def test_same_input_and_seed_same_bytes(folder: SampleFolder, tmp_path: Path) -> None:
    again = run(tmp_path / "again", QualitySettings(min_genes=215))
    for name in ("quality_table", "filtered"):
        assert again.path(name).read_bytes() == folder.path(name).read_bytes()


def test_all_filtered_leaves_no_output(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="0 of 350 cells"):
        run(tmp_path, QualitySettings(min_counts=1e9))
    for name in ("filtered", "quality_table"):
        assert not SampleFolder(tmp_path, "demo").path(name).exists()


def test_warnings_are_kept_for_the_report(tmp_path: Path) -> None:
    table_free = read_h5ad(run(tmp_path, QualitySettings(min_genes=240)).path("filtered"))
    assert any("quality control removes" in line for line in table_free.uns["warnings"])
    assert np.isfinite(table_free.obs["total_counts"]).all()


def test_doublets_are_scored_by_capture(tmp_path: Path) -> None:
    """A capture of 50 cells is too small, and a missing one counts as a capture."""
    captures = ["a"] * 300 + [""] * 50
    filtered = read_h5ad(run(tmp_path, captures=captures).path("filtered"))
    lane = pd.Series(captures, index=demo_counts()[::2].obs_names)[filtered.obs_names]
    assert filtered.obs["doublet_score"][lane == "a"].notna().all()
    assert filtered.obs["doublet_score"][lane == ""].isna().all()
    assert "unknown (" in filtered.uns["quality"]["doublets"]
