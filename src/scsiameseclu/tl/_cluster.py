"""Clustering of the cells of an AnnData."""

from __future__ import annotations

from pathlib import Path

import anndata as ad

from scsiameseclu.model.estimator import ScSiameseClu
from scsiameseclu.model.storage import check_writable
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings


def cluster(
    adata: ad.AnnData,
    n_clusters: int | str | tuple[int, int] | None = None,
    *,
    key_added: str = "siamese",
    layer: str | None = None,
    batch_key: str | None = None,
    use_rep: str | None = None,
    logged: bool = False,
    n_top_genes: int = ExpressionSettings.n_top_genes,
    n_pcs: int = ExpressionSettings.n_pcs,
    n_neighbors: int = GraphSettings.n_neighbors,
    settings: ModelSettings | None = None,
    device: str = "auto",
    random_state: int = 0,
    model_dir: str | Path | None = None,
    copy: bool = False,
) -> ad.AnnData | None:
    """Cluster cells by Siamese networks and optimal transport.

    The functional form of :class:`scsiameseclu.ScSiameseClu`, which has more parameters and can
    embed and predict new cells.

    Parameters
    ----------
    adata
        Cells x genes, in memory, with raw counts (or log-normalised values, see ``logged``).
    n_clusters
        A number, a range to choose from (``(8, 15)`` or ``"8-15"``), or None to estimate it.
    key_added
        Name of the slots, in place of ``siamese``.
    layer, batch_key, use_rep, logged, n_top_genes, n_pcs, n_neighbors, settings, device
        See :class:`scsiameseclu.ScSiameseClu`.
    random_state
        Seed of every random choice.
    model_dir
        Folder to save the fitted model in; :meth:`scsiameseclu.ScSiameseClu.load` reads it.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["siamese"]``
        Cluster, category of ``"0"`` (largest) to ``"k-1"``.
    ``obs["siamese_confidence"]``, ``obs["siamese_ambiguous"]``
        Probability of that cluster, from the ensemble's votes, float32 in [0, 1], and whether it
        is below 0.5, bool.
    ``obs["siamese_coarse"]``, ``obs["siamese_fine"]``
        Unions and parts of clusters, categories.
    ``obsm["X_siamese"]``, ``obsm["siamese_probability"]``
        Embedding (n_cells, n_dimensions) and probability of each cluster (n_cells, n_clusters),
        float32.
    ``uns["siamese"]``, ``uns["siamese_colors"]``
        Number, sizes and stability of the clusters, evidence and ``params``; colours.

    The slots of highly variable genes, principal components and the kNN graph are set where they
    are missing; see :meth:`scsiameseclu.ScSiameseClu.fit`.

    Raises
    ------
    UserError
        See :meth:`scsiameseclu.ScSiameseClu.fit`.
    """
    if model_dir is not None:
        check_writable(model_dir)
    model = ScSiameseClu(
        n_clusters,
        random_state=random_state,
        device=device,
        layer=layer,
        batch_key=batch_key,
        use_rep=use_rep,
        logged=logged,
        n_top_genes=n_top_genes,
        n_pcs=n_pcs,
        n_neighbors=n_neighbors,
        settings=settings,
    )
    adata = adata.copy() if copy else adata
    model.fit(adata, key_added=key_added)
    if model_dir is not None:
        model.save(model_dir)
    return adata if copy else None
