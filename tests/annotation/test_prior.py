"""The partition of cells that marker sets give, and when there is none."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from synthetic_expression import expressed

from scsiameseclu.annotation.prior import marker_prior
from scsiameseclu.settings import AnnotationSettings

KINDS = {kind: [f"{kind}{number}" for number in range(6)] for kind in ("A", "B", "C")}
GENES = [*KINDS["A"], *KINDS["B"], *KINDS["C"], *(f"x{number}" for number in range(60))]
SIZES = {"0": 80, "1": 60, "2": 50}


def prior(adata: ad.AnnData, table: Path) -> tuple[np.ndarray | None, list[str]]:
    rng = np.random.default_rng(0)
    embedding = np.eye(3)[adata.obs["cluster"].astype(int)] + rng.normal(0, 0.05, (190, 3))
    groups = pd.Series(pd.Categorical(rng.integers(0, 2, 190).astype(str)), index=adata.obs_names)
    clusters = adata.obs["cluster"].astype(str) + groups.astype(str)
    return marker_prior(
        adata,
        clusters.astype("category"),
        AnnotationSettings(marker_table=str(table), min_score=2.0),
        embedding=embedding,
        organism="human",
    )


@pytest.fixture
def cells() -> ad.AnnData:
    return expressed(SIZES, dict(zip(SIZES, KINDS.values(), strict=True)), GENES)


def write(path: Path, kinds: dict[str, list[str]]) -> Path:
    lines = [f"{kind}\t{gene}" for kind, genes in kinds.items() for gene in genes]
    path.write_text("cell_type\tgene\n" + "\n".join(lines) + "\n")
    return path


def test_each_cell_has_the_type_whose_markers_it_expresses(
    cells: ad.AnnData, tmp_path: Path
) -> None:
    types, sentences = prior(cells, write(tmp_path / "kinds.tsv", KINDS))
    assert types is not None
    assert not sentences
    expected = cells.obs["cluster"].astype(str).map(dict(zip(SIZES, KINDS, strict=True)))
    assert (types == expected.to_numpy()).mean() > 0.95


def test_markers_that_tell_no_cells_apart_are_no_prior(cells: ad.AnnData, tmp_path: Path) -> None:
    kinds = {"none": [f"x{number}" for number in range(0, 30, 5)]}
    types, sentences = prior(cells, write(tmp_path / "kinds.tsv", kinds))
    assert types is None
    assert len(sentences) == 1
    assert "no effect, since all cells are" in sentences[0]


def test_canonical_markers_that_are_not_in_the_data_are_no_prior(cells: ad.AnnData) -> None:
    types, sentences = marker_prior(
        cells,
        cells.obs["cluster"],
        AnnotationSettings(),
        embedding=np.random.default_rng(0).normal(size=(190, 3)),
        organism="human",
    )
    assert types is None
    assert "0% of the marker genes" in sentences[0]
