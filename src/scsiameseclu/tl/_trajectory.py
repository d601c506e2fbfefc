"""Pseudotime of cells and connectivity of clusters."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import anndata as ad
import numpy as np
import torch

from scsiameseclu._inputs import check_seed, clusters_of, expression_of, plain_params
from scsiameseclu.module.joint_space import EmbeddingLayout
from scsiameseclu.preprocess.matrices import find_representation
from scsiameseclu.trajectory import find_trajectory, root_candidates

log = logging.getLogger(__name__)


def trajectory(
    adata: ad.AnnData,
    *,
    root: str | None = None,
    groupby: str = "siamese",
    use_rep: str = "X_siamese",
    layer: str | None = None,
    random_state: int = 0,
    copy: bool = False,
) -> ad.AnnData | None:
    """Order cells by diffusion pseudotime, and connect clusters by PAGA.

    Diffusion pseudotime (Haghverdi et al. 2016, doi:10.1038/nmeth.3971) is computed in each part of
    the embedding, the components and each network's latent, and averaged. PAGA: Wolf et al. 2019,
    doi:10.1186/s13059-019-1663-x.

    Parameters
    ----------
    adata
        Counts or log-normalised values, clusters and an embedding.
    root
        Where the order starts: ``"cluster=3"``, ``"gene=KIT"`` (the cluster in which it is highest)
        or ``"column=value"`` (a column of ``obs``). None infers it: the cluster with the most
        detected genes, as less differentiated cells tend to express more genes.
    groupby
        Column of ``obs`` with the clusters.
    use_rep
        Embedding in ``obsm``. One of :class:`scsiameseclu.ScSiameseClu` is split into its parts,
        any other is one part.
    layer
        Layer of the values by which the root is found, by default X; counts are log-normalised.
    random_state
        Seed of the neighbour search.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["pseudotime"]``
        Distance from the root, float32 in [0, 1]; NaN for cells that no path connects to the root.
    ``obs["pseudotime_spread"]``
        Standard deviation over the parts of the embedding, float32.
    ``obsm["X_diffmap"]``
        Diffusion components without the trivial one, float32 (n_cells, n_components).
    ``uns["trajectory"]``
        ``root`` (name of the root cell), ``note`` (how it was chosen), ``connectivities`` (PAGA,
        float64, n_clusters x n_clusters in the order of the categories) and ``params`` (dict).

    Raises
    ------
    UserError
        A column, embedding or layer does not exist, or no cell matches the root.
    """
    check_seed(random_state)
    clusters = clusters_of(adata, groupby)
    embedding = find_representation(adata, use_rep)
    candidates, note = root_candidates(root, expression_of(adata, layer), clusters)
    result = find_trajectory(
        embedding,
        clusters,
        candidates,
        parts=_parts(adata, use_rep, embedding),
        seed=random_state,
    )
    log.info("%s", note)
    unreachable = int(np.isnan(result.pseudotime).sum())
    if unreachable:
        log.warning(
            "%d of %d cells are not connected to the root and have no pseudotime",
            unreachable,
            adata.n_obs,
        )
    adata = adata.copy() if copy else adata
    adata.obs["pseudotime"] = result.pseudotime
    adata.obs["pseudotime_spread"] = result.spread
    adata.obsm["X_diffmap"] = result.components
    adata.uns["trajectory"] = {
        "root": str(adata.obs_names[result.root]),
        "note": note,
        "connectivities": result.connectivity,
        "params": plain_params(
            root=root, groupby=groupby, use_rep=use_rep, layer=layer, random_state=random_state
        ),
    }
    return adata if copy else None


def _parts(adata: ad.AnnData, use_rep: str, embedding: np.ndarray) -> Sequence[np.ndarray] | None:
    """The parts of an embedding that the estimator wrote; None for any other."""
    record = adata.uns.get(use_rep.removeprefix("X_"), {})
    params = record.get("params", {}) if isinstance(record, dict) else {}
    if not {"networks", "latent_size"} <= set(params):
        return None
    networks, size = int(params["networks"]), int(params["latent_size"])
    n_shared = embedding.shape[1] - networks * size
    if n_shared < 0:
        return None
    parts = EmbeddingLayout(n_shared, size, networks).parts(torch.from_numpy(embedding))
    return [part.numpy() for part in parts]
