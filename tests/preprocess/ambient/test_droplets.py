"""The profile of empty droplets in a raw matrix."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.ambient.droplets import soup_of_droplets


def droplets(names: list[str]) -> ad.AnnData:
    """2,000 droplets of ten counts, a large one, and a cell of 50 counts."""
    counts = np.tile([4, 3, 2, 1], (2_000, 1)).astype(np.float32)
    counts[0] = [0, 0, 0, 500]
    counts[1] = [0, 0, 0, 50]
    cells = pd.DataFrame(index=[f"d{i}" for i in range(2_000)])
    var = pd.DataFrame({"gene_id": names, "gene_symbol": [f"S{n}" for n in names]}, index=names)
    return ad.AnnData(csr_matrix(counts), obs=cells, var=var)


def genes(*names: str) -> pd.DataFrame:
    return pd.DataFrame({"gene_id": names, "gene_symbol": names}, index=list(names))


def test_only_small_droplets_that_are_no_cells_count() -> None:
    soup = soup_of_droplets(droplets(["a", "b", "c", "d"]), genes("a", "b", "c", "d"), cells=["d1"])
    assert soup.tolist() == [4 * 1998, 3 * 1998, 2 * 1998, 1998]


def test_genes_are_matched_by_id_or_symbol() -> None:
    soup = soup_of_droplets(droplets(["a", "b", "c", "d"]), genes("Sb", "a", "x"), cells=["d1"])
    assert soup.tolist() == [3 * 1998, 4 * 1998, 0]


def test_other_genes_or_no_droplets_are_refused() -> None:
    with pytest.raises(UserError, match="has 1 of the 3 genes"):
        soup_of_droplets(droplets(["a", "b", "c", "d"]), genes("a", "x", "y"))
    few = droplets(["a", "b", "c", "d"])[:100].copy()
    with pytest.raises(UserError, match="at least 10,000 are required"):
        soup_of_droplets(few, genes("a", "b"))
