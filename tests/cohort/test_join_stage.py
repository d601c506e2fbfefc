"""Joined cells have the counts and columns of their samples, gene by gene and cell by cell."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.cohort import joining
from scsiameseclu.cohort import joint_genes as joint_genes_module
from scsiameseclu.cohort.joining import joined_table
from scsiameseclu.errors import UserError
from scsiameseclu.settings import CohortSettings, ExpressionSettings
from scsiameseclu.stages import expression, join
from scsiameseclu.store.files import read_h5ad, read_parts
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import COHORT

MEMBERS = ["s1", "s2"]


def joined(samples: dict[str, SampleFolder], name: str, **options: object) -> SampleFolder:
    directory = samples["s1"].directory.parents[1] / "cohorts" / name
    folder = SampleFolder(directory, name, (COHORT,))
    settings = CohortSettings(**options.pop("settings", {}))  # type: ignore[arg-type]
    join.run(folder, members=MEMBERS, settings=settings, **options)  # type: ignore[arg-type]
    return folder


def kept(folder: SampleFolder) -> pd.Index:
    return read_parts(folder.path("filtered"), ["obs"])["obs"].index


def check_counts(folder: SampleFolder, samples: dict[str, SampleFolder]) -> None:
    cohort = read_h5ad(folder.path("counts"))
    for name, sample in samples.items():
        part = read_h5ad(sample.path("counts"))[kept(sample)]
        cells = cohort[[f"{name}:{cell}" for cell in kept(sample)]]
        shared = [gene for gene in cohort.var_names if gene in part.var_names]
        assert (cells[:, shared].X != part[:, shared].X).nnz == 0
        others = [gene for gene in cohort.var_names if gene not in part.var_names]
        assert cells[:, others].X.nnz == 0
    assert cohort.n_obs == sum(len(kept(sample)) for sample in samples.values())


@pytest.mark.parametrize(("genes", "n_genes"), [("intersection", 90), ("union", 120)])
def test_counts_by_gene_and_cell(
    samples: dict[str, SampleFolder], genes: str, n_genes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "BLOCK_CELLS", 16)  # several blocks
    folder = joined(samples, genes, settings={"genes": genes})
    check_counts(folder, samples)
    assert read_parts(folder.path("counts"), ["var"])["var"].shape[0] == n_genes
    size = folder.json("dimensions")
    assert (size["cells"], size["genes"]) == (len(kept(folder)), n_genes)
    assert size["nonzeros"] == read_h5ad(folder.path("counts")).X.nnz


def test_columns_of_the_samples(samples: dict[str, SampleFolder]) -> None:
    obs = read_h5ad(joined(samples, "columns").path("counts")).obs
    first = read_parts(samples["s1"].path("counts"), ["obs"])["obs"].loc[kept(samples["s1"])]
    assert list(obs["sample"].cat.categories) == MEMBERS
    inside = (obs["sample"] == "s1").to_numpy()
    assert list(obs.index[inside]) == [f"s1:{cell}" for cell in first.index]
    np.testing.assert_array_equal(obs["age"][inside], first["age"])
    np.testing.assert_array_equal(obs["kind"][inside].astype(str), first["kind"].astype(str))
    np.testing.assert_array_equal(obs["only"][inside], first["only"])
    assert obs["only"][~inside].isna().all()


def test_batches(samples: dict[str, SampleFolder]) -> None:
    batches = read_h5ad(joined(samples, "own").path("counts")).obs["batch"]
    assert set(batches) == set(MEMBERS)
    given = joined(samples, "given", batches={"s1": "r2", "s2": "r1"})
    obs = read_h5ad(given.path("counts")).obs
    assert set(obs["batch"][obs["sample"] == "s1"]) == {"r2"}


def test_quality_of_the_samples_travels(samples: dict[str, SampleFolder]) -> None:
    folder = joined(samples, "quality", min_cells=40)
    metrics = read_parts(folder.path("filtered"), ["obs", "var", "uns/quality"])
    own = read_parts(samples["s2"].path("filtered"), ["obs"])["obs"]
    cells = [f"s2:{cell}" for cell in own.index]
    np.testing.assert_array_equal(metrics["obs"].loc[cells, "total_counts"], own["total_counts"])
    counts = read_h5ad(folder.path("counts"))
    detected = np.asarray((counts.X > 0).sum(axis=0)).ravel()
    assert list(metrics["var"].index) == list(counts.var_names[detected >= 40])
    np.testing.assert_array_equal(metrics["var"]["n_cells"], detected[detected >= 40])
    assert list(metrics["uns/quality"]["funnel"]["cells"]) == [150, counts.n_obs, counts.n_obs]
    table = folder.table("quality_table")
    assert len(table) == 150
    assert (table["kept"] == "True").sum() == counts.n_obs


def test_doublets_stay_behind(samples: dict[str, SampleFolder], tmp_path: Path) -> None:
    import shutil

    root = tmp_path / "results"
    shutil.copytree(samples["s1"].directory.parents[1], root)
    filtered = root / "samples" / "s2" / "stages" / "filtered.h5ad"
    adata = read_h5ad(filtered)
    called = list(adata.obs_names[:5])
    adata.obs["predicted_doublet"] = adata.obs["predicted_doublet"].astype(str)
    adata.obs.loc[called, "predicted_doublet"] = "yes"
    adata.write_h5ad(filtered)
    copied = {name: SampleFolder(root / "samples" / name, name) for name in MEMBERS}
    folder = joined(copied, "without")
    cells = kept(folder)
    assert not {f"s2:{cell}" for cell in called} & set(cells)
    table = folder.table("quality_table").set_index("barcode")
    assert set(table.loc[[f"s2:{cell}" for cell in called], "reason"]) == {"predicted doublet"}
    steps = read_parts(folder.path("filtered"), ["uns/quality"])["uns/quality"]["funnel"]["cells"]
    assert list(steps)[-2:] == [len(cells) + 5, len(cells)]
    assert len(kept(joined(copied, "with", settings={"doublets": "keep"}))) == len(cells) + 5


def test_the_same_again_is_the_same_to_the_byte(samples: dict[str, SampleFolder]) -> None:
    def digest(folder: SampleFolder) -> list[str]:
        names = ("counts", "filtered", "quality_table", "dimensions")
        return [hashlib.sha256(folder.path(name).read_bytes()).hexdigest() for name in names]

    assert digest(joined(samples, "again")) == digest(joined(samples, "again"))


def test_what_cannot_be_joined_is_left_out_unless_the_sheet_asks_for_it(
    samples: dict[str, SampleFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    organisms = iter(["human", "mouse"] * 9)
    monkeypatch.setattr(joint_genes_module, "detect_organism", lambda *names: next(organisms))
    with pytest.raises(UserError, match="several organisms"):
        joined(samples, "named")
    folder = joined(samples, "unnamed", named=False)
    assert set(read_h5ad(folder.path("counts")).obs["sample"]) == {"s1"}
    (warning,) = folder.uns("counts", "warnings")
    assert warning.startswith("s2 cannot be joined with s1")


def test_the_next_stage_reads_it(samples: dict[str, SampleFolder]) -> None:
    folder = joined(samples, "next")
    expression.run(folder, settings=ExpressionSettings(n_top_genes=50, n_pcs=5))
    assert list(folder.cells) == list(kept(folder))
    assert set(folder.obs("expression", ["batch"])["batch"]) == set(MEMBERS)


def test_too_few_cells_are_refused(samples: dict[str, SampleFolder]) -> None:
    with pytest.raises(UserError, match="0 genes in 500 cells or more remain"):
        joined(samples, "few", min_cells=500)


def test_types_of_joined_columns() -> None:
    first = pd.DataFrame({"n": [1, 2], "mixed": [1, 2], "flag": [True, False]}, index=["a", "b"])
    second = pd.DataFrame({"n": [3], "mixed": ["x"], "late": ["y"]}, index=["c"])
    table = joined_table([first, second])
    assert list(table["n"]) == [1, 2, 3]
    assert list(table["mixed"]) == ["1", "2", "x"]
    assert list(table["late"].astype(object).fillna("-")) == ["-", "-", "y"]
    assert list(table["flag"].astype(object).fillna("-")) == ["True", "False", "-"]
    assert table["late"].dtype == "category"
