"""Members of all networks, starts and numbers of clusters, and the consensus that they vote for.

Every network's space is clustered from several starts with every candidate number of clusters;
the clustering with the largest mean adjusted Rand index with all of these members wins, among those
with as many clusters as asked for: if the members were draws of a posterior over clusterings, it
would be the one with the largest posterior expected adjusted Rand index (Fritsch and Ickstadt 2009,
doi:10.1214/09-BA414). Too few clusters disagree with all finer clusterings, too many with all
coarser ones and with each other.

Where the number of clusters is open, communities of the joint space at several resolutions are a
second family of voters, which errs for other reasons, and what is left of a member when its
clusters are merged one pair after another can win too. Where prior knowledge gives a partition,
such as the cell types of canonical markers, it is one more family of a single voter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from scsiameseclu.clustering.alternatives import Alternatives, alternatives
from scsiameseclu.clustering.communities import communities
from scsiameseclu.clustering.consensus import Consensus, agree, agreement_matrix
from scsiameseclu.clustering.evidence import (
    CRITERION,
    N_STARTS,
    OPEN_CRITERION,
    PRIOR,
    Evidence,
)
from scsiameseclu.clustering.members import MAX_ROUNDS, Member, Proportions, fit_member
from scsiameseclu.clustering.merges import Candidate, Voters
from scsiameseclu.clustering.splits import best_split
from scsiameseclu.clustering.start import Hierarchy, by_kmeans, grow_hierarchy
from scsiameseclu.clustering.tree import LevelTree, level_tree
from scsiameseclu.one_thread import threads_like_this
from scsiameseclu.store.provenance import threads_in_use

log = logging.getLogger(__name__)

COMMUNITY_WEIGHT = 0.5  # of all communities together, over that of all members
PRIOR_WEIGHT = 0.5  # of the partition by prior knowledge, over that of all members
MAX_FITTED = 20_000
MAX_COMPARED = 5_000
NEAR = 1.25  # members vote whose number of clusters is within this factor of the consensus'
MAX_SPLITS = 20  # of an agreed clustering, on the way to a larger number that was asked for
MIN_CELLS = 3  # of a cluster that counts; the cells of a smaller one go elsewhere
BLOCK = 50_000


@dataclass(frozen=True)
class NetworkSpace:
    """What one network's members see: blocks of unit rows, each (n_cells, n_dimensions)."""

    blocks: list[Tensor]

    @cached_property
    def features(self) -> Tensor:
        """The blocks side by side, rows of length 1."""
        return normalize(torch.cat(self.blocks, dim=1), dim=1)


