"""Clusters merged, split and named by hand."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu._inputs import check_key, check_seed, clusters_of, expression_of, plain_params
from scsiameseclu.curation.edit import Clusters, edit
from scsiameseclu.curation.plan import cell_types, plan
from scsiameseclu.curation.split import split_cells
from scsiameseclu.curation.table import COLUMNS, Line
from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.batches import batches_of
from scsiameseclu.settings import ExpressionSettings

SLOT = "curated"


def curate(
    adata: ad.AnnData,
    table: pd.DataFrame,
    *,
    groupby: str = "siamese",
    layer: str | None = None,
    batch_key: str | None = None,
    key_added: str = SLOT,
    random_state: int = 0,
    copy: bool = False,
) -> ad.AnnData | None:
    """Merge, split and name clusters by hand; nothing is trained.

    Parameters
    ----------
    adata
        Clusters and, to split any, counts or log-normalised values.
    table
        One row per cluster to edit: ``cluster`` and any of ``cell_type`` (its name),
        ``merge_into`` (another cluster), ``split`` (``"yes"``: cluster it again with the genes that
        vary within it, into ``3.1``, ``3.2``, …) and ``note``. Rows may name parts of clusters
        that are split.
    groupby
        Column of ``obs`` with the clusters.
    layer
        Layer of the values, by default X. Counts in it are log-normalised first.
    batch_key
        Column of ``obs`` with batches, which are aligned before a cluster is split.
    key_added
        Name of the slots.
    random_state
        Seed for splitting clusters.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["curated"]``
        Clusters after the edits, category, the largest first.
    ``obs["curated_cell_type"]``
        Names given by hand, category; missing for other clusters. Only if there are names.
    ``uns["curated"]``
        ``merged`` (final name of each merged cluster), ``split`` (the cluster of each part) and
        ``params``.

    Raises
    ------
    UserError
        The table has no or an unknown column, names a cluster that does not exist, has a cycle of
        merges or a repeated row; or a cluster cannot be split.

    Examples
    --------
    >>> import numpy as np, pandas as pd, anndata as ad
    >>> adata = ad.AnnData(np.ones((4, 2)), obs=pd.DataFrame({"siamese": ["0", "0", "1", "2"]}))
    >>> curate(adata, pd.DataFrame({"cluster": ["2"], "merge_into": ["0"]}))
    >>> adata.obs["curated"].tolist()
    ['0', '0', '1', '0']
    """
    check_key(key_added)
    seed = check_seed(random_state)
    column = clusters_of(adata, groupby)
    names = [str(name) for name in column.cat.categories]
    codes = column.cat.codes.to_numpy()
    before = Clusters(
        names,
        column.astype(str).to_numpy(dtype=object),
        np.eye(len(names), dtype=np.float32)[codes],
        np.full(len(names), np.nan),
    )
    lines = _lines(table)

    def split(name: str, inside: np.ndarray) -> np.ndarray:
        cells = adata[inside]
        values = expression_of(cells, layer).X
        return split_cells(
            values, ExpressionSettings(), batches_of(cells, batch_key), seed, name=name
        )

    after = edit(before, plan(lines, names), split)
    named = cell_types(lines, after.merged, after.names)
    adata = adata.copy() if copy else adata
    adata.obs[key_added] = pd.Categorical(after.labels, categories=list(after.names))
    of_types = f"{key_added}_cell_type"
    if named:
        types = pd.Series(after.labels).map({name: line.cell_type for name, line in named.items()})
        adata.obs[of_types] = pd.Categorical(types)
    elif of_types in adata.obs:
        del adata.obs[of_types]
    adata.uns[key_added] = {
        "merged": dict(after.merged),
        "split": dict(after.split),
        "params": plain_params(
            groupby=groupby, layer=layer, batch_key=batch_key, random_state=seed
        ),
    }
    return adata if copy else None


def _lines(table: pd.DataFrame) -> list[Line]:
    unknown = [str(name) for name in table.columns if name not in COLUMNS]
    if unknown or "cluster" not in table:
        raise UserError(
            f"the table has the columns {', '.join(map(str, table.columns))}; it must have cluster "
            f"and any of {', '.join(COLUMNS[1:])}"
        )
    lines = []
    rows = table.astype(object).where(table.notna(), "").to_dict("records")
    for number, row in enumerate(rows, start=1):
        texts = {str(name): str(value).strip() for name, value in row.items()}
        split = texts.pop("split", "").casefold()
        if split not in ("yes", "true", "no", "false", ""):
            raise UserError(f"row {number} of the table: split is {split!r}; it must be yes or no")
        lines.append(Line(number, **texts, split=split in ("yes", "true"), source="table"))
    return lines
