"""Cell types of clusters and cells."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import anndata as ad
import pandas as pd
import scipy.sparse as sp

from scsiameseclu._inputs import check_seed, clusters_of, expression_of, plain_params
from scsiameseclu.annotation.by_celltypist import celltypist_vote
from scsiameseclu.annotation.by_markers import annotate_clusters
from scsiameseclu.annotation.consensus import merge_votes
from scsiameseclu.annotation.marker_sets import given_markers
from scsiameseclu.annotation.votes import Vote
from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names
from scsiameseclu.preprocess.matrices import find_counts, find_representation
from scsiameseclu.settings import AnnotationSettings

log = logging.getLogger(__name__)
BLOCK_CELLS = 2_048  # cells whose genes CellTypist makes dense at once
SLOT = "annotation"


def annotate(
    adata: ad.AnnData,
    *,
    groupby: str = "siamese",
    use_rep: str | None = "X_siamese",
    layer: str | None = None,
    tissue: str = AnnotationSettings.tissue,
    organism: str = "auto",
    marker_table: str | Path | Mapping[str, Sequence[str]] | pd.DataFrame | None = None,
    min_score: float = AnnotationSettings.min_score,
    margin: float = AnnotationSettings.margin,
    transferred: str | None = None,
    celltypist_model: str | Path | None = None,
    key_added: str | None = None,
    random_state: int = 0,
    copy: bool = False,
) -> ad.AnnData | None:
    """Assign cell types to clusters and cells by marker sets and, if given, further votes.

    Parameters
    ----------
    adata
        Counts or log-normalised values, and clusters.
    groupby
        Column of ``obs`` with the clusters.
    use_rep
        Embedding in ``obsm``, by which cells are also annotated in small groups of similar cells.
        With None each cell has the type of its cluster.
    layer
        Layer of the values, by default X. Counts in it are log-normalised first;
        ``layers["counts"]`` is used if X is scaled.
    tissue
        Tissues of the canonical markers to use, comma-separated, or ``"auto"`` for the one that
        fits best.
    organism
        ``"human"``, ``"mouse"``, or ``"auto"`` to recognise it by the genes.
    marker_table
        Your own markers in place of the canonical ones: ``{cell type: genes}``; a table with the
        columns ``cell_type``, ``gene`` and, optionally, ``weight``; or the path of such a table
        (tsv, csv) or of a .gmt file.
    min_score, margin
        Smallest score of a type, a t value, and smallest lead over its best sibling in the tree
        of types. Where a lead is smaller, the answer is the wider type that includes both,
        ``"Unassigned"`` if there is none.
    transferred
        The ``key_added`` of :func:`scsiameseclu.tl.transfer_labels`, whose labels then vote too.
    celltypist_model
        A CellTypist model file (.pkl), which then votes too. It is a pickle, which can run code
        when it is read: use only a file that you trust.
    key_added
        If given, replaces ``cell_type`` in the names of the columns, starts the names of the
        votes, and is the name of the slot in ``uns``.
    random_state
        Seed of the groups of similar cells.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["cell_type_predicted"]``, ``obs["cell_type_score"]``
        Type of the cell's cluster, category, and its score, float32: a t value, or with more than
        one source the mean strength of those that agree, 0 to 1.
    ``obs["cell_type_ontology_term_id"]``, ``obs["cell_type_confidence"]``
        Cell Ontology id of the type, category, empty if it has none; and the probability that the
        markers' type is right, float32, 0 where the consensus differs from it.
    ``obs["cell_type_by_cell"]``, ``obs["cell_type_by_cell_score"]``
        Type and score cell by cell.
    ``obs["vote_markers"]``, ``obs["vote_markers_score"]`` …
        With more than one source, the vote of each (``markers``, ``reference``, ``celltypist``),
        category, and its strength, float32.
    ``uns["annotation"]``
        ``table`` (one row per cluster: type, id, confidence, states such as ``dividing``, score
        and that of random gene sets, runner-up, genes for and against, votes),
        ``scores`` (float64, clusters x types) with ``clusters`` and ``cell_types``, ``tissue``,
        ``organism``, ``overlap`` (share of the marker genes in the data), ``sources``,
        ``marker_table`` and ``params`` (dict).

    Raises
    ------
    UserError
        A column, representation or layer does not exist, the marker table cannot be used, or
        CellTypist is not installed.
    """
    path, sets = None, None
    if isinstance(marker_table, str | Path):
        path = str(marker_table)
    elif marker_table is not None:
        sets = given_markers(marker_table)
    settings = AnnotationSettings(
        tissue=tissue,
        marker_table=path,
        min_score=min_score,
        margin=margin,
        celltypist_model=None if celltypist_model is None else str(celltypist_model),
    )
    check_seed(random_state)
    clusters = clusters_of(adata, groupby)
    annotation = annotate_clusters(
        expression_of(adata, layer),
        clusters,
        settings,
        embedding=None if use_rep is None else find_representation(adata, use_rep),
        marker_sets=sets,
        organism=organism,
        seed=random_state,
    )
    votes = _votes(adata, transferred, settings.celltypist_model)
    types = merge_votes(
        annotation, clusters, votes, marker_table=path if sets is None else sets.name
    )
    for sentence in types.warnings:
        log.warning("%s", sentence)
    params = plain_params(
        groupby=groupby,
        use_rep=use_rep,
        layer=layer,
        transferred=transferred,
        random_state=random_state,
        **settings.to_dict(),
    )
    adata = adata.copy() if copy else adata
    _remove_votes(adata, key_added)
    for name, values in types.cells.items():
        adata.obs[_name(str(name), key_added)] = values.array
    table = types.clusters.set_axis(types.clusters["cluster"].astype(str).rename(None))
    adata.uns[key_added or SLOT] = types.summary | {"table": table, "params": params}
    return adata if copy else None


def _name(column: str, key_added: str | None) -> str:
    return column if key_added is None else f"{key_added}_{column.removeprefix('cell_type_')}"


def _remove_votes(adata: ad.AnnData, key_added: str | None) -> None:
    """Remove the votes of an earlier call, whose sources may not vote again."""
    earlier = adata.uns.get(key_added or SLOT, {})
    for source in earlier.get("sources", ()) if isinstance(earlier, Mapping) else ():
        for column in (f"vote_{source}", f"vote_{source}_score"):
            if (name := _name(column, key_added)) in adata.obs:
                del adata.obs[name]


def _votes(adata: ad.AnnData, transferred: str | None, celltypist: str | None) -> list[Vote]:
    """The votes of other sources on each cell."""
    votes = []
    if transferred is not None:
        columns = (transferred, f"{transferred}_probability")
        if not set(columns) <= set(adata.obs):
            raise UserError(
                f"adata.obs has no columns {list_names(columns)}; call "
                "scsiameseclu.tl.transfer_labels first"
            )
        labels, strength = (adata.obs[column] for column in columns)
        votes.append(
            Vote("reference", labels.astype(str).to_numpy(dtype=object), strength.to_numpy())
        )
    if celltypist is not None:
        votes.append(celltypist_vote(adata.var, _blocks(find_counts(adata)), celltypist)[0])
    return votes


def _blocks(counts: sp.csr_matrix) -> Iterator[sp.csr_matrix]:
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        yield counts[first : first + BLOCK_CELLS]
