"""A real data set small enough to train on in seconds."""

import anndata as ad
import pytest


@pytest.fixture(scope="session")
def demo() -> ad.AnnData:
    """350 PBMC with raw counts, without labels."""
    from scsiameseclu.io.readers import read_counts
    from scsiameseclu.io.request import ReadRequest

    adata = read_counts("demo:a", ReadRequest(), sample="demo")
    adata.obs = adata.obs[[]].copy()
    return adata
