"""A raw matrix with hashtags through all stages: the deliverable, the page, and MultiQC."""

from __future__ import annotations

import json
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from made_capture import DOUBLET, NEGATIVE, barcodes, hashed, write_10x
from pipeline import run_stages
from scipy.sparse import csr_matrix

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.report.cohort_samples import read_entries
from scsiameseclu.report.multiqc import write_multiqc
from scsiameseclu.report.tables import count
from scsiameseclu.settings import DropletSettings
from scsiameseclu.store.folder import SampleFolder

N_CELLS, N_EMPTY, N_GENES, IMAGE = 150, 2000, 150, "<img src=x>"
HASHED = hashed(N_CELLS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    """Two types of cells; the name of a hashtag is hostile."""
    results = tmp_path_factory.mktemp("capture") / "results"
    rng = np.random.default_rng(0)
    base = rng.dirichlet(np.ones(N_GENES))
    types = [base * rng.lognormal(0, 1, N_GENES) for _ in range(2)]
    types = [weights / weights.sum() for weights in types]
    counts = [
        rng.multinomial(total, types[place % 2])
        for place, total in enumerate(rng.lognormal(np.log(2000), 0.2, N_CELLS).astype(int))
    ]
    empty = (100 * rng.random(N_EMPTY) ** 4).astype(int)
    counts += [rng.multinomial(total, (types[0] + types[1]) / 2) for total in empty]
    hashtags = pd.DataFrame(0, index=range(len(counts)), columns=[*HASHED.counts.columns])
    hashtags.iloc[:N_CELLS] = HASHED.counts.to_numpy()
    hashtags = hashtags.rename(columns={"HTO_3": IMAGE})
    results.parent.mkdir(exist_ok=True)
    path = write_10x(results.parent / "raw.h5", csr_matrix(np.stack(counts)), hashtags)
    return run_stages(
        SampleFolder(results / "samples" / "s1", "s1"),
        str(path),
        ReadRequest(hashtags=f"HTO_*,{IMAGE}"),
        droplets=DropletSettings(cells="call", simulations=500),
    )


def truth() -> pd.Series:
    names = pd.Series(HASHED.truth, index=barcodes(N_CELLS + N_EMPTY)[:N_CELLS])
    return names.replace("HTO_3", IMAGE)


def test_cells_without_exactly_one_hashtag_are_removed_with_a_reason(folder: SampleFolder) -> None:
    table = folder.table("quality_table").set_index("barcode")
    known = table.index.intersection(truth().index)
    assert len(known) > 0.97 * N_CELLS
    expected = {DOUBLET: "hashtag doublet", NEGATIVE: "hashtag negative"}
    for name, reason in expected.items():
        cells = known[truth()[known] == name]
        assert table.loc[cells, "reason"].str.contains(reason).mean() > 0.9
        assert (table.loc[cells, "kept"] == "False").mean() > 0.9
    quality = folder.uns("filtered", "quality")
    assert list(quality["funnel"]["step"][:2]) == ["ingested", "hashtags"]


def test_the_deliverable_has_hashtags_as_batches_and_the_summaries(folder: SampleFolder) -> None:
    adata = ad.read_h5ad(folder.path("deliverable"))
    assert set(adata.obs["batch"]) == {"HTO_1", "HTO_2", IMAGE}
    assert (adata.obs["batch"].astype(str) == adata.obs["hashtag"].astype(str)).all()
    assert (adata.obs["hashtag"].astype(str) == truth()[adata.obs_names]).mean() > 0.95
    assert adata.uns["droplets"]["n_barcodes"] == N_CELLS + N_EMPTY
    assert list(adata.uns["hashtags"]["name"]) == ["HTO_1", "HTO_2", IMAGE, DOUBLET, NEGATIVE]
    settings = folder.recorded_settings("ingest")
    assert (settings["cells"], settings["simulations"]) == ("call", 500)
    assert folder.provenance()["ingest"]["seed"] == 0
    assert not any("of the cells of batch" in text for _, text in folder.warnings())


def test_the_page_shows_ranks_hashtags_and_the_method(folder: SampleFolder) -> None:
    text = folder.path("report").read_text(encoding="utf-8")
    for title in ("Barcode ranks", "Hashtags"):
        assert title in text
    assert IMAGE not in text
    assert "&lt;img src=x&gt;" in text
    called = folder.uns("counts", "droplets")["n_called"]
    for words in (
        f"{called} of {count(N_CELLS + N_EMPTY)} barcodes were called cells",
        "by the test of Lun et al. (2019)",
        "emptyDrops: Lun et al., Genome Biology 2019",
        "demultiplexed by 3 hashtags",
    ):
        assert words in text


def test_multiqc_shows_the_numbers(folder: SampleFolder, tmp_path: Path) -> None:
    (entry,) = read_entries(folder.directory.parents[1], ["s1"])
    write_multiqc([entry], tmp_path)
    (file,) = tmp_path.glob("*_quality_mqc.json")
    numbers = json.loads(file.read_text())["data"]["s1"]
    assert numbers["barcodes"] == N_CELLS + N_EMPTY
    assert numbers["cells_called"] == numbers["cells_in"]
    cells = folder.uns("counts", "hashtags")["n_cells"]
    assert (numbers["hashtag_doublets"], numbers["hashtag_negative"]) == tuple(cells[-2:])


def test_samples_without_either_show_nothing_of_them(
    finished: SampleFolder, tmp_path: Path
) -> None:
    text = finished.path("report").read_text(encoding="utf-8")
    assert "Barcode ranks" not in text
    assert "Lun et al." not in text
    deliverable = ad.read_h5ad(finished.path("deliverable"))
    assert not {"droplets", "hashtags"} & set(deliverable.uns)
    assert "hashtags" not in finished.recorded_settings("ingest")
    assert finished.provenance()["ingest"]["seed"] == -1
