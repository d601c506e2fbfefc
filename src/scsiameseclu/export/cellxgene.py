"""An h5ad file for CELLxGENE, with what the pipeline knows of its schema."""

from __future__ import annotations

import logging
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.export.gene_reference import ensembl_ids
from scsiameseclu.store.files import write_h5ad

log = logging.getLogger(__name__)

TAXA = {"human": "NCBITaxon:9606", "mouse": "NCBITaxon:10090"}
UNKNOWN = "unknown"
META = "meta_"
CELL_TYPE_ID = "cell_type_ontology_term_id"
ETHNICITY = "self_reported_ethnicity_ontology_term_id"
PRIMARY = "is_primary_data"
OF_LAB = (
    "assay_ontology_term_id", "development_stage_ontology_term_id", "disease_ontology_term_id",
    "donor_id", PRIMARY, ETHNICITY, "sex_ontology_term_id", "suspension_type",
    "tissue_ontology_term_id", "tissue_type",
)  # fmt: skip
"""Columns of the schema that only the lab knows; the sheet has them as ``meta_COLUMN``."""
RESERVED = (
    "ethnicity", "ethnicity_ontology_term_id", "organism", "organism_ontology_term_id",
    "observation_joinid", "experimental_condition", "perturbation_types", "assay", "cell_type",
    "development_stage", "disease", "self_reported_ethnicity", "sex", "tissue",
)  # fmt: skip
"""Columns of ``obs`` that the schema forbids or fills itself."""
MIN_GENES = 2


def write_cellxgene(
    path: Path,
    cells: ad.AnnData,
    values: sp.csr_matrix,
    counts: sp.csr_matrix,
    *,
    organism: str,
    title: str,
) -> list[str]:
    """Write an h5ad file after schema 7 of CELLxGENE.

    Genes are named by their Ensembl ids; those without one are left out. Columns ``meta_COLUMN`` of
    the sheet become the columns of the schema that only the lab knows.

    Parameters
    ----------
    path
        File to write.
    cells
        ``obs``, ``var``, ``obsm`` and ``uns`` of the deliverable.
    values, counts
        Log-normalised expression and raw counts, (n_cells, n_genes).
    organism
        ``human`` or ``mouse``.
    title
        Title of the data set, unless the sheet has a column ``meta_title``.

    Returns
    -------
    The columns of the schema that are missing, which the lab has to add.

    Raises
    ------
    UserError
        Fewer than two genes have an Ensembl id, or the organism has no list of genes.
    """
    if organism not in TAXA:
        raise UserError(
            f"no export for CELLxGENE: there is no list of genes of {organism}; set organism in "
            "the sample sheet to human or mouse, or export.cellxgene to false"
        )
    ids = np.array(ensembl_ids(cells.var, organism), dtype=object)
    kept = ids != ""
    if kept.sum() < MIN_GENES:
        raise UserError(
            f"no export for CELLxGENE: {int(kept.sum())} of {len(ids)} genes have an Ensembl id of "
            f"{organism}; give counts with gene ids, or set export.cellxgene to false"
        )
    log.info("%d of %d genes have an Ensembl id and are exported", kept.sum(), len(ids))
    var = pd.DataFrame({"gene_symbol": cells.var_names[kept].astype(str)}, index=ids[kept])
    result = ad.AnnData(
        sp.csr_matrix(values[:, kept], dtype=np.float32),
        obs=schema_columns(cells.obs, organism),
        var=var.assign(feature_is_filtered=False),
        obsm={key: array for key, array in cells.obsm.items() if _is_embedding(key, array)},
        uns={
            "title": _title(cells.obs, title),
            "organism_ontology_term_id": TAXA[organism],
            "default_embedding": "X_umap",
            "siamese_colors": np.array(cells.uns["siamese_colors"], dtype=object),
        },
    )
    result.raw = ad.AnnData(sp.csr_matrix(counts[:, kept], dtype=np.float32), var=var)
    write_h5ad(result, path)
    return [name for name in OF_LAB if name not in result.obs]


def schema_columns(obs: pd.DataFrame, organism: str) -> pd.DataFrame:
    """``obs`` with the columns of the schema, and without those that it reserves.

    Parameters
    ----------
    obs
        Cells, with ``donor`` and ``meta_*`` of the sample sheet where they are known.
    organism
        ``human`` or ``mouse``.
    """
    sheet = {name: f"{META}{name}" for name in OF_LAB}
    given = {name: obs[column] for name, column in sheet.items() if column in obs}
    if "donor" in obs:
        given.setdefault("donor_id", obs["donor"])
    if organism != "human":  # the schema has no ethnicities of other organisms
        given[ETHNICITY] = pd.Series("na", index=obs.index)
    if PRIMARY in given:
        given[PRIMARY] = given[PRIMARY].astype(str).str.casefold().isin(("true", "yes", "1"))
    types = obs.get(CELL_TYPE_ID, pd.Series(UNKNOWN, index=obs.index)).astype(str)
    given[CELL_TYPE_ID] = types.where(types.str.startswith("CL:"), UNKNOWN)
    dropped = [*RESERVED, *given, *(f"{META}{name}" for name in (*OF_LAB, "title"))]
    kept = obs.drop(columns=dropped, errors="ignore")
    result = kept.assign(**given)
    for name in result:
        if result[name].dtype == object or isinstance(result[name].dtype, pd.CategoricalDtype):
            result[name] = result[name].astype(str).astype("category")
    return result


def _title(obs: pd.DataFrame, title: str) -> str:
    """The title in the sheet, if all samples have the same."""
    column = obs.get(f"{META}title", pd.Series(dtype=str))
    given = column.dropna().astype(str).unique()
    return str(given[0]) if len(given) == 1 else title


def _is_embedding(key: str, array: object) -> bool:
    return key.startswith("X_") and isinstance(array, np.ndarray) and array.shape[1] > 1
