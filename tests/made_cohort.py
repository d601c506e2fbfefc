"""A made cohort: counts of three types in samples of two conditions, and its folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.store.files import write_h5ad
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import CONDITIONS

TYPES = ("B", "NK", "T", "Unassigned")
N_GENES = 60
CHANGED = slice(0, 6)
"""Genes that are fourfold in B cells of the condition stim."""


@dataclass(frozen=True)
class Cohort:
    """Cells and counts: (n_cells, n_genes)."""

    obs: pd.DataFrame
    counts: sp.csr_matrix
    genes: pd.Index


def make_cohort(n_cells: int = 100, n_donors: int = 4, seed: int = 0) -> Cohort:
    """Each donor has one sample in ctrl and one in stim, where B cells are twice as frequent."""
    rng = np.random.default_rng(seed)
    parts = []
    for donor in range(n_donors):
        for condition, share in (("ctrl", 0.2), ("stim", 1 / 3)):
            others = np.array([0.4, 0.3, 0.1]) / 0.8 * (1 - share)
            types = rng.choice(TYPES, n_cells, p=[share, *others])
            part = pd.DataFrame({"type": types})
            parts.append(
                part.assign(
                    sample=f"{condition}_{donor}",
                    condition=condition,
                    donor=f"donor {donor}",
                    meta_sex="fm"[donor % 2],
                    meta_age=30.0 + donor,
                )
            )
    obs = pd.concat(parts, ignore_index=True)
    obs.index = pd.Index([f"cell{place}" for place in range(len(obs))])
    mean = rng.gamma(2.0, 0.7, (len(TYPES), N_GENES))
    level = mean[pd.Categorical(obs["type"], TYPES).codes]
    donors = np.exp(rng.normal(0, 0.2, (n_donors, N_GENES)))
    level = level * donors[obs["donor"].str[-1].astype(int)]
    level[((obs["condition"] == "stim") & (obs["type"] == "B")).to_numpy(), CHANGED] *= 4
    genes = pd.Index([f"gene{place}" for place in range(N_GENES)])
    return Cohort(obs, sp.csr_matrix(rng.poisson(level).astype(np.float32)), genes)


def write_cohort(directory: Path, cohort: Cohort) -> SampleFolder:
    """The files that the stage conditions reads."""
    folder = SampleFolder(directory, "cohort", (CONDITIONS,))
    obs, cells = cohort.obs, cohort.obs.index
    var = pd.DataFrame({"gene_id": cohort.genes, "gene_symbol": cohort.genes}, cohort.genes)
    described = obs.drop(columns="type")
    write_h5ad(ad.AnnData(cohort.counts, described, var), folder.path("counts"))
    expression = ad.AnnData(cohort.counts, obs[["sample"]], var)
    expression.layers["counts"] = cohort.counts
    write_h5ad(expression, folder.path("expression"))
    clusters = pd.Categorical(obs["type"]).rename_categories(["2", "1", "0", "3"])
    for name, column, values in (
        ("clusters", "siamese", clusters),
        ("annotation", "cell_type_predicted", pd.Categorical(obs["type"])),
    ):
        folder.write(name, pd.DataFrame({column: values}, cells), stage=name, seed=None)
    return folder
