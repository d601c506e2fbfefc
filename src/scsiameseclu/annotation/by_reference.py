"""Cell types of new cells from an annotated reference, in the embedding of a model fitted to it.

Each type of the reference becomes up to ten anchors, the k-means centres of its cells. The new
cells are transported to the anchors with the cosine similarity as gain, entropic regularisation
0.05, and learned proportions: the transport is semi-relaxed, as that of the clusters is
(:mod:`scsiameseclu.clustering.members`), so the types may have other proportions in the query than
in the reference. The anchors themselves stay fixed. A cell less similar to its nearest anchor than
98 % of the held-out cells of the reference are to theirs is Unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

from scsiameseclu.annotation.anchors import Anchors, directions
from scsiameseclu.annotation.cell_types import UNKNOWN
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames, Match, check_overlap, match_genes
from scsiameseclu.model.estimator import ScSiameseClu
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.preprocess.matrices import find_counts

FOLDS = 5
UNKNOWN_QUANTILE = 0.02  # share of held-out reference cells that would be Unknown
MIN_PROBABILITY = 0.5


class LabelTransfer:
    """Transfers the types of an annotated reference to other cells in the same embedding.

    Parameters
    ----------
    random_state
        Seed of the anchors.

    Attributes
    ----------
    types
        Names of the types, in the order of the columns of :meth:`probability`.
    n_cells
        Number of the reference's cells that have a type.
    min_similarity
        Cosine similarity to the nearest anchor below which a cell is Unknown: the 2 % quantile of
        the reference's cells, each held out in turn (five folds).
    """

    types: list[str]
    n_cells: int
    min_similarity: float

    def __init__(self, *, random_state: int = 0) -> None:
        self.random_state = random_state

    def fit(self, embedding: np.ndarray, labels: pd.Series | np.ndarray) -> LabelTransfer:
        """Compute the anchors of the reference.

        Parameters
        ----------
        embedding
            Embedding of the reference's cells, (n_cells, n_dimensions).
        labels
            Their types, (n_cells,); cells without one (missing or empty) are left out.

        Raises
        ------
        UserError
            Fewer than two types.
        """
        named = pd.Series(np.asarray(labels, dtype=object))
        known = (named.notna() & (named.astype(str).str.strip() != "")).to_numpy()
        names = named[known].astype(str).to_numpy()
        self.types, self.n_cells = sorted(set(names)), len(names)
        check_types(self.types)
        cells = directions(np.asarray(embedding)[known])
        self._fit_types(cells, np.searchsorted(self.types, names))
        return self

    def _fit_types(self, cells: np.ndarray, numbers: np.ndarray) -> None:
        """Fit to unit rows (n_cells, n_dimensions) and the numbers of their types (n_cells,)."""
        self._anchors = Anchors.fit(cells, numbers, len(self.types), self.random_state)
        self.min_similarity = self._calibrate(cells, numbers)

    def _calibrate(self, cells: np.ndarray, numbers: np.ndarray) -> float:
        folds = KFold(min(FOLDS, len(cells)), shuffle=True, random_state=self.random_state)
        similarity = np.empty(len(cells))
        for fitted, held_out in folds.split(cells):
            anchors = Anchors.fit(
                cells[fitted], numbers[fitted], len(self.types), self.random_state
            )
            similarity[held_out] = anchors.similarity(cells[held_out])
        return float(np.quantile(similarity, UNKNOWN_QUANTILE))

    def probability(self, embedding: np.ndarray) -> np.ndarray:
        """Probability of each type, float32 (n_cells, n_types).

        It depends on the other cells of the query, from which the proportions are learned.
        """
        return self._type_probability(directions(np.asarray(embedding))).astype(np.float32)

    def _type_probability(self, cells: np.ndarray) -> np.ndarray:
        shares = self._anchors.shares(cells, self.random_state)
        return self._anchors.probability(cells, shares, len(self.types))

    def predict(self, embedding: np.ndarray) -> pd.DataFrame:
        """Types of cells, in the order of the cells.

        Returns
        -------
        ``cell_type`` (``"Unknown"`` if the cell is unlike all reference cells or no type has a
        probability of 0.5), ``best`` (the most probable type in any case), ``probability`` and
        ``similarity`` (cosine similarity to the nearest anchor).
        """
        probability = self.probability(embedding)
        similarity = self._anchors.similarity(directions(np.asarray(embedding)))
        best = np.array(self.types, dtype=object)[probability.argmax(axis=1)]
        known = (similarity >= self.min_similarity) & (probability.max(axis=1) >= MIN_PROBABILITY)
        return pd.DataFrame(
            {
                "cell_type": np.where(known, best, UNKNOWN),
                "best": best,
                "probability": probability.max(axis=1),
                "similarity": similarity.astype(np.float32),
            }
        )


@dataclass(frozen=True)
class Transferred:
    """Labels of a query, and how they came about.

    Attributes
    ----------
    cells
        As :meth:`LabelTransfer.predict` returns them, with the query's ``obs_names`` as index.
    overlap
        Share of the model's genes that the query has, 0 to 1.
    matched_by
        ``"gene ids"`` or ``"gene symbols"``.
    types
        Types of the reference.
    n_cells
        Number of cells of the reference that have a type.
    min_similarity
        As of :class:`LabelTransfer`.
    """

    cells: pd.DataFrame
    overlap: float
    matched_by: str
    types: list[str]
    n_cells: int
    min_similarity: float


def transfer_labels(
    reference: ad.AnnData,
    query: ad.AnnData,
    label: str,
    *,
    layer: str | None = None,
    batch_key: str | None = None,
    random_state: int = 0,
    device: str = "auto",
) -> Transferred:
    """Transfer the types of an annotated reference to the cells of a query.

    A model is fitted to the reference without its types, in the genes that both have, and embeds
    the query. The inputs are not changed.

    Parameters
    ----------
    reference, query
        Raw counts. Genes are matched by ids or symbols (see
        :meth:`scsiameseclu.genes.matching.GeneNames.of`).
    label
        Column of ``reference.obs`` with the types.
    layer
        Layer of the counts of both; by default ``layers["counts"]`` if there is one, else X.
    batch_key
        Column of ``reference.obs`` with its batches; see :class:`scsiameseclu.ScSiameseClu`.
    random_state
        Seed of the model and the anchors.
    device
        See :class:`scsiameseclu.ScSiameseClu`.

    Raises
    ------
    UserError
        The reference lacks the column, or the query has less than a fifth of its genes.
    """
    if label not in reference.obs:
        columns = ", ".join(map(str, reference.obs.columns[:8]))
        raise UserError(f"the reference has no column {label!r}; available: {columns}")
    wanted, available = GeneNames.of(reference.var), GeneNames.of(query.var)
    shared = match_genes(wanted, available)
    check_overlap(shared, wanted, available, "the reference", "the query")
    chosen = shared.positions >= 0
    genes = wanted.at(np.flatnonzero(chosen))
    cells = ad.AnnData(
        find_counts(reference, layer)[:, chosen],
        obs=reference.obs[[] if batch_key is None else [batch_key]],
    )
    model = fit_reference(cells, seed=random_state, batch_key=batch_key, device=device)
    positions = cells.var_names.get_indexer(model.scaling.genes)
    embedding, match = embed_query(model, genes, positions, query, layer=layer)
    transfer = LabelTransfer(random_state=random_state)
    transfer.fit(cells.obsm["X_siamese"], reference.obs[label])
    types = transfer.predict(embedding)
    types.index = query.obs_names
    return Transferred(
        types,
        match.overlap,
        match.by,
        transfer.types,
        transfer.n_cells,
        transfer.min_similarity,
    )


def fit_reference(
    cells: ad.AnnData,
    *,
    seed: int,
    batch_key: str | None = None,
    device: str = "auto",
    checkpoint: Path | None = None,
) -> FittedModel:
    """Fit a model to a reference's cells; sets ``obsm["X_siamese"]``. No type is read."""
    estimator = ScSiameseClu(random_state=seed, batch_key=batch_key, device=device)
    return estimator.fit(cells, checkpoint=checkpoint).model_


