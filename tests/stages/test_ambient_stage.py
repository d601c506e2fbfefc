"""The stage ambient, and the runs that correct the counts: slots, alignment, and the same bytes."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from soups import Soup, soup

from scsiameseclu.errors import UserError
from scsiameseclu.settings import AmbientSettings, ExpressionSettings, MarkerSettings
from scsiameseclu.stages import ambient, expression, markers
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder

CORRECT = ("ambient", "correct")


@pytest.fixture(scope="module")
def mixed() -> Soup:
    return soup(0.2)


def write_inputs(folder: SampleFolder, mixed: Soup) -> None:
    """Counts and filtered cells: every seventh cell and gene was removed."""
    n_cells, n_genes = mixed.counts.shape
    obs = pd.DataFrame(
        {"sample": "s", "batch": pd.Categorical(["s"] * n_cells)},
        index=[f"c{i}" for i in range(n_cells)],
    )
    names = [f"g{i}" for i in range(n_genes)]
    var = pd.DataFrame({"gene_id": names, "gene_symbol": names}, index=names)
    counts = ad.AnnData(mixed.counts, obs=obs, var=var, uns={"source": {}})
    write_h5ad(counts, folder.path("counts"))
    kept = counts[np.arange(n_cells) % 7 > 0, np.arange(n_genes) % 7 > 0]
    folder.write("filtered", kept.obs[[]], var=kept.var[[]], stage="quality", seed=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, mixed: Soup) -> SampleFolder:
    folder = SampleFolder(tmp_path_factory.mktemp("ambient"), "s", CORRECT)
    write_inputs(folder, mixed)
    ambient.run(folder, settings=AmbientSettings())
    expression.run(folder, settings=ExpressionSettings())
    return folder


def test_slots(folder: SampleFolder, mixed: Soup) -> None:
    result = read_h5ad(folder.path("ambient"))
    kept = np.flatnonzero(np.arange(mixed.types.size) % 7 > 0)
    assert list(result.obs_names) == [f"c{i}" for i in kept]
    truth = mixed.contamination[kept]
    assert np.corrcoef(result.obs["contamination"], truth)[0, 1] > 0.8
    assert result.var["ambient"].sum() == pytest.approx(1, abs=1e-4)
    notes = result.uns["ambient"]
    assert notes["mean"] == pytest.approx(truth.mean(), abs=0.03)
    assert notes["genes"][0] == result.var["ambient"].idxmax()
    assert notes["source"] == "cells"


def test_corrected_counts_feed_the_expression(folder: SampleFolder, mixed: Soup) -> None:
    result = read_h5ad(folder.path("expression"))
    raw = read_h5ad(folder.path("counts"))[result.obs_names, result.var_names].X
    corrected = result.layers["counts"]
    assert (corrected > raw).nnz == 0
    assert corrected.sum() == pytest.approx(0.8 * raw.sum(), rel=0.05)
    scale = result.uns["median_total"] / corrected.sum(axis=1).A1
    assert pytest.approx(corrected.sum(axis=1).A1 * scale) == np.expm1(result.X).sum(axis=1).A1


def test_an_estimate_leaves_the_expression_as_it_is(
    folder: SampleFolder, tmp_path: Path, mixed: Soup
) -> None:
    files = []
    for features in ((), ("ambient",)):
        other = SampleFolder(tmp_path / str(len(features)), "s", features)
        write_inputs(other, mixed)
        if features:
            ambient.run(other, settings=AmbientSettings())
        expression.run(other, settings=ExpressionSettings())
        files.append(other.path("expression").read_bytes())
    assert files[0] == files[1]
    assert other.path("ambient").read_bytes() == folder.path("ambient").read_bytes()


def test_hashtags_are_one_capture(tmp_path: Path, folder: SampleFolder, mixed: Soup) -> None:
    tagged = SampleFolder(tmp_path / "run", "s", CORRECT)
    write_inputs(tagged, mixed)
    counts = read_h5ad(tagged.path("counts"))
    tags = [f"HTO_{place % 3}" for place in range(counts.n_obs)]
    counts.obs["batch"] = counts.obs["hashtag"] = pd.Categorical(tags)
    names = np.array(["HTO_0", "HTO_1", "HTO_2"], dtype=object)
    counts.uns["hashtags"] = {"name": names, "n_cells": np.array([120, 120, 120])}
    write_h5ad(counts, tagged.path("counts"))
    ambient.run(tagged, settings=AmbientSettings())
    result = read_h5ad(tagged.path("ambient"))
    assert list(result.uns["ambient"]["captures"]) == [""]
    whole = read_h5ad(folder.path("ambient"))
    assert result.obs["contamination"].to_numpy() == pytest.approx(
        whole.obs["contamination"].to_numpy()
    )
    counts.uns.pop("hashtags")  # now batches, which are captures
    write_h5ad(counts, tagged.path("counts"))
    ambient.run(tagged, settings=AmbientSettings())
    assert list(read_h5ad(tagged.path("ambient")).uns["ambient"]["captures"]) == list(names)


def test_a_raw_matrix_gives_the_profile(tmp_path: Path, mixed: Soup) -> None:
    folder = SampleFolder(tmp_path / "run", "s", CORRECT)
    write_inputs(folder, mixed)
    rng = np.random.default_rng(0)
    droplets = rng.multinomial(50, mixed.profile, 400).astype(np.float32)
    names = [f"g{i}" for i in range(mixed.profile.size)]
    raw = ad.AnnData(droplets, var=pd.DataFrame(index=names))
    raw.write_h5ad(tmp_path / "raw.h5ad")
    ambient.run(folder, settings=AmbientSettings(), raw=str(tmp_path / "raw.h5ad"))
    result = read_h5ad(folder.path("ambient"))
    kept = droplets.sum(axis=0)[np.arange(len(names)) % 7 > 0]
    assert result.var["ambient"].to_numpy() == pytest.approx(kept / kept.sum(), abs=1e-6)
    assert result.uns["ambient"]["source"] == "empty droplets"
    other = str(tmp_path / "other.h5ad")
    raw[:, :40].copy().write_h5ad(other)
    with pytest.raises(UserError, match=r"column raw, .*other\.h5ad: the raw matrix has"):
        ambient.run(folder, settings=AmbientSettings(mode="correct"), raw=other)
    ambient.run(folder, settings=AmbientSettings(), raw=other)  # falls back
    result = read_h5ad(folder.path("ambient"))
    assert result.uns["ambient"]["source"] == "cells instead of droplets"
    (warning,) = result.uns["warnings"]
    assert warning.endswith("the profile of the ambient RNA is that of all cells instead")
    ambient.run(folder, settings=AmbientSettings())
    plain = read_h5ad(folder.path("ambient")).var["ambient"]
    assert list(result.var["ambient"]) == list(plain)


def test_a_raw_matrix_of_expected_counts_is_read_like_the_sample(
    tmp_path: Path, mixed: Soup
) -> None:
    folder = SampleFolder(tmp_path / "run", "s", CORRECT)
    write_inputs(folder, mixed)
    droplets = np.random.default_rng(0).multinomial(50, mixed.profile, 400).astype(np.float32)
    droplets[droplets > 0] += 0.25
    droplets[0, 0] = 35  # more than any logarithm
    names = [f"g{i}" for i in range(mixed.profile.size)]
    file = str(tmp_path / "raw.h5ad")
    ad.AnnData(droplets, var=pd.DataFrame(index=names)).write_h5ad(file)
    settings = AmbientSettings(mode="correct")
    with pytest.raises(UserError, match="column `counts` to round"):
        ambient.run(folder, settings=settings, raw=file)
    ambient.run(folder, settings=settings, raw=file, counts="round")
    assert read_h5ad(folder.path("ambient")).uns["ambient"]["source"] == "empty droplets"


def test_markers_have_the_column_only_where_ambient_rna_was_not_corrected(
    folder: SampleFolder, mixed: Soup
) -> None:
    kept = mixed.types[np.arange(mixed.types.size) % 7 > 0]
    clusters = pd.DataFrame({"siamese": pd.Categorical(kept.astype(str))}, index=folder.cells)
    folder.write("clusters", clusters, stage="cluster", seed=0)
    names = list(clusters["siamese"].cat.categories)
    folder.write(
        "levels",
        pd.DataFrame({"leaf": clusters["siamese"].cat.codes}, index=folder.cells),
        uns={
            "levels": {
                "leaves": np.array(names, dtype=object),
                "clusters": np.array(names, dtype=object),
                "groups": np.arange(len(names))[None],
            }
        },
        stage="cluster",
        seed=0,
    )
    for features, present in ((CORRECT, False), (("ambient",), True)):
        run = SampleFolder(folder.directory, "s", features)
        markers.run(run, settings=MarkerSettings())
        assert ("ambient" in run.table("markers_table")) is present
