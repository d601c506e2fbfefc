"""What a user calls: fit on an AnnData, embed and predict new cells, save and load."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.fitting import cluster_cells, fit_model
from scsiameseclu.model.preparation import prepare
from scsiameseclu.model.slots import write_clusters
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings

log = logging.getLogger(__name__)


class ScSiameseClu:
    """Label-free clustering of single cells by a Siamese network and optimal transport.

    Parameters
    ----------
    n_clusters
        A number, a range to choose from (``(8, 15)`` or ``"8-15"``), or None to have it estimated.
    random_state
        Seed of every random choice. On the CPU the same seed and number of threads give the same
        result to the bit.
    device
        ``auto`` (the GPU where there is one), ``cpu`` or ``cuda``.
    logged
        ``adata.X`` is log-normalised, and there are no counts: the decoder then rebuilds scaled
        expression (Gaussian, ``likelihood="none"``) instead of counts.
    **settings
        Fields of :class:`scsiameseclu.settings.ModelSettings` (``pretrain_steps=100``), of
        :class:`~scsiameseclu.settings.ExpressionSettings` (``n_top_genes=3000``) and of
        :class:`~scsiameseclu.settings.GraphSettings` (``n_neighbors=30``).

    Raises
    ------
    UserError
        A setting is unknown or out of range.

    Examples
    --------
    >>> from scsiameseclu import ScSiameseClu
    >>> from scsiameseclu.io.readers import read_counts
    >>> from scsiameseclu.io.request import ReadRequest
    >>> adata = read_counts("demo:a", ReadRequest(), sample="demo")
    >>> model = ScSiameseClu(n_clusters=6, pretrain_steps=20, cluster_steps=0).fit(adata)
    >>> adata.obs["siamese"].nunique()
    6
    """

    def __init__(
        self,
        n_clusters: int | str | tuple[int, int] | None = None,
        *,
        random_state: int = 0,
        device: str = "auto",
        logged: bool = False,
        **settings: Any,
    ) -> None:
        self.number = ClusterNumber.parse(n_clusters)
        self.random_state = random_state
        self.device = device
        self.logged = logged
        if logged and settings.setdefault("likelihood", "none") != "none":
            raise UserError(
                f"logged values have no {settings['likelihood']} likelihood; leave likelihood out"
            )
        kinds = (ModelSettings, ExpressionSettings, GraphSettings)
        parts = [{k: v for k, v in settings.items() if k in c.__dataclass_fields__} for c in kinds]
        unknown = set(settings) - {name for part in parts for name in part}
        if unknown:
            known = ", ".join(n for c in kinds for n in c.__dataclass_fields__)
            raise UserError(f"unknown setting {', '.join(sorted(unknown))}; there are {known}")
        self.settings = ModelSettings(**parts[0])
        self.expression_settings = ExpressionSettings(**parts[1])
        self.graph_settings = GraphSettings(**parts[2])
        self._model: FittedModel | None = None
        self.history: pd.DataFrame | None = None

    @property
    def model(self) -> FittedModel:
        """The fitted model.

        Raises
        ------
        UserError
            There is none yet.
        """
        if self._model is None:
            raise UserError(
                "this ScSiameseClu is not fitted yet; call fit(adata) or load(directory)"
            )
        return self._model

    @property
    def n_clusters(self) -> int:
        """Number of clusters that were found; see :attr:`model` for errors."""
        return self.model.n_clusters

    def fit(
        self,
        adata: ad.AnnData,
        *,
        key_added: str = "siamese",
        checkpoint: str | Path | None = None,
    ) -> ScSiameseClu:
        """Learn an embedding of the cells and cluster them.

        Raw counts are taken from ``layers["counts"]``, else from X (with ``logged``, log-normalised
        values from X). Variable genes, principal
        components and the kNN graph are used as they are where ``var["highly_variable"]``,
        ``obsm["X_pca"]`` and ``obsp["connectivities"]`` exist, and computed where they are missing.

        Sets
        ----
        ``obs["siamese"]``
            Cluster, category of ``"0"`` (largest) … ``"k-1"``.
        ``obs["siamese_confidence"]``
            Share of the ensemble's votes for that cluster, float32 in [0, 1].
        ``obs["siamese_ambiguous"]``
            Whether that is below 0.5, bool.
        ``obs["siamese_coarse"]``, ``obs["siamese_fine"]``
            Unions of clusters, and clusters split (``"3.1"``) where a finer clustering splits them.
        ``obsm["X_siamese"]``
            Embedding, float32 (n_cells, n_dimensions); rows have length 1.
        ``obsm["siamese_probability"]``
            Probability of every cluster, float32 (n_cells, n_clusters); rows sum to 1.
        ``uns["siamese"]``
            ``n_clusters``, whether it was given, ``sizes``, ``stability`` of each cluster over the
            ensemble, the members' ``agreement``, ``evidence`` for k, ``params`` (JSON).

        Parameters
        ----------
        adata
            Cells x genes. No column of ``obs`` is read but ``batch`` (for variable genes).
        key_added
            Another name in place of ``siamese``.
        checkpoint
            A file to keep the training's state in, every minute and when SIGTERM arrives. A later
            fit of the same data with the same settings goes on from there, on the CPU to the same
            bytes. The file stays when the fit is done.

        Returns
        -------
        Itself.

        Raises
        ------
        UserError
            There are no counts, too few cells, more clusters asked for than cells, or no GPU though
            ``device="cuda"``.
        """
        fitted = fit_model(
            prepare(
                *(adata, self.expression_settings, self.graph_settings, self.random_state),
                logged=self.logged,
            ),
            number=self.number,
            seed=self.random_state,
            device=self.device,
            settings=self.settings,
            checkpoint=None if checkpoint is None else Path(checkpoint),
        )
        self._model, self.history = fitted.model, fitted.history
        adata.obsm[f"X_{key_added}"] = fitted.embedding
        found = fitted.clustering
        write_clusters(
            adata, found.probability, found.coarse, found.fine, self._model.summary, key_added
        )
        return self

    def recluster(
        self,
        adata: ad.AnnData,
        n_clusters: int | str | tuple[int, int] | None = None,
        *,
        key_added: str = "siamese",
    ) -> ScSiameseClu:
        """Cluster the fitted cells again with another number of clusters; nothing is trained.

        Parameters
        ----------
        adata
            That was fitted: its ``obsm["X_siamese"]`` is read, and the slots of clusters are set
            anew.
        n_clusters
            As for the class.
        key_added
            The name that :meth:`fit` was given.

        Returns
        -------
        Itself; :meth:`predict` gives the new clusters.

        Raises
        ------
        UserError
            There is no embedding in ``adata``.
        """
        slot = f"X_{key_added}"
        if slot not in adata.obsm:
            raise UserError(f'adata.obsm has no "{slot}"; call fit(adata) first')
        self.number = ClusterNumber.parse(n_clusters)
        model = self.model
        found = cluster_cells(model.trained, adata.obsm[slot], self.number, self.random_state)
        model = self._model = FittedModel.of(model.trained, found)
        write_clusters(adata, found.probability, found.coarse, found.fine, model.summary, key_added)
        return self

    def embed(self, adata: ad.AnnData) -> np.ndarray:
        """Embed cells, seen or new, from their raw counts; float32 (n_cells, n_dimensions).

        A new cell takes its neighbours from the fitted cells, so its embedding does not depend on
        the other cells in ``adata``.
        """
        return self.model.embed(adata)

    def predict(self, adata: ad.AnnData) -> np.ndarray:
        """Clusters of cells, seen or new, as strings (n_cells,)."""
        probability = self.model.probability(self.embed(adata))
        return probability.argmax(axis=1).astype(str).astype(object)

    def save(self, directory: str | Path) -> None:
        """Write the model as safetensors, JSON and a list of genes; nothing is pickled."""
        self.model.save(directory)

    @classmethod
    def load(cls, directory: str | Path) -> ScSiameseClu:
        """Read a model that :meth:`save` wrote."""
        model = FittedModel.load(directory)
        trained, summary = model.trained, model.summary
        asked = summary["n_clusters_asked"]
        loaded = cls(
            None if asked == "estimated" else asked,
            random_state=summary["seed"],
            device=trained.device,
            logged=trained.scaling.logged,
            **trained.settings.to_dict(),
            **trained.expression_settings.to_dict(),
            **trained.graph_settings.to_dict(),
        )
        loaded._model = model
        return loaded