def embed_query(
    model: FittedModel,
    genes: GeneNames,
    positions: np.ndarray,
    query: ad.AnnData,
    *,
    layer: str | None = None,
    reference: str = "the reference",
    query_name: str = "the query",
) -> tuple[np.ndarray, Match]:
    """Embed new cells whose genes may have other names.

    Parameters
    ----------
    genes
        Names of all genes of the reference: size factors are of those that the query has too.
    positions
        Positions of the model's genes among them, (n_model_genes,).
    query
        Raw counts.
    layer
        Layer of the query's counts; by default ``layers["counts"]`` if there is one, else X.
    reference, query_name
        What an error calls the two.

    Returns
    -------
    embedding
        (n_cells, n_dimensions).
    match
        Which of the model's genes the query has.

    Raises
    ------
    UserError
        The query has less than a fifth of the genes.
    """
    available = GeneNames.of(query.var)
    shared = match_genes(genes, available)
    match = shared.of(positions)
    check_overlap(match, genes, available, reference, query_name)
    counts = find_counts(query, layer)
    totals = np.asarray(counts[:, shared.positions[shared.positions >= 0]].sum(axis=1)).ravel()
    return model.embed(query, match.positions, totals, layer=layer), match


def check_types(types: Sequence[str] | pd.Series) -> None:
    """Raise if a reference has fewer than two types."""
    number = pd.Series(types, dtype=object).nunique()
    if number < 2:
        raise UserError(f"the reference has {number} types with cells; label transfer needs two")
