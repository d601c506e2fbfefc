"""Cell types of new cells from an annotated reference, in the embedding of a model fitted to it.

Each type of the reference becomes up to ten anchors, the k-means centres of its cells. The new
cells are transported to the anchors with the cosine as gain, entropic regularisation 0.05, and
proportions that are learned: the transport is semi-relaxed, as that of the clusters is
(:mod:`scsiameseclu.clustering.members`), so a query may have other shares of the types than the
reference. The anchors themselves stay where they are. A cell whose nearest anchor is farther than
almost any held-out cell of the reference lies from its own is Unknown.

k nearest neighbours and logistic regression in the same embedding are there to compare with.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsClassifier

from scsiameseclu.annotation.anchors import Anchors, directions
from scsiameseclu.annotation.cell_types import UNKNOWN
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames, Match, check_overlap, match_genes
from scsiameseclu.model.estimator import ScSiameseClu
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.preprocess.matrices import find_counts

METHODS = ("transport", "neighbours", "logistic")
N_NEIGHBOURS = 15
FOLDS = 5
UNLIKE = 0.02  # share of held-out reference cells that would be Unknown
LEAST_PROBABILITY = 0.5


class LabelTransfer:
    """Carries the types of an annotated reference over to other cells.

    Parameters
    ----------
    method
        ``"transport"``, or for comparison ``"neighbours"`` (15) or ``"logistic"`` (regression).
    random_state
        Seed of the anchors.

    Attributes
    ----------
    types
        Names of the types, in the order of the columns of :meth:`probability`.
    least_likeness
        Cosine with the nearest anchor below which a cell is Unknown: the quantile 0.02 of the
        reference's own cells, each held out in turn (five folds).
    """

    types: list[str]
    least_likeness: float

    def __init__(self, method: str = "transport", *, random_state: int = 0) -> None:
        if method not in METHODS:
            raise UserError(f"method is {method!r}; choose one of {', '.join(METHODS)}")
        self.method, self.random_state = method, random_state

    def fit(self, embedding: np.ndarray, labels: pd.Series | np.ndarray) -> LabelTransfer:
        """Take up the reference.

        Parameters
        ----------
        embedding
            Of the reference's cells, (n_cells, n_dimensions).
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
        self.types = sorted(set(names))
        check_types(self.types)
        cells = directions(np.asarray(embedding)[known])
        numbers = np.searchsorted(self.types, names)
        self._anchors = Anchors.fit(cells, numbers, len(self.types), self.random_state)
        self.least_likeness = self._calibrated(cells, numbers)
        if self.method != "transport":
            self._classifier = _classifier(self.method).fit(cells, numbers)
        return self

    def _calibrated(self, cells: np.ndarray, numbers: np.ndarray) -> float:
        folds = KFold(min(FOLDS, len(cells)), shuffle=True, random_state=self.random_state)
        likeness = np.empty(len(cells))
        for rest, out in folds.split(cells):
            anchors = Anchors.fit(cells[rest], numbers[rest], len(self.types), self.random_state)
            likeness[out] = anchors.likeness(cells[out])
        return float(np.quantile(likeness, UNLIKE))

    def probability(self, embedding: np.ndarray) -> np.ndarray:
        """Probability of each type, float32 (n_cells, n_types).

        With ``"transport"`` it depends on the other cells of the query, whose shares of the
        types are learned.
        """
        cells = directions(np.asarray(embedding))
        if self.method == "transport":
            shares = self._anchors.shares(cells, self.random_state)
            found = self._anchors.probability(cells, shares, len(self.types))
        else:
            found = np.zeros((len(cells), len(self.types)))
            found[:, self._classifier.classes_] = self._classifier.predict_proba(cells)
        return found.astype(np.float32)

    def predict(self, embedding: np.ndarray) -> pd.DataFrame:
        """Types of cells, in the order of the cells.

        Returns
        -------
        ``cell_type`` (``"Unknown"`` where the cell is unlike all of the reference or no type has
        a probability of 0.5), ``best`` (the likeliest type all the same), ``probability`` and
        ``likeness`` (cosine with the nearest anchor).
        """
        probability = self.probability(embedding)
        likeness = self._anchors.likeness(directions(np.asarray(embedding)))
        best = np.array(self.types, dtype=object)[probability.argmax(axis=1)]
        sure = (likeness >= self.least_likeness) & (probability.max(axis=1) >= LEAST_PROBABILITY)
        return pd.DataFrame(
            {
                "cell_type": np.where(sure, best, UNKNOWN),
                "best": best,
                "probability": probability.max(axis=1),
                "likeness": likeness.astype(np.float32),
            }
        )


