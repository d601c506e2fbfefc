"""The column of batches."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.batches import batches_of


def cells(values: object) -> ad.AnnData:
    return ad.AnnData(obs=pd.DataFrame({"donor": values}, index=list("abcd")))


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2", "1", "2"],
        [1, 2, 1, 2],
        pd.Categorical(["1", "2", "1", "2"], categories=["0", "1", "2"]),
    ],
    ids=["text", "numbers", "unused category"],
)
def test_batches_are_categories_in_use(values: object) -> None:
    found = batches_of(cells(values), "donor")
    assert found is not None
    assert found.tolist() == ["1", "2", "1", "2"]
    assert list(found.cat.categories) == ["1", "2"]


def test_no_key_no_batches() -> None:
    assert batches_of(cells(list("xxyy")), None) is None


@pytest.mark.parametrize("values", [["x", None, "y", np.nan], [1.0, np.nan, 2.0, np.nan]])
def test_missing_batches_are_counted(values: object) -> None:
    with pytest.raises(UserError, match=r"2 of 4 cells have no batch in adata.obs\['donor'\]"):
        batches_of(cells(values), "donor")


def test_an_absent_column_is_named_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no column 'batch' \(batch_key\); available: donor"):
        batches_of(cells(list("xxyy")), "batch")
