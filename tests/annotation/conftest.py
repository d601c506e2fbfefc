"""Two real samples, normalised and clustered once."""

from pathlib import Path

import anndata as ad
import pytest
from real_data import counts_of, leiden, log_normalised


def prepare(path: Path, resolution: float) -> ad.AnnData:
    adata = log_normalised(counts_of(path))
    adata.obs["cluster"] = leiden(adata, resolution)
    return adata


@pytest.fixture(scope="session")
def pbmc3k(data_dir: Path) -> ad.AnnData:
    """Human blood."""
    return prepare(data_dir / "pbmc3k.h5ad", 1.0)


@pytest.fixture(scope="session")
def baron(data_dir: Path) -> ad.AnnData:
    """Mouse pancreas with much ambient insulin."""
    return prepare(data_dir / "baron_mouse.h5ad", 1.0)