def transfer_labels(
    reference: ad.AnnData,
    query: ad.AnnData,
    label: str,
    *,
    method: str = "transport",
    random_state: int = 0,
    device: str = "auto",
) -> pd.DataFrame:
    """Types of the query's cells from an annotated reference: raw counts in, one line a cell out.

    A model is fitted to the reference without its types, in the genes that both have; it embeds
    the query.

    Parameters
    ----------
    reference, query
        Raw counts in ``X`` or ``layers["counts"]``. Genes are matched by ``var["gene_id"]`` or
        ``var["gene_symbol"]``, where they are there, or by ``var_names``.
    label
        Column of ``reference.obs`` with the types.
    method, random_state
        See :class:`LabelTransfer`.
    device
        See :class:`scsiameseclu.ScSiameseClu`.

    Returns
    -------
    As of :meth:`LabelTransfer.predict`, with the query's ``obs_names`` as index.

    Raises
    ------
    UserError
        The reference lacks the column, or the query has less than a fifth of its genes.
    """
    if label not in reference.obs:
        columns = ", ".join(map(str, reference.obs.columns[:8]))
        raise UserError(f"the reference has no column {label!r}; it has {columns}")
    wanted, there = GeneNames.of(reference.var), GeneNames.of(query.var)
    shared = match_genes(wanted, there)
    check_overlap(shared, wanted, there, "the reference", "the query")
    cells = reference[:, shared.positions >= 0].copy()
    model = fit_reference(cells, seed=random_state, device=device).model
    places = cells.var_names.get_indexer(model.scaling.genes)
    embedding, _ = embed_query(model, GeneNames.of(cells.var), places, query)
    transfer = LabelTransfer(method, random_state=random_state)
    transfer.fit(cells.obsm["X_siamese"], reference.obs[label])
    found = transfer.predict(embedding)
    found.index = query.obs_names
    return found


def fit_reference(
    cells: ad.AnnData, *, seed: int, device: str = "auto", checkpoint: Path | None = None
) -> ScSiameseClu:
    """A model of the reference's cells; sets ``obsm["X_siamese"]``. No type is read."""
    model = ScSiameseClu(random_state=seed, device=device)
    return model.fit(cells, checkpoint=checkpoint)


def embed_query(
    model: FittedModel,
    genes: GeneNames,
    places: np.ndarray,
    query: ad.AnnData,
    *,
    reference: str = "the reference",
    query_name: str = "the query",
) -> tuple[np.ndarray, Match]:
    """Embed new cells whose genes may go by other names.

    Parameters
    ----------
    genes
        Names of all genes of the reference: size factors are of those that the query has too.
    places
        Where among them the model's genes are, (n_model_genes,).
    query
        Raw counts in ``X`` or ``layers["counts"]``.
    reference, query_name
        What to call the two in the sentence of an error.

    Returns
    -------
    The embedding, (n_cells, n_dimensions), and which of the model's genes were found.

    Raises
    ------
    UserError
        The query has less than a fifth of the genes.
    """
    there = GeneNames.of(query.var)
    shared = match_genes(genes, there)
    match = shared.of(places)
    check_overlap(match, genes, there, reference, query_name)
    counts = find_counts(query)
    totals = np.asarray(counts[:, shared.positions[shared.positions >= 0]].sum(axis=1)).ravel()
    return model.embed(query, match.positions, totals), match


def check_types(types: Sequence[str] | pd.Series) -> None:
    """Raise where a reference has fewer than two types."""
    number = pd.Series(types, dtype=object).nunique()
    if number < 2:
        raise UserError(f"the reference has {number} types with cells; label transfer needs two")


def _classifier(method: str) -> Any:
    if method == "neighbours":
        return KNeighborsClassifier(N_NEIGHBOURS)
    return LogisticRegression(C=10.0, max_iter=2000)
