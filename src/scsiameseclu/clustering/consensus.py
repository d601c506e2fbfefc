"""What an ensemble of clusterings agrees on, and how sure that is of each cell and cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scsiameseclu.clustering.members import Member

SHARPNESS = 2.0
"""Exponent of the mean votes: members disagree more than the consensus of another run does."""
TINY = 1e-30
MIN_LEFT = 1e-3
"""Weight of a cell's votes, however few are left, so that they still decide on its cluster."""


def agreement_matrix(partitions: Sequence[np.ndarray]) -> np.ndarray:
    """Adjusted Rand index of every pair of partitions, (n_partitions, n_partitions).

    All contingency tables are blocks of one product of indicator matrices, which makes thousands
    of pairs cheap; the result is scikit-learn's ``adjusted_rand_score`` (Hubert and Arabie 1985).
    """
    codes = [np.unique(labels, return_inverse=True)[1] for labels in partitions]
    n_cells, sizes = codes[0].size, np.array([labels.max() + 1 for labels in codes])
    first = np.concatenate([[0], np.cumsum(sizes)])
    columns = np.concatenate([labels + shift for labels, shift in zip(codes, first, strict=False)])
    rows = np.tile(np.arange(n_cells), len(codes))
    indicator = sp.csr_matrix((np.ones(rows.size), (rows, columns)), (n_cells, first[-1]))
    counts = np.asarray((indicator.T @ indicator).todense())  # all clusters x all clusters
    pairs = counts * (counts - 1.0) / 2.0
    same = np.add.reduceat(np.add.reduceat(pairs, first[:-1], axis=0), first[:-1], axis=1)
    within = np.diag(same)
    expected = np.outer(within, within) / max(n_cells * (n_cells - 1.0) / 2.0, 1.0)
    largest = (within[:, None] + within[None, :]) / 2.0
    room = largest - expected
    safe = np.where(room > 0, room, 1.0)
    return np.asarray(np.where(room > 0, (same - expected) / safe, 1.0))


def translation(labels: np.ndarray, reference: np.ndarray, n_from: int, n_to: int) -> np.ndarray:
    """How the clusters of one partition spread over those of another.

    Returns
    -------
    (n_from, n_to): the share of each cluster's cells in each reference cluster; rows sum to 1,
    and a cluster without cells has equal shares.
    """
    counts = np.zeros((n_from, n_to))
    np.add.at(counts, (labels, reference), 1.0)
    totals = counts.sum(axis=1, keepdims=True)
    return np.where(totals > 0, counts / np.maximum(totals, 1.0), 1.0 / n_to)


def cluster_stability(
    labels: np.ndarray, partitions: Sequence[np.ndarray], n_clusters: int
) -> np.ndarray:
    """Best Jaccard index of each cluster in each other partition, averaged (Hennig 2007).

    Returns
    -------
    (n_clusters,) in [0, 1]; NaN for a cluster without cells.
    """
    n_cells = labels.size
    rows = np.arange(n_cells)
    membership = sp.csr_matrix((np.ones(n_cells), (labels, rows)), (n_clusters, n_cells))
    sizes = np.bincount(labels, minlength=n_clusters).astype(float)
    overlaps = []
    for partition in partitions:
        other = sp.csr_matrix((np.ones(n_cells), (rows, partition)))
        common = (membership @ other).toarray()  # n_clusters x n_other
        union = sizes[:, None] + np.bincount(partition) - common
        overlaps.append((common / np.maximum(union, 1.0)).max(axis=1))
    return np.where(sizes > 0, np.mean(overlaps, axis=0), np.nan)


@dataclass(frozen=True)
class Consensus:
    """Members and their translation into the clusters of the one that agrees most with the rest.

    Attributes
    ----------
    members
        Those that vote.
    translations
        For each member (n_member_clusters, n_clusters); rows sum to 1.
    stability
        Of each cluster over the members, (n_clusters,), in [0, 1].
    agreement
        Mean adjusted Rand index of the chosen member with the others that vote.
    """

    members: list[Member]
    translations: list[Tensor]
    stability: np.ndarray
    agreement: float

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return int(self.translations[0].shape[1])

    @torch.no_grad()
    def probability(self, features: Sequence[Tensor]) -> Tensor:
        """Calibrated votes of the members for each cluster, (n_cells, n_clusters); rows sum to 1.

        The squares of the mean votes, scaled to a sum of 1: temperature scaling (Guo et al. 2017,
        doi:10.48550/arXiv.1706.04599) with a temperature of 1/2. Votes for clusters that were
        dissolved say nothing about the others, and are spread evenly.

        Parameters
        ----------
        features
            One matrix of unit rows a network, (n_cells, n_dimensions).
        """
        total = torch.zeros(features[0].shape[0], self.n_clusters, device=features[0].device)
        for member, translated in zip(self.members, self.translations, strict=True):
            total += member.probability(features[member.network]) @ translated
        left = total.sum(dim=1, keepdim=True)
        votes = (total / left.clamp(min=TINY)).pow(SHARPNESS)
        votes /= votes.sum(dim=1, keepdim=True).clamp(min=TINY)
        share = (left / len(self.members)).clamp(min=MIN_LEFT, max=1.0) * (left > TINY)
        return share * votes + (1.0 - share) / self.n_clusters

    def to(self, device: torch.device | str) -> Consensus:
        """The same on another device."""
        members = [
            replace(m, centres=m.centres.to(device), potential=m.potential.to(device))
            for m in self.members
        ]
        translations = [translated.to(device) for translated in self.translations]
        return replace(self, members=members, translations=translations)

    def reordered(self, order: Sequence[int]) -> Consensus:
        """The same with clusters renamed: new cluster i is old cluster ``order[i]``."""
        columns = list(order)
        translations = [translated[:, columns] for translated in self.translations]
        return replace(self, translations=translations, stability=self.stability[columns])


def agree(
    members: Sequence[Member],
    partitions: Sequence[np.ndarray],
    reference: np.ndarray,
    voters: Sequence[int],
) -> Consensus:
    """Translate members into the clusters of a reference partition.

    Parameters
    ----------
    members
        Those that the reference is compared with, for stability and agreement.
    partitions
        Their clusters of the same cells, each (n_cells,).
    reference
        Clusters 0 … n_clusters - 1 of those cells, each with cells, (n_cells,).
    voters
        Which of the members vote on cells.
    """
    n_clusters = int(reference.max()) + 1
    translations = []
    for number in voters:
        centres = members[number].centres
        spread = translation(partitions[number], reference, centres.shape[0], n_clusters)
        translations.append(torch.from_numpy(spread).to(centres))
    others = [labels for labels in partitions if not np.array_equal(labels, reference)]
    agreement = agreement_matrix([reference, *others])[0, 1:]
    return Consensus(
        [members[number] for number in voters],
        translations,
        cluster_stability(reference, others or [reference], n_clusters),
        float(agreement.mean()) if others else 1.0,
    )
