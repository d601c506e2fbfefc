"""A finished sample whose input carries names that would run as scripts if a page did not escape.

The counts are those of ``scanpy.datasets.pbmc68k_reduced``; a gene, a label, a batch and the file's
path are hostile. Everything else is what the stages write.
"""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from pipeline import run_stages

from scsiameseclu.io.demo import recovered_counts
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.store.folder import SampleFolder

IMAGE = '"><img src=x onerror=alert(1)>'
SCRIPT = "<script>alert(2)</script>"
SAMPLE = "donor_1"
LABEL = "cell_type"
REQUEST = ReadRequest(label=LABEL, batch="run")


def hostile_cells() -> ad.AnnData:
    """700 PBMC as a user may hand them over."""
    pbmc = sc.datasets.pbmc68k_reduced()
    matrix = recovered_counts(pbmc.raw.X, pbmc.obs["n_counts"].to_numpy())
    genes = pd.Index(pbmc.raw.var_names).where(pbmc.raw.var_names != "CST3", IMAGE)
    labels = pbmc.obs["bulk_labels"].astype(str).replace({"Dendritic": IMAGE, "CD34+": SCRIPT})
    labels.iloc[:7] = None
    run = np.where(np.arange(pbmc.n_obs) % 3 == 0, SCRIPT, "run 2")
    obs = pd.DataFrame(
        {
            "run": pd.Categorical(run),
            "phase": pd.Categorical(pbmc.obs["phase"].astype(str)),
            LABEL: pd.Categorical(labels),
        },
        index=pbmc.obs_names,
    )
    return ad.AnnData(matrix, obs=obs, var=pd.DataFrame(index=genes))


def build(directory: Path, features: tuple[str, ...] = ()) -> SampleFolder:
    """Run every stage on the hostile cells; ``directory`` is the folder of all results."""
    source = directory.parent / f"{IMAGE}.h5ad"
    source.parent.mkdir(parents=True, exist_ok=True)
    hostile_cells().write_h5ad(source)
    folder = SampleFolder(directory / "samples" / SAMPLE, SAMPLE, features)
    return run_stages(folder, str(source), REQUEST)
