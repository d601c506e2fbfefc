"""The estimator: fit on an AnnData, embed and predict new cells, save and load."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils.metadata_routing import UNUSED

from scsiameseclu._inputs import check_embedding_key, prior_of
from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.model.estimator_files import (
    Saved,
    read_estimator,
    write_estimator,
)
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.fitting import check_number, cluster_cells, fit_model
from scsiameseclu.model.parameters import (
    params_of,
    record_of,
    seed_of,
    settings_of,
    warn_of_fewer,
    warn_of_ignored,
)
from scsiameseclu.model.preparation import aligns, prepare, reused_slots
from scsiameseclu.model.slots import write_clusters
from scsiameseclu.model.storage import check_writable, reading, seal
from scsiameseclu.preprocess.batches import batches_of
from scsiameseclu.preprocess.matrices import find_representation
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings


class ScSiameseClu(ClusterMixin, BaseEstimator):
    """Label-free clustering of single cells by Siamese networks and optimal transport.

    A scikit-learn estimator whose data are an AnnData. Parameters are checked by :meth:`fit`.

    Parameters
    ----------
    n_clusters
        A number, a range to choose from (``(8, 15)`` or ``"8-15"``), or None to estimate it.
    random_state
        Seed of every random choice. On the CPU the same seed and number of threads give identical
        results.
    device
        ``"auto"`` (the GPU if there is one), ``"cpu"`` or ``"cuda"``.
    layer
        Layer of the counts, or ``"X"``; by default ``layers["counts"]`` if there is one, else X.
    batch_key
        Column of ``obs`` with the batch of each cell. Where there are two or more, batches are
        aligned (see ``integration``), and highly variable genes are chosen within batches if each
        has at least 50 cells.
    use_rep
        Representation in ``obsm`` to use in place of ``X_pca``, such as one corrected for batches.
    logged
        The values are log-normalised, and there are no counts: ``layer``, by default X, is used as
        it is, and the networks reconstruct scaled expression in place of counts.
    n_top_genes
        Number of highly variable genes.
    n_pcs
        Number of principal components.
    max_value
        Scaled expression is clipped at this value before PCA.
    integration
        ``"auto"`` aligns the batches of ``batch_key`` in the principal components and in every
        network's latents, as far as they differ by more than chance; a cell type that a batch
        lacks finds no partner and keeps its place. ``"none"`` leaves batches as they are. With
        ``use_rep`` nothing is aligned.
    n_neighbors
        Number of neighbours of each cell in the kNN graph.
    metric
        Distance between cells, ``"euclidean"`` or ``"cosine"``.
    networks, latent_size, hidden_size
        Number of networks in the ensemble, dimensions of each latent, width of the hidden layers.
        None takes the value of ``settings``; this holds for all parameters that follow.
    pretrain_steps, batch_size, learning_rate
        Number of mini-batches per network, cells per mini-batch, step size of Adam.
    temperature
        Entropic regularisation of the transport, in units of cosine similarity; larger is softer.
    max_clusters
        Largest number of clusters tried when ``n_clusters`` is None.
    settings
        All settings of networks, training and clustering; the defaults of
        :class:`~scsiameseclu.settings.ModelSettings` if None. The parameters above win over it.

    Attributes
    ----------
    labels_
        Cluster of each fitted cell, 0 for the largest, int (n_cells,).
    n_clusters_
        Number of clusters found.
    history_
        Losses during training, one row every few mini-batches (DataFrame).
    model_
        The fitted networks and clusters (:class:`~scsiameseclu.model.fitted.FittedModel`).

    Examples
    --------
    >>> import scsiameseclu
    >>> adata = scsiameseclu.datasets.pbmc("a")
    >>> model = scsiameseclu.ScSiameseClu(n_clusters=6, pretrain_steps=20).fit(adata)
    >>> model
    ScSiameseClu(n_clusters=6, pretrain_steps=20)
    >>> adata.obs["siamese"].nunique()
    6
    >>> new = scsiameseclu.datasets.pbmc("b")
    >>> model.predict(new).shape
    (350,)
    """

    # scikit-learn's routing of sample weights and the like does not apply to an AnnData
    __metadata_request__fit: ClassVar = dict.fromkeys(("adata", "key_added", "checkpoint"), UNUSED)
    __metadata_request__predict: ClassVar = dict.fromkeys(("adata", "key_added"), UNUSED)
    __metadata_request__transform: ClassVar = {"adata": UNUSED}

    labels_: np.ndarray
    history_: pd.DataFrame
    model_: FittedModel
    _params: dict[str, Any]

    def __init__(
        self,
        n_clusters: int | str | tuple[int, int] | None = None,
        *,
        random_state: int = 0,
        device: str = "auto",
        layer: str | None = None,
        batch_key: str | None = None,
        use_rep: str | None = None,
        logged: bool = False,
        n_top_genes: int = ExpressionSettings.n_top_genes,
        n_pcs: int = ExpressionSettings.n_pcs,
        max_value: float = ExpressionSettings.max_value,
        integration: str = ExpressionSettings.integration,
        n_neighbors: int = GraphSettings.n_neighbors,
        metric: str = GraphSettings.metric,
        networks: int | None = None,
        latent_size: int | None = None,
        hidden_size: int | None = None,
        pretrain_steps: int | None = None,
        batch_size: int | None = None,
        learning_rate: float | None = None,
        temperature: float | None = None,
        max_clusters: int | None = None,
        settings: ModelSettings | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.random_state = random_state
        self.device = device
        self.layer = layer
        self.batch_key = batch_key
        self.use_rep = use_rep
        self.logged = logged
        self.n_top_genes = n_top_genes
        self.n_pcs = n_pcs
        self.max_value = max_value
        self.integration = integration
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.networks = networks
        self.latent_size = latent_size
        self.hidden_size = hidden_size
        self.pretrain_steps = pretrain_steps
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.temperature = temperature
        self.max_clusters = max_clusters
        self.settings = settings

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    @property
    def n_clusters_(self) -> int:
        """Number of clusters found."""
        return self._fitted().n_clusters

    def fit(
        self,
        adata: ad.AnnData,
        *,
        key_added: str = "siamese",
        checkpoint: str | Path | None = None,
    ) -> ScSiameseClu:
        """Learn an embedding of the cells and cluster them.

        Highly variable genes, principal components and the kNN graph are used as they are if
        ``var["highly_variable"]``, ``obsm["X_pca"]`` and ``obsp["connectivities"]`` exist, and
        computed otherwise. A graph of another representation than ``use_rep`` (by default
        ``X_pca``) is not used. X and the layers are not changed, and no column of ``obs`` but
        ``batch_key`` is read.

        Where batches are aligned and there is no ``X_pca``, it is set to the components after
        alignment. An existing ``X_pca`` without ``X_pca_uncorrected`` is aligned for the fit only:
        it stays as it is, as does a graph of it, which is then not used.

        Parameters
        ----------
        adata
            Cells x genes, in memory, with raw counts (or log-normalised values, see ``logged``).
        key_added
            Name of the slots, in place of ``siamese``.
        checkpoint
            File in which the state of the training is kept, every minute and when SIGTERM arrives.
            A later fit of the same data with the same settings resumes from it, on the CPU with
            identical results. The file is not removed.

        Returns
        -------
        The fitted estimator. Sets the following fields of ``adata``:

        ``obs["siamese"]``
            Cluster, category of ``"0"`` (largest) to ``"k-1"``.
        ``obs["siamese_confidence"]``
            Probability of that cluster, from the ensemble's votes, float32 in [0, 1].
        ``obs["siamese_ambiguous"]``
            Whether the confidence is below 0.5, bool.
        ``obs["siamese_coarse"]``, ``obs["siamese_fine"]``
            Unions of clusters, and clusters split (``"3.1"``) where a finer clustering splits them,
            categories.
        ``obsm["X_siamese"]``
            Embedding, float32 (n_cells, n_dimensions); rows have length 1.
        ``obsm["siamese_probability"]``
            Probability of each cluster, float32 (n_cells, n_clusters); rows sum to 1.
        ``uns["siamese"]``
            ``n_clusters`` (int), ``n_clusters_given`` (bool), ``n_clusters_asked`` (str), ``sizes``
            (int64, n_clusters), ``stability`` of each cluster over the ensemble (float64,
            n_clusters), ``alternatives`` (dict: ``merge_with``, the cluster that each may be part
            of, ``merge_support`` and ``split_support``, the share of the ensemble that agrees
            better after that union, and after a split into fine clusters), ``agreement`` of its
            members (float), ``n_members`` (int), ``evidence`` (dict of ``k``, ``score`` and
            ``criterion``) and ``params`` (dict; its ``reused`` names
            the slots that were used as they are).
        ``uns["siamese_colors"]``
            Colours of the clusters, as scanpy's plots use them.
        ``var["highly_variable"]``, ``obsm["X_pca"]``, ``obsp["connectivities"]`` …
            What was missing, with ``varm["PCs"]``, ``uns["pca"]``, ``obsp["distances"]`` and
            ``uns["neighbors"]``.
        ``obsm["X_pca_uncorrected"]``, ``uns["integration"]``
            Where batches were aligned in a new ``X_pca``: the components before, and ``batch``
            (names, from the largest, which stays in place), ``n_cells``, ``strength`` (share of the
            displacement that chance does not explain; 0: no batch effect) and ``matched`` (share of
            the cells with a partner) by batch.

        Raises
        ------
        UserError
            A parameter is out of range; ``adata`` has no counts, too few cells, or fewer cells than
            requested clusters; a variable gene's name is repeated; the embedding would replace the
            representation it is computed from; or there is no GPU though ``device="cuda"``.
        """
        _require_anndata(adata)
        number = ClusterNumber.parse(self.n_clusters)
        params = self.get_params(deep=False)
        settings, expression_settings, graph_settings = settings_of(params)
        seed = seed_of(params)
        check_number(number, adata.n_obs)
        check_embedding_key(key_added, self.use_rep)
        aligned = aligns(adata, expression_settings, self.batch_key, self.use_rep)
        reused = reused_slots(adata, self.use_rep, aligned=aligned)
        warn_of_ignored((expression_settings, graph_settings), reused)
        prepared = prepare(
            adata,
            expression_settings,
            graph_settings,
            seed,
            logged=self.logged,
            layer=self.layer,
            batch_key=self.batch_key,
            use_rep=self.use_rep,
        )
        fitted = fit_model(
            prepared,
            number=number,
            seed=seed,
            device=self.device,
            settings=settings,
            checkpoint=None if checkpoint is None else Path(checkpoint),
        )
        self.model_, self.history_ = fitted.model, fitted.history
        self.labels_ = fitted.clustering.labels
        warn_of_fewer(number, self.n_clusters_)
        self._params = record_of(
            params, number, (settings, expression_settings, graph_settings), reused
        )
        adata.obsm[f"X_{key_added}"] = fitted.embedding
        write_clusters(
            adata,
            fitted.clustering.probability,
            fitted.clustering.coarse,
            fitted.clustering.fine,
            self._summary(),
            key_added,
        )
        return self

    def fit_predict(
        self,
        adata: ad.AnnData,
        *,
        key_added: str = "siamese",
        checkpoint: str | Path | None = None,
    ) -> np.ndarray:
        """:meth:`fit`, and return the clusters of the cells, int (n_cells,)."""
        return self.fit(adata, key_added=key_added, checkpoint=checkpoint).labels_

    def recluster(
        self,
        adata: ad.AnnData,
        n_clusters: int | str | tuple[int, int] | None = None,
        *,
        key_added: str = "siamese",
        prior_key: str | None = None,
    ) -> ScSiameseClu:
        """Cluster the fitted cells again, with another number or a prior, without training.

        Parameters
        ----------
        adata
            The fitted cells, with their ``obsm["X_siamese"]``.
        n_clusters
            As for the class, whose parameter it replaces.
        key_added
            The name that :meth:`fit` was given.
        prior_key
            Column of ``obs`` with a partition of the cells by prior knowledge, such as the
            ``cell_type_by_cell`` of :func:`scsiameseclu.tl.annotate`, which votes beside the
            ensemble with half its weight. Clusters made with it are no longer independent of it:
            never name the labels that they are to be compared with.

        Returns
        -------
        The estimator, with the new clusters. Sets the fields of ``obs``, ``uns`` and
        ``obsm["siamese_probability"]`` that :meth:`fit` sets.

        Raises
        ------
        UserError
            ``adata`` has no embedding, or one of another model; or the column ``prior_key`` does
            not exist, has missing values, is no partition, or is made of these clusters.
        """
        model = self._fitted()
        _require_anndata(adata)
        slot = f"X_{key_added}"
        if slot not in adata.obsm:
            raise UserError(f'adata.obsm has no "{slot}"; call fit(adata) first')
        embedding = find_representation(adata, slot)
        n_cells, n_dimensions = len(embedding), model.trained.layout.n_dimensions
        if embedding.shape[1] != n_dimensions:
            raise UserError(
                f'adata.obsm["{slot}"] is not of this model, whose embedding has {n_dimensions} '
                "dimensions; call fit(adata) first"
            )
        if hasattr(self, "labels_") and n_cells != self.labels_.size:
            raise UserError(
                f"adata has {n_cells} cells, and the model was fitted to {self.labels_.size}; give "
                "the fitted cells, or predict(adata) for others"
            )
        number = ClusterNumber.parse(n_clusters)
        clustering = cluster_cells(
            model.trained,
            embedding,
            number,
            seed_of(self.get_params()),
            prior=None if prior_key is None else prior_of(adata.obs, prior_key, key_added),
        )
        self.model_ = FittedModel.of(model.trained, clustering)
        self.n_clusters, self.labels_ = n_clusters, clustering.labels
        warn_of_fewer(number, self.n_clusters_)
        self._params = self._params | {"n_clusters": str(number), "prior_key": prior_key}
        write_clusters(
            adata,
            clustering.probability,
            clustering.coarse,
            clustering.fine,
            self._summary(),
            key_added,
        )
        return self

    def embed(self, adata: ad.AnnData) -> np.ndarray:
        """Embed cells, fitted or new, from their counts; ``adata`` is not changed.

        A new cell takes its neighbours from the fitted cells, so its embedding does not depend on
        the other cells in ``adata``.

        Where the fitted batches were aligned, it does: batches are named by ``obs[batch_key]`` (all
        cells are one new batch if there is no such column). Cells of a fitted batch are moved as
        that batch was; another batch is aligned as a whole with the fitted cells, from 40 cells on.

        Returns
        -------
        float32 (n_cells, n_dimensions); rows have length 1.

        Raises
        ------
        UserError
            ``adata`` lacks genes of the model or has them twice, or lacks counts.
        """
        model = self._fitted()
        _require_anndata(adata)
        return model.embed(adata, layer=self.layer, batches=self._batches(adata))

    def transform(self, adata: ad.AnnData) -> np.ndarray:
        """The name of :meth:`embed` in scikit-learn."""
        return self.embed(adata)

    def predict(self, adata: ad.AnnData, *, key_added: str = "siamese") -> np.ndarray:
        """Embed cells, fitted or new, and assign them to the clusters.

        Parameters
        ----------
        adata
            Cells with the genes of the fit and the same kind of values.
        key_added
            Name of the slots, in place of ``siamese``.

        Returns
        -------
        Clusters, int (n_cells,). Sets the fields that :meth:`fit` sets, except
        ``obs["siamese_fine"]``, which is defined for fitted cells only and removed if it exists.

        Raises
        ------
        UserError
            ``adata`` lacks genes of the model or has them twice, or lacks counts.
        """
        check_embedding_key(key_added, self.use_rep)
        embedding = self.embed(adata)
        model = self._fitted()
        probability = model.probability(embedding)
        labels = probability.argmax(axis=1)
        adata.obsm[f"X_{key_added}"] = embedding
        coarse = np.asarray(model.summary["coarse"])[labels]
        write_clusters(adata, probability, coarse, None, self._summary(), key_added)
        return labels

    def save(self, directory: str | Path) -> None:
        """Write the fitted estimator to a folder: safetensors, JSON and tables, no pickle."""
        check_writable(directory)
        self._fitted().save(directory)
        saved = Saved(
            self.get_params(deep=False),
            self._params,
            getattr(self, "history_", None),
            getattr(self, "labels_", None),
        )
        write_estimator(directory, saved)
        seal(Path(directory))

    @classmethod
    def load(cls, directory: str | Path) -> ScSiameseClu:
        """Read an estimator that :meth:`save` wrote, or a model of the pipeline.

        A model of the pipeline has neither ``labels_`` nor ``history_``; its settings are in
        ``settings``.

        Raises
        ------
        UserError
            A file is missing or damaged.
        """
        model = FittedModel.load(directory)
        saved = read_estimator(directory)
        with reading(Path(directory)):
            loaded = cls(**(params_of(model) if saved is None else saved.params))
        loaded.model_ = model
        loaded._params = model.summary["params"] if saved is None else saved.fitted
        if saved is not None and saved.history is not None:
            loaded.history_ = saved.history
        if saved is not None and saved.labels is not None:
            loaded.labels_ = saved.labels
        return loaded

    def _batches(self, adata: ad.AnnData) -> np.ndarray | None:
        """Batches of cells to embed, by name."""
        if self.batch_key is None or self.batch_key not in adata.obs:
            return None
        return np.asarray(batches_of(adata, self.batch_key), dtype=str)

    def _fitted(self) -> FittedModel:
        if not hasattr(self, "model_"):
            raise NotFittedError(
                "this ScSiameseClu is not fitted yet; call fit(adata) or load(directory) first"
            )
        return self.model_

    def _summary(self) -> dict[str, Any]:
        """What :func:`write_clusters` writes to ``uns``."""
        return self._fitted().summary | {"params": self._params}


def _require_anndata(adata: object) -> None:
    if not isinstance(adata, ad.AnnData):
        raise UserError(f"adata must be an AnnData, not {type(adata).__name__}; convert it")
