"""Join the cells of the samples of a cohort."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from scsiameseclu.settings import CohortSettings

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(
    folder: SampleFolder,
    *,
    members: Sequence[str],
    settings: CohortSettings,
    batches: dict[str, str] | None = None,
    corrected: bool = False,
    named: bool = True,
    min_cells: int = 3,
) -> None:
    """Write ``counts``, ``dimensions``, ``quality_table`` and ``filtered`` of a cohort.

    They have the same content as those of a sample, without cells that a sample's quality control
    has removed. Names of cells are ``SAMPLE:BARCODE``. ``obs`` of ``counts`` has ``sample``,
    ``batch`` and all columns of the samples.

    Parameters
    ----------
    folder
        Folder of the cohort, ``RESULTS/cohorts/NAME``; those of the samples are
        ``RESULTS/samples/SAMPLE``.
    members
        The samples.
    settings
        Genes, doublets and what counts as a batch.
    batches
        The batch of each sample; by default the batches of the samples' files.
    corrected
        Whether to join counts without ambient RNA.
    named
        Whether the sheet names the cohort. If not, as many samples as can be joined are, and the
        others are left out with a warning.
    min_cells
        Genes detected in fewer cells of the cohort are removed.

    Raises
    ------
    UserError
        The samples of a named cohort do not share genes or are of several organisms, or the samples
        have too few cells.
    """
    import anndata as ad
    import numpy as np
    import pandas as pd

    from scsiameseclu.cohort.joining import (
        Member,
        joined_genes,
        joined_quality,
        joined_table,
        write_joined,
    )
    from scsiameseclu.cohort.joint_genes import joinable, joint_genes
    from scsiameseclu.stages.resources import Size
    from scsiameseclu.store.files import add_warnings
    from scsiameseclu.store.folder import SampleFolder
    from scsiameseclu.store.provenance import record

    samples = folder.directory.parent.parent / "samples"
    parts = [
        Member.of(
            SampleFolder(samples / name, name), doublets=settings.doublets, corrected=corrected
        )
        for name in members
    ]
    of_samples = {part.name: part.gene_names for part in parts}
    chosen = list(members) if named else joinable(of_samples)
    parts = [part for part in parts if part.name in chosen]
    genes = joint_genes({name: of_samples[name] for name in chosen}, settings.genes)
    of_cells = np.repeat([part.name for part in parts], [part.n_cells for part in parts])
    own = np.concatenate([part.batches for part in parts])
    given = own if batches is None else np.array([batches[name] for name in of_cells], dtype=object)
    obs = joined_table([part.cells for part in parts])
    sample = pd.Categorical(of_cells, categories=chosen)
    first = pd.DataFrame({"sample": sample, "batch": pd.Categorical(given)}, index=obs.index)
    obs = pd.concat([first, obs], axis=1)
    adata = ad.AnnData(obs=obs, var=joined_genes(parts, genes))
    notes = [f"{part.n_cells} cells of {part.name}" for part in parts]
    notes.append(f"{genes.n_shared} of {genes.n_any} genes are in all samples")
    digest = hashlib.sha256("".join(part.source["sha256"] for part in parts).encode())
    adata.uns["source"] = {
        "path": ", ".join(chosen),
        "format": "joined samples",
        "sha256": digest.hexdigest(),
        "detected": np.array(notes, dtype=object),
        "n_cells": sum(part.n_ingested for part in parts),
        "n_genes": genes.n_genes,
    }
    recorded = settings.to_dict() | {
        "members": chosen,
        "batches": batches,
        "corrected": corrected,
        "min_cells": min_cells,
    }
    adata.uns["provenance"] = record("join", seed=None, settings=recorded)
    if others := [name for name in members if name not in chosen]:
        message = (
            f"{', '.join(others)} cannot be joined with {', '.join(chosen)}: they have other genes "
            "or are of another organism; name cohorts in the column cohort of the sample sheet"
        )
        add_warnings(adata, [message])
    totals = write_joined(adata, parts, genes, folder.path("counts"))
    folder.write_json("dimensions", Size(adata.n_obs, adata.n_vars, totals.n_values).to_dict())
    quality = joined_quality(parts, adata.var, totals, min_cells)
    table = pd.concat([part.table for part in parts]).rename_axis("barcode")
    folder.write_table("quality_table", table, index=True)
    folder.write(
        "filtered",
        quality.cells,
        var=quality.genes,
        uns={"quality": quality.summary},
        stage="join",
        seed=None,
        settings=recorded,
    )
    log.info("%d cells x %d genes of %d samples", *adata.shape, len(chosen))
