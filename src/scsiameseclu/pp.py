"""Preprocessing: cells among droplets, hashtags, quality control, ambient RNA, and batches."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu import demultiplexing
from scsiameseclu._inputs import check_key, check_seed, clusters_of, plain_params
from scsiameseclu.droplets import calling
from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names
from scsiameseclu.preprocess.ambient import correct_counts, estimate_ambient, quick_clusters
from scsiameseclu.preprocess.ambient.droplets import soup_of_droplets
from scsiameseclu.preprocess.batches import batches_of, captures_of
from scsiameseclu.preprocess.integration import RECORD, UNCORRECTED
from scsiameseclu.preprocess.integration import batch_mixing as mixing_of
from scsiameseclu.preprocess.integration import integrate as align_batches
from scsiameseclu.preprocess.matrices import find_counts, find_representation
from scsiameseclu.preprocess.quality import COLUMNS, control
from scsiameseclu.settings import DropletSettings, QualitySettings

__all__ = ["ambient_rna", "batch_mixing", "call_cells", "demultiplex", "integrate", "quality"]

log = logging.getLogger(__name__)


def call_cells(
    adata: ad.AnnData,
    *,
    layer: str | None = None,
    ambient_max_counts: int = DropletSettings.ambient_max_counts,
    fdr: float = DropletSettings.fdr,
    simulations: int = DropletSettings.simulations,
    random_state: int = 0,
    subset: bool = False,
    copy: bool = False,
) -> ad.AnnData | None:
    """Call cells among the droplets of a raw matrix with the test of emptyDrops.

    Droplets at or above the knee of the barcode rank curve are cells. Others with more than
    ``ambient_max_counts`` counts are tested for a profile other than that of the ambient RNA
    (Lun et al. 2019, doi:10.1186/s13059-019-1662-y), which is estimated from the droplets with
    fewer counts.

    Parameters
    ----------
    adata
        Raw counts of all barcodes, including empty droplets.
    layer
        Layer of the counts, or ``"X"``; by default ``layers["counts"]`` if it exists, else X.
    ambient_max_counts
        Droplets with at most this many counts are assumed to be empty.
    fdr
        Maximum false discovery rate of the called cells.
    simulations
        Number of simulated empty droplets for the p-values. Up to ten times as many are simulated
        where the smallest possible p-value would otherwise be too large for any call.
    random_state
        Seed of the simulations.
    subset
        Keep only the called cells.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["droplet_total"]``
        Total counts, float64.
    ``obs["droplet_p_value"]``
        Monte Carlo p-value, float64; NaN for droplets that are not tested.
    ``obs["droplet_fdr"]``
        P-value adjusted by the method of Benjamini and Hochberg, float64; 0 at or above the knee,
        NaN for droplets that are assumed to be empty.
    ``obs["is_cell"]``
        Whether the droplet was called a cell, bool.
    ``uns["droplets"]``
        ``knee``, ``inflection``, ``alpha`` (concentration of the ambient distribution), numbers of
        droplets (``n_barcodes``, ``n_empty``, ``n_ambient``, ``n_above_knee``, ``n_tested``,
        ``n_called``, ``n_limited``), ``n_simulations``, ``curve`` (the barcode rank curve) and
        ``params`` (dict).

    Raises
    ------
    UserError
        The values are not counts, or too few droplets have few counts to estimate the ambient
        profile, as in a filtered matrix.
    """
    settings = DropletSettings(
        cells="call",
        ambient_max_counts=ambient_max_counts,
        fdr=fdr,
        simulations=simulations,
        seed=check_seed(random_state),
    )
    counts = find_counts(adata, layer)
    try:
        result = calling.call_cells(counts, settings)
    except UserError as error:
        raise UserError(f"adata {error}; use the raw matrix of all barcodes") from error
    adata = adata.copy() if copy else adata
    adata.obs["droplet_total"] = result.total
    adata.obs["droplet_p_value"] = result.p_value
    adata.obs["droplet_fdr"] = result.fdr
    adata.obs["is_cell"] = result.called
    params = plain_params(
        layer=layer,
        ambient_max_counts=ambient_max_counts,
        fdr=fdr,
        simulations=simulations,
        random_state=random_state,
    )
    adata.uns["droplets"] = result.summary | {"params": params}
    for sentence in result.warnings:
        log.warning("%s", sentence)
    if subset:
        adata._inplace_subset_obs(result.called)
    return adata if copy else None


def demultiplex(
    adata: ad.AnnData,
    hashtags: str | Sequence[str],
    *,
    key_added: str = "hashtag",
    copy: bool = False,
) -> ad.AnnData | None:
    """Assign cells to the hashtags that label them (cell hashing).

    The log counts of a hashtag, corrected for the background of each cell, are a mixture of two
    normal distributions, of cells with and without the hashtag.

    Parameters
    ----------
    adata
        With raw counts of the hashtags.
    hashtags
        Columns of ``obs``, or the key of a table (n_cells, n_hashtags) in ``obsm``.
    key_added
        Name of the column in ``obs`` and of the slot in ``uns``.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs[key_added]``
        Name of the hashtag, ``"Doublet"`` (several hashtags) or ``"Negative"`` (none), category.
    ``obs[key_added + "_probability"]``
        Posterior probability of this result, float64.
    ``uns[key_added]``
        ``name`` and ``n_cells`` of each category, and ``params`` (dict).

    Raises
    ------
    UserError
        A column or the table does not exist, there are fewer than two hashtags, or the values are
        not counts.

    Examples
    --------
    >>> import scsiameseclu
    >>> adata = scsiameseclu.datasets.pbmc()
    >>> adata.obs["HTO1"] = [300, 5] * 350
    >>> adata.obs["HTO2"] = [4, 250] * 350
    >>> scsiameseclu.pp.demultiplex(adata, ["HTO1", "HTO2"])
    >>> adata.obs["hashtag"].value_counts().to_dict()
    {'HTO1': 350, 'HTO2': 350, 'Doublet': 0, 'Negative': 0}
    """
    check_key(key_added)
    result = demultiplexing.demultiplex(_hashtag_counts(adata, hashtags))
    adata = adata.copy() if copy else adata
    adata.obs[key_added] = result.hashtag
    adata.obs[f"{key_added}_probability"] = result.probability
    named = hashtags if isinstance(hashtags, str) else list(hashtags)
    adata.uns[key_added] = result.summary | {"params": {"hashtags": named}}
    for sentence in result.warnings:
        log.warning("%s", sentence)
    return adata if copy else None


def _hashtag_counts(adata: ad.AnnData, hashtags: str | Sequence[str]) -> pd.DataFrame:
    """Counts of hashtags from columns of ``obs`` or a table in ``obsm``."""
    if isinstance(hashtags, str):
        if hashtags not in adata.obsm:
            raise UserError(
                f"adata.obsm has no {hashtags!r} (hashtags); available: {list_names(adata.obsm)}"
            )
        table = adata.obsm[hashtags]
        if isinstance(table, pd.DataFrame):
            return table
        array = table.toarray() if hasattr(table, "toarray") else np.asarray(table)
        return pd.DataFrame(array, columns=[f"hashtag_{n}" for n in range(array.shape[1])])
    missing = [name for name in hashtags if name not in adata.obs]
    if missing:
        raise UserError(
            f"adata.obs has no column {missing[0]!r} (hashtags); available: "
            f"{list_names(adata.obs.columns)}"
        )
    return adata.obs[list(hashtags)]


def quality(
    adata: ad.AnnData,
    *,
    layer: str | None = None,
    batch_key: str | None = None,
    capture_key: str | None = None,
    mad_counts: float = QualitySettings.mad_counts,
    mad_genes: float = QualitySettings.mad_genes,
    mad_top20: float = QualitySettings.mad_top20,
    mad_mito: float = QualitySettings.mad_mito,
    floor_pct_mito: float = QualitySettings.floor_pct_mito,
    min_counts: float | None = QualitySettings.min_counts,
    max_counts: float | None = QualitySettings.max_counts,
    min_genes: int | None = QualitySettings.min_genes,
    max_genes: int | None = QualitySettings.max_genes,
    max_pct_mito: float | None = QualitySettings.max_pct_mito,
    min_cells: int = QualitySettings.min_cells,
    doublets: Literal["flag", "remove", "off"] = QualitySettings.doublets,
    doublet_rate: float | None = QualitySettings.doublet_rate,
    doublet_min_cells: int = QualitySettings.doublet_min_cells,
    random_state: int = 0,
    subset: bool = False,
    copy: bool = False,
) -> ad.AnnData | None:
    """Quality metrics of cells, thresholds by median absolute deviations (MADs), and doublets.

    Thresholds follow Germain et al. (2020), doi:10.1186/s13059-020-02136-7, with guards for
    homogeneous samples and for cell types that look like outliers. Doublets are called
    within captures by their nearest neighbours among simulated doublets (McGinnis et al. 2019,
    doi:10.1016/j.cels.2019.03.003).

    Parameters
    ----------
    adata
        Raw counts. Mitochondrial genes are recognised by symbols or Ensembl ids.
    layer
        Layer of the counts, or ``"X"``; by default ``layers["counts"]`` if there is one, else X.
    batch_key
        Column of ``obs`` with the batch of each cell.
    capture_key
        Column of ``obs`` with the capture (such as a 10x lane) of each cell, within which doublets
        form; by default the batch.
    mad_counts, mad_genes, mad_top20
        A cell fails if its log total counts, log detected genes, or share of its 20 largest genes
        are more than this many MADs from the median.
    mad_mito, floor_pct_mito
        A cell fails if its mitochondrial share is more than ``mad_mito`` MADs above the median and
        above ``floor_pct_mito`` percent.
    min_counts, max_counts, min_genes, max_genes, max_pct_mito
        Fixed bounds, in place of those by MADs.
    min_cells
        A gene fails if fewer of the passing cells express it.
    doublets
        ``"flag"`` calls doublets, with ``"remove"`` they fail too, ``"off"`` does not seek them.
    doublet_rate
        Expected share of doublets in each capture; by default 0.8 % per 1,000 cells, at most 8 %.
    doublet_min_cells
        Captures with fewer cells get no doublet score.
    random_state
        Seed for the simulated doublets.
    subset
        Remove the cells and genes that fail.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["n_genes"]``, ``obs["total_counts"]``, ``obs["pct_top20"]``
        Numbers of detected genes, int64, and of counts, float64; percent from 0 to 100 of the
        counts in the 20 most abundant genes, NaN where undefined.
    ``obs["pct_mito"]``, ``obs["pct_ribo"]``, ``obs["pct_hb"]``
        Percent of the counts in mitochondrial, ribosomal and haemoglobin genes, float64, NaN where
        undefined.
    ``obs["S_score"]``, ``obs["G2M_score"]``, ``obs["phase"]``
        Scores of the cell cycle, float64, and phase, category of ``"G1"``, ``"S"`` and ``"G2M"``;
        missing if the genes are not those of human, mouse, rat, macaque or pig.
    ``obs["doublet_score"]``, ``obs["predicted_doublet"]``
        Share of simulated doublets among the nearest neighbours, float64, and call, category of
        ``"no"``, ``"yes"`` and ``"NA"``.
    ``obs["quality_pass"]``, ``obs["quality_reason"]``
        Whether the cell passes, bool, and why not, category, empty for cells that pass.
    ``var["n_cells"]``, ``var["quality_pass"]``
        Number of passing cells that express the gene, int64, and whether it passes, bool.
    ``uns["quality"]``
        ``thresholds``, ``funnel`` (cells left after each step), ``genes_before``, ``genes_after``,
        ``organism``, ``mito_prefix``, ``doublets`` (a sentence) and ``params`` (dict).

    Raises
    ------
    UserError
        There are no counts, or fewer than 20 cells pass.

    Examples
    --------
    >>> import scsiameseclu
    >>> adata = scsiameseclu.datasets.pbmc()
    >>> scsiameseclu.pp.quality(adata, min_genes=215, subset=True)
    >>> adata.n_obs
    637
    """
    settings = QualitySettings(
        mad_counts=mad_counts,
        mad_genes=mad_genes,
        mad_top20=mad_top20,
        mad_mito=mad_mito,
        floor_pct_mito=floor_pct_mito,
        min_counts=min_counts,
        max_counts=max_counts,
        min_genes=min_genes,
        max_genes=max_genes,
        max_pct_mito=max_pct_mito,
        min_cells=min_cells,
        doublets=doublets,
        doublet_rate=doublet_rate,
        doublet_min_cells=doublet_min_cells,
    )
    check_seed(random_state)
    counts = ad.AnnData(find_counts(adata, layer), obs=adata.obs[[]], var=adata.var)
    result = control(
        counts,
        settings,
        batches=batches_of(adata, batch_key),
        captures=None if capture_key is None else captures_of(adata, capture_key),
        seed=random_state,
    )
    adata = adata.copy() if copy else adata
    for name in COLUMNS:
        adata.obs[name] = result.table[name].array
    adata.obs["quality_pass"] = result.kept_cells
    adata.obs["quality_reason"] = pd.Categorical(result.table["reason"])
    adata.var["n_cells"] = result.cells_per_gene
    adata.var["quality_pass"] = result.kept_genes
    params = plain_params(
        layer=layer,
        batch_key=batch_key,
        capture_key=capture_key,
        random_state=random_state,
        **settings.to_dict(),
    )
    adata.uns["quality"] = result.summary | {"params": params}
    for sentence in result.warnings:
        log.warning("%s", sentence)
    if subset:
        adata._inplace_subset_obs(result.kept_cells)
        adata._inplace_subset_var(result.kept_genes)
    return adata if copy else None


def ambient_rna(
    adata: ad.AnnData,
    *,
    layer: str | None = None,
    groupby: str | None = None,
    capture_key: str | None = None,
    raw: ad.AnnData | None = None,
    correct: bool = False,
    random_state: int = 0,
    copy: bool = False,
) -> ad.AnnData | None:
    """Ambient RNA: the contamination of each cell, ambient genes, and corrected counts.

    The contamination of a cluster is the ratio of its counts to those of the ambient profile in the
    genes where it is lowest, since these come from ambient RNA alone; the idea is that of SoupX
    (Young and Behjati 2020, doi:10.1093/gigascience/giaa151). That of a cell follows from the
    profile of its cluster and the ambient profile, as in DecontX (Yang et al. 2020,
    doi:10.1186/s13059-020-1950-6).

    Parameters
    ----------
    adata
        Raw counts of cells that passed quality control.
    layer
        Layer of the counts, or ``"X"``; by default ``layers["counts"]`` if there is one, else X.
    groupby
        Column of ``obs`` with clusters; by default quick Leiden clusters of the counts. They should
        separate cell types; their number does not matter much.
    capture_key
        Column of ``obs`` with the capture of each cell; captures are estimated separately.
    raw
        Counts of all droplets of the run in ``X``. Their empty droplets (1 to 100 counts) give the
        ambient profile, by default that of all cells of a capture.
    correct
        Also set ``layers["corrected"]``.
    random_state
        Seed for the quick clusters and for the rounding of corrected counts.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields:

    ``obs["contamination"]``
        Share of the counts of the cell that is ambient, float32, 0 to 1; NaN if it cannot be
        estimated, as in samples of a single cell type.
    ``var["ambient"]``
        Share of the gene in the ambient profile, float32; sums to 1.
    ``layers["corrected"]``
        With ``correct``, counts without the expected ambient ones, rounded to integers at random
        such that the expectation is exact; CSR float32.
    ``uns["ambient"]``
        ``mean`` contamination, ``source`` of the profile, and ``params`` (dict).

    Raises
    ------
    UserError
        There are no counts, a column does not exist, or ``raw`` has other genes or no empty
        droplets.

    Examples
    --------
    >>> import scsiameseclu
    >>> adata = scsiameseclu.datasets.pbmc()
    >>> scsiameseclu.pp.ambient_rna(adata, correct=True)
    >>> bool((adata.layers["corrected"] > adata.X).nnz == 0)
    True
    """
    check_seed(random_state)
    counts = find_counts(adata, layer)
    if groupby is None:
        clusters = quick_clusters(counts, random_state)
    else:
        clusters = clusters_of(adata, groupby).cat.codes.to_numpy()
    names = np.zeros(adata.n_obs, dtype="U1")
    if capture_key is not None:
        names = captures_of(adata, capture_key).to_numpy(dtype=str)
    droplets = None
    if raw is not None:
        if not isinstance(raw, ad.AnnData):
            raise UserError(
                f"raw is a {type(raw).__name__}, not an AnnData; read the file first, such as with "
                "scanpy.read_10x_h5"
            )
        try:
            raw_counts = find_counts(raw, "X")
        except UserError as error:
            raise UserError(f"raw: {error}") from error
        droplets_of_run = ad.AnnData(raw_counts, obs=raw.obs[[]], var=raw.var)
        soup = soup_of_droplets(droplets_of_run, adata.var, cells=set(adata.obs_names))
        droplets = dict.fromkeys(np.unique(names), soup)
    ambient = estimate_ambient(counts, clusters, captures=names, droplets=droplets)
    for sentence in ambient.warnings:
        log.warning("%s", sentence)
    adata = adata.copy() if copy else adata
    known = ambient.contamination[~np.isnan(ambient.contamination)]
    adata.obs["contamination"] = ambient.contamination.astype(np.float32)
    adata.var["ambient"] = ambient.mean_profile.astype(np.float32)
    if correct:
        adata.layers["corrected"] = correct_counts(counts, ambient, random_state)
    adata.uns["ambient"] = {
        "mean": float(known.mean()) if known.size else float("nan"),
        "source": "cells" if raw is None else "empty droplets",
        "params": plain_params(
            layer=layer, groupby=groupby, capture_key=capture_key, random_state=random_state
        ),
    }
    return adata if copy else None


def integrate(
    adata: ad.AnnData, batch_key: str, *, random_state: int = 0, copy: bool = False
) -> ad.AnnData | None:
    """Align batches in the principal components.

    Micro-clusters of the batches are matched by unbalanced optimal transport, so that a cell type
    which a batch lacks finds no partner and keeps its place, and batches are moved only as far as
    they differ by more than chance. :class:`scsiameseclu.ScSiameseClu` with ``batch_key`` does this
    itself, and moves the latents of its networks by the same matches.

    Parameters
    ----------
    adata
        Cells with ``obsm["X_pca"]``.
    batch_key
        Column of ``obs`` with the batch of each cell.
    random_state
        Seed of the micro-clusters.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following fields, unless there is only one batch:

    ``obsm["X_pca"]``
        Components after alignment, float32 (n_cells, n_pcs).
    ``obsm["X_pca_uncorrected"]``
        Components before. If they exist, they are aligned again.
    ``uns["integration"]``
        By batch: ``batch`` (names, from the largest, which stays in place), ``n_cells``,
        ``strength`` (share of the displacement that chance does not explain; 0: no batch effect)
        and ``matched`` (share of the cells with a partner).

    Raises
    ------
    UserError
        There are no components, or no such column, or it has missing values.

    Examples
    --------
    >>> import scanpy as sc
    >>> import scsiameseclu
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> adata.obs["half"] = ["a", "b"] * 350
    >>> scsiameseclu.pp.integrate(adata, "half")
    >>> [str(name) for name in adata.uns["integration"]["batch"]]
    ['a', 'b']
    """
    seed = check_seed(random_state)
    batches = batches_of(adata, batch_key)
    before = find_representation(adata, UNCORRECTED if UNCORRECTED in adata.obsm else "X_pca")
    part = ad.AnnData(obs=adata.obs[[]], obsm={"X_pca": np.asarray(before, dtype=np.float32)})
    alignment = align_batches(part, batches, seed)
    adata = adata.copy() if copy else adata
    if alignment is not None:
        adata.obsm.update(part.obsm)
        adata.uns[RECORD] = part.uns[RECORD]
    return adata if copy else None


def batch_mixing(
    adata: ad.AnnData,
    batch_key: str,
    *,
    use_rep: str = "X_siamese",
    n_neighbors: int = 30,
    key_added: str = "batch_mixing",
    copy: bool = False,
) -> ad.AnnData | None:
    """How mixed batches are among the neighbours of each cell, relative to chance.

    Parameters
    ----------
    adata
        Cells with a representation.
    batch_key
        Column of ``obs`` with the batch of each cell.
    use_rep
        Representation in ``obsm``.
    n_neighbors
        Number of neighbours.
    key_added
        Name of the column.
    copy
        Return a copy and leave ``adata`` unchanged.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following field:

    ``obs["batch_mixing"]``
        Share of neighbours from other batches over their share among all cells, float32: 0 where
        the cell's batch is apart, about 1 where batches are mixed; NaN with a single batch.

    Raises
    ------
    UserError
        There is no such column or representation.
    """
    check_key(key_added)
    batches = batches_of(adata, batch_key)
    assert batches is not None
    mixing = mixing_of(find_representation(adata, use_rep), batches, n_neighbors)
    adata = adata.copy() if copy else adata
    adata.obs[key_added] = mixing.astype(np.float32)
    return adata if copy else None