class Ensemble:
    """All clusterings that were tried, and how well each agrees with the rest.

    Parameters
    ----------
    spaces
        One for each network.
    candidates
        Numbers of clusters.
    proportions, temperature
        See :func:`scsiameseclu.clustering.members.fit_member`.
    seed
        Of the starts and of the cells that stand for all: 20,000 to fit, 5,000 to compare.
    is_open
        Whether the number of clusters is open: communities vote and clusters may be merged.
    prior
        A partition of all cells by prior knowledge, (n_cells,), which votes, too.
    """

    def __init__(
        self,
        spaces: Sequence[NetworkSpace],
        candidates: Sequence[int],
        proportions: Proportions,
        temperature: float,
        seed: int,
        *,
        is_open: bool = False,
        prior: np.ndarray | None = None,
    ) -> None:
        self.features = [space.features for space in spaces]
        n_cells = self.features[0].shape[0]
        drawn = np.random.default_rng(seed).permutation(n_cells)
        fitted, self.compared = np.sort(drawn[:MAX_FITTED]), np.sort(drawn[:MAX_COMPARED])
        self.fitted, self.temperature, self.proportions = fitted, temperature, proportions
        self.members = self._fit(spaces, candidates, seed)
        self.partitions = [self._labels(member, self.compared) for member in self.members]
        self.is_open, self.min_cells = is_open, MIN_CELLS
        self.communities = communities(self._joint(spaces), seed) if is_open else []
        self.prior = [] if prior is None else [_codes(prior[self.compared])]
        self._compare()

    def _fit(
        self, spaces: Sequence[NetworkSpace], candidates: Sequence[int], seed: int
    ) -> list[Member]:
        """The members of all networks and starts; on the CPU, one start in each thread."""
        rows = torch.from_numpy(self.fitted)
        features = [of_network[rows] for of_network in self.features]
        blocks = [[b.cpu().numpy()[self.fitted] for b in space.blocks] for space in spaces]

        def members_of(start: int) -> list[Member]:
            network, own_seed = start // N_STARTS, seed * len(spaces) * N_STARTS + start
            seen = features[network]
            hierarchy = grow_hierarchy(blocks[network], seen.cpu().numpy(), own_seed)
            return [
                fit_member(
                    seen,
                    _start(hierarchy, seen, n_clusters, own_seed),
                    network=network,
                    temperature=self.temperature,
                    proportions=self.proportions,
                )
                for n_clusters in candidates
            ]

        n_at_once = threads_in_use() if features[0].device.type == "cpu" else 1
        with threads_like_this(n_at_once, "start") as pool:
            return list(chain.from_iterable(pool.map(members_of, range(len(spaces) * N_STARTS))))

    def _joint(self, spaces: Sequence[NetworkSpace]) -> np.ndarray:
        """The blocks that all networks share and the latents of each, for the compared cells."""
        blocks = [*spaces[0].blocks, *(space.blocks[-1] for space in spaces[1:])]
        rows = torch.from_numpy(self.compared)
        joined: np.ndarray = torch.cat([block.cpu()[rows] for block in blocks], dim=1).numpy()
        return joined

    def _compare(self) -> None:
        """Score the candidates by their agreement with all voters."""
        families = [
            (self.partitions, 1.0),
            (self.communities, COMMUNITY_WEIGHT),
            (self.prior, PRIOR_WEIGHT),
        ]
        weights = [np.full(len(family), w / max(len(family), 1)) for family, w in families]
        voters = [partition for family, _ in families for partition in family]
        self.voters = Voters(voters, np.concatenate(weights))
        lengths = [member.centres.shape[0] for member in self.members]
        if self.is_open:
            self.candidates = self.voters.merged(self.partitions, lengths)
        else:
            n_members = len(self.partitions)
            agreement = agreement_matrix([*self.partitions, *self.prior])[:n_members]
            expected = agreement[:, :n_members].mean(axis=1)
            if self.prior:
                by_prior = agreement[:, n_members:].mean(axis=1)
                expected = (expected + PRIOR_WEIGHT * by_prior) / (1 + PRIOR_WEIGHT)
            found = zip(self.partitions, lengths, expected, strict=True)
            self.candidates = [
                Candidate(member, np.arange(n), np.bincount(labels, minlength=n), float(value))
                for member, (labels, n, value) in enumerate(found)
            ]
        self.expected = np.array([candidate.expected for candidate in self.candidates])
        self.count(self.min_cells)

    def count(self, min_cells: int) -> None:
        """Let clusters of at least so many cells count."""
        self.min_cells = min_cells
        self.n_found = np.array([(c.sizes >= min_cells).sum() for c in self.candidates])
        self.n_of_members = np.array([self._n_clusters(labels) for labels in self.partitions])

    def _n_clusters(self, labels: np.ndarray) -> int:
        return int((np.bincount(labels) >= self.min_cells).sum())

    def _labels(self, member: Member, cells: np.ndarray) -> np.ndarray:
        features = self.features[member.network][torch.from_numpy(cells)]
        labels: np.ndarray = member.labels(features).cpu().numpy()
        return labels

    def extend(self, n_clusters: int) -> None:
        """Add a member with so many clusters, where fewer are agreed on better.

        Forced to a larger number, members split what is largest. Here the best clustering with
        fewer keeps its clusters, and what other members split off with the least loss of
        agreement becomes the rest.
        """
        base = self.best(lambda n: n < n_clusters)
        equal = self.best(lambda n: n == n_clusters)
        if base is None or n_clusters - self.n_found[base] > MAX_SPLITS:
            return
        if equal is not None and self.expected[equal] >= self.expected[base]:
            return
        partitions = [self._labels(member, self.fitted) for member in self.members]
        among = np.searchsorted(self.fitted, self.compared)
        compared = [partition[among] for partition in partitions]
        start = self.candidates[base]
        labels = np.unique(start.labels(partitions[start.member]), return_inverse=True)[1]
        for _ in range(n_clusters - self.n_found[base]):
            seen, codes = np.unique(labels[among], return_inverse=True)
            split = best_split(codes, compared)
            if split is None:
                return
            labels = replace(split, cluster=int(seen[split.cluster])).apply(labels, partitions)
        network = self.members[start.member].network
        for max_rounds in (MAX_ROUNDS, 1):  # one keeps a cluster that would lose its cells
            member = fit_member(
                self.features[network][torch.from_numpy(self.fitted)],
                torch.from_numpy(labels).to(self.features[network].device),
                network=network,
                temperature=self.temperature,
                proportions=self.proportions,
                max_rounds=max_rounds,
            )
            partition = self._labels(member, self.compared)
            if self._n_clusters(partition) == n_clusters:
                break
        self.members.append(member)
        self.partitions.append(partition)
        self._compare()

    def evidence(self) -> Evidence:
        """For each number of clusters that occurs, what its best clustering may expect."""
        numbers = np.unique(self.n_found)
        score = np.array([self.expected[self.n_found == k].max() for k in numbers])
        criterion = OPEN_CRITERION if self.is_open else CRITERION
        return Evidence(numbers, score, f"{criterion}, {PRIOR}" if self.prior else criterion)

    def best(self, allowed: Callable[[np.ndarray], np.ndarray]) -> int | None:
        """The candidate that agrees most among those whose number of clusters is allowed."""
        candidates = np.flatnonzero(allowed(self.n_found))
        if not candidates.size:
            return None
        return int(candidates[self.expected[candidates].argmax()])

    def coarser(self, labels: np.ndarray, n_clusters: int) -> np.ndarray:
        """Clusters merged, pair after pair, until at most so many are left, (n_cells,).

        Parameters
        ----------
        labels
            Clusters of all cells, numbered from 0, (n_cells,).
        n_clusters
            Two are left at least.
        """
        path = self.voters.merged([labels[self.compared]], [int(labels.max()) + 1])
        return next((c for c in path if c.sizes.size <= n_clusters), path[-1]).labels(labels)

    def tree(self, labels: np.ndarray, fine: np.ndarray) -> LevelTree:
        """All levels from two clusters to the finest.

        Parameters
        ----------
        labels, fine
            Clusters of all cells, numbered from 0, and parts of them, each (n_cells,).
        """
        return level_tree(labels, fine, self.compared, self.voters, self.partitions)

    def alternatives(self, labels: np.ndarray, fine: np.ndarray, n_clusters: int) -> Alternatives:
        """How many voters would merge or split each cluster.

        Parameters
        ----------
        labels, fine
            As for :meth:`tree`.
        n_clusters
            Number of clusters.
        """
        cells = self.compared
        return alternatives(labels[cells], fine[cells], n_clusters, self.voters)

    def by_communities(self) -> np.ndarray | None:
        """Clusters of all cells, (n_cells,), that communities alone agree with most."""
        if not self.communities:
            return None
        voters = Voters(self.communities, np.ones(len(self.communities)))
        lengths = [member.centres.shape[0] for member in self.members]
        candidates = voters.merged(self.partitions, lengths)
        return self._all_labels(max(candidates, key=lambda candidate: candidate.expected))

    def consensus(self, chosen: int, voters: str = "near") -> Consensus:
        """The chosen candidate's clusters, with the votes of members.

        Parameters
        ----------
        chosen
            From :meth:`best`.
        voters
            ``near``: members with about as many clusters; ``equal``: with as many; ``one``: the
            chosen candidate's member alone. That member always votes.
        """
        candidate = self.candidates[chosen]
        reference = candidate.labels(self.partitions[candidate.member])
        reference = np.unique(reference, return_inverse=True)[1]
        ratio = self.n_of_members / max(self.n_found[chosen], 1)
        own = np.arange(len(self.members)) == candidate.member
        near = np.flatnonzero((ratio <= NEAR) & (ratio >= 1 / NEAR) | own)
        voting = {
            "near": np.ones(near.size, dtype=bool),
            "equal": (ratio == 1)[near] | own[near],
            "one": own[near],
        }[voters]
        return agree(
            [self.members[n] for n in near],
            [self.partitions[n] for n in near],
            reference,
            [int(n) for n in np.flatnonzero(voting)],
        )

    def vote(self, chosen: int, keep_all: bool) -> tuple[Consensus, np.ndarray]:
        """Consensus and the votes for all cells, (n_cells, n_clusters), largest clusters first.

        Clusters of too few cells are dissolved. With ``keep_all`` fewer members vote where a
        cluster that counts would be among them.
        """
        for voters in ("near", "equal", "one"):
            consensus = self.consensus(chosen, voters)
            probability = self.probability(consensus)
            order = _by_size(probability, self.min_cells)
            if not keep_all or len(order) >= self.n_found[chosen]:
                break
        consensus = consensus.reordered(order)
        probability = self.probability(consensus)
        order = _by_size(probability, 0)  # the cells of dissolved clusters are elsewhere now
        return consensus.reordered(order), probability[:, order]

    def probability(self, consensus: Consensus) -> np.ndarray:
        """Calibrated votes for all cells, (n_cells, n_clusters), in blocks."""
        parts = [torch.split(features, BLOCK) for features in self.features]
        votes = [consensus.probability(block) for block in zip(*parts, strict=True)]
        return torch.cat(votes).cpu().numpy().astype(np.float32)

    def all_labels(self, chosen: int) -> np.ndarray:
        """Clusters of all cells by one candidate, (n_cells,)."""
        return self._all_labels(self.candidates[chosen])

    def _all_labels(self, candidate: Candidate) -> np.ndarray:
        member = self.members[candidate.member]
        blocks = torch.split(self.features[member.network], BLOCK)
        found = [member.labels(block).cpu().numpy() for block in blocks]
        return candidate.labels(np.concatenate(found))


def _codes(labels: np.ndarray) -> np.ndarray:
    """The parts of a partition, numbered from 0."""
    return np.unique(labels, return_inverse=True)[1]


def _start(hierarchy: Hierarchy, features: Tensor, n_clusters: int, seed: int) -> Tensor:
    labels = hierarchy.cut(n_clusters)
    if labels.max() + 1 < n_clusters:  # more than there are micro-clusters to join
        labels = by_kmeans(features.cpu().numpy(), n_clusters, seed)
    return torch.from_numpy(labels).long().to(features.device)


def _by_size(probability: np.ndarray, min_cells: int) -> list[int]:
    """Clusters that enough cells choose, from the largest to the smallest."""
    sizes = np.bincount(probability.argmax(axis=1), minlength=probability.shape[1])
    order = np.argsort(-sizes, kind="stable")
    return [int(c) for c in order if sizes[c] >= min_cells] or [int(order[0])]
