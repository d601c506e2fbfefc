"""What a user calls: fit on an AnnData, embed and predict new cells, save and load."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings

if TYPE_CHECKING:
    import anndata as ad
    import pandas as pd

    from scsiameseclu.model.fitted import FittedModel

log = logging.getLogger(__name__)


class ScSiameseClu:
    """Label-free clustering of single cells by a Siamese network and optimal transport.

    Parameters
    ----------
    n_clusters
        Number of clusters; estimated where None.
    random_state
        Seed of every random choice. On the CPU the same seed and number of threads give the same
        result to the bit.
    device
        ``auto`` (the GPU where there is one), ``cpu`` or ``cuda``.
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
    >>> from scsiameseclu.data.readers import read_counts
    >>> from scsiameseclu.data.request import ReadRequest
    >>> adata = read_counts("demo:a", ReadRequest(), sample="demo")
    >>> model = ScSiameseClu(n_clusters=6, pretrain_steps=20, cluster_steps=0).fit(adata)
    >>> adata.obs["siamese"].nunique()
    6
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        random_state: int = 0,
        device: str = "auto",
        **settings: Any,
    ) -> None:
        if n_clusters is not None and n_clusters < 2:
            raise UserError(f"n_clusters is {n_clusters}; it must be 2 or more, or None")
        self.n_clusters = n_clusters
        self.random_state = random_state
        self.device = device
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
    def model(self) -> "FittedModel":
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

    def fit(self, adata: "ad.AnnData", *, key_added: str = "siamese") -> "ScSiameseClu":
        """Learn an embedding of the cells and cluster them.

        Raw counts are taken from ``layers["counts"]``, else from X. Variable genes, principal
        components and the kNN graph are used as they are where ``var["highly_variable"]``,
        ``obsm["X_pca"]`` and ``obsp["connectivities"]`` exist, and computed where they are missing.

        Sets
        ----
        ``obs["siamese"]``
            Cluster, category of ``"0"`` (largest) … ``"k-1"``.
        ``obs["siamese_confidence"]``
            Probability of that cluster, float32 in [0, 1].
        ``obsm["X_siamese"]``
            Embedding, float32 (n_cells, n_dimensions); rows have length 1.
        ``obsm["siamese_probability"]``
            Probability of every cluster, float32 (n_cells, n_clusters); rows sum to 1.
        ``uns["siamese"]``
            ``n_clusters``, whether it was given, ``sizes``, ``evidence`` for k, ``params`` (JSON).

        Parameters
        ----------
        adata
            Cells x genes. No column of ``obs`` is read but ``batch`` (for variable genes).
        key_added
            Another name in place of ``siamese``.

        Returns
        -------
        Itself.

        Raises
        ------
        UserError
            There are no counts, too few cells, more clusters asked for than cells, or no GPU though
            ``device="cuda"``.
        """
        from scsiameseclu.clusters.assignment import write_clusters
        from scsiameseclu.model.fitting import fit_model

        fitted = fit_model(
            adata,
            n_clusters=self.n_clusters,
            seed=self.random_state,
            device=self.device,
            settings=self.settings,
            expression_settings=self.expression_settings,
            graph_settings=self.graph_settings,
        )
        self._model, self.history = fitted.model, fitted.history
        adata.obsm[f"X_{key_added}"] = fitted.embedding
        probability = self._model.probability(fitted.embedding)
        write_clusters(adata, probability, self._model.summary, key_added)
        return self

    def embed(self, adata: "ad.AnnData") -> np.ndarray:
        """Embed cells, seen or new, from their raw counts; float32 (n_cells, n_dimensions).

        A new cell takes its neighbours from the fitted cells, so its embedding does not depend on
        the other cells in ``adata``.
        """
        return self.model.embed(adata)

    def predict(self, adata: "ad.AnnData") -> np.ndarray:
        """Clusters of cells, seen or new, as strings (n_cells,)."""
        probability = self.model.probability(self.embed(adata))
        return probability.argmax(axis=1).astype(str).astype(object)

    def save(self, directory: str | Path) -> None:
        """Write the model as safetensors, JSON and a list of genes; nothing is pickled."""
        self.model.save(directory)

    @classmethod
    def load(cls, directory: str | Path) -> "ScSiameseClu":
        """Read a model that :meth:`save` wrote."""
        from scsiameseclu.model.fitted import FittedModel

        model = FittedModel.load(directory)
        summary = model.summary
        given = model.n_clusters if summary["n_clusters_given"] else None
        loaded = cls(given, random_state=summary["seed"], **model.settings.to_dict())
        loaded._model = model
        return loaded
