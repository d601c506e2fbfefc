"""Stage reference: a model of an annotated reference, made once for all samples."""

import logging
from pathlib import Path

from scsiameseclu.settings import ReferenceSettings

log = logging.getLogger(__name__)


def reference(
    source: str,
    model_dir: Path,
    output: Path,
    *,
    settings: ReferenceSettings,
    seed: int,
    device: str = "auto",
    checkpoint: Path | None = None,
) -> None:
    """Fit a model to the reference without its types, and keep its cells' embedding beside them.

    Parameters
    ----------
    source
        The reference: raw counts in any format of a sample.
    model_dir
        The folder of the model to write.
    output
        The h5ad to write: ``obs["cell_type"]`` (category; missing where the file has none),
        ``obsm["X_siamese"]``, and ``uns["reference"]``: path, sha256, label, ``gene_id`` and
        ``gene_symbol`` of its genes, and ``places`` of the model's genes among them.
    settings
        Which column, cells and layer to take.
    checkpoint
        As of the stage train.

    Raises
    ------
    UserError
        The file cannot be read, holds no counts, lacks the column, or has fewer than two types.
    """
    import anndata as ad
    import numpy as np
    import pandas as pd

    from scsiameseclu.annotation.by_reference import check_types, fit_reference
    from scsiameseclu.errors import UserError
    from scsiameseclu.io.obs import missing_labels
    from scsiameseclu.io.request import ReadRequest
    from scsiameseclu.io.sample import column_of, read_sample
    from scsiameseclu.stages.ingest import sha256
    from scsiameseclu.store.files import sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    request = ReadRequest(label=settings.label, subset=settings.subset, layer=settings.layer)
    found = read_sample(source, request, sample="reference")
    if found.errors:
        raise UserError("; moreover, ".join(found.errors))
    column = found.obs[column_of(found.obs, settings.label)]
    types = column.astype(str).mask(missing_labels(column))
    check_types(types)
    cells = ad.AnnData(found.loaded.matrix, var=found.loaded.var)
    cells.obs_names = found.obs.index
    model = fit_reference(cells, seed=seed, device=device, checkpoint=checkpoint)
    model.save(model_dir)
    genes = found.loaded.var
    result = sidecar(
        pd.DataFrame({"cell_type": pd.Categorical(types)}, index=found.obs.index),
        obsm={"X_siamese": cells.obsm["X_siamese"]},
        uns={
            "reference": {
                "path": source,
                "sha256": sha256(found.loaded.files),
                "label": settings.label,
                "gene_id": np.array(genes["gene_id"], dtype=object),
                "gene_symbol": np.array(genes["gene_symbol"], dtype=object),
                "places": genes.index.get_indexer(pd.Index(model.scaling.genes)),
            },
            "provenance": record(
                "reference",
                seed=seed,
                settings=settings.to_dict(),
                device=model.summary["device"],
            ),
        },
    )
    write_h5ad(result, output)
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    log.info("%d cells of %d types", types.notna().sum(), types.nunique())
