"""The match of one batch with a reference, and the displacement that it implies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scsiameseclu.preprocess.integration.micro import (
    MatchingSpace,
    MicroClusters,
    cosine_distances,
    in_order,
    spacing,
)
from scsiameseclu.preprocess.integration.transport import rows_to_one, self_plan, unbalanced_plan

ROUNDS = 6
EPSILON = 0.25
"""Entropic regularisation of the plans, in units of the spacing of micro-clusters."""
TAU = 0.1
"""Price of mass without a partner, in the same units."""
SMOOTHING = 5.0
"""Bandwidth over which displacements are averaged, in the same units."""
NO_PARTNER = 1e-12


@dataclass(frozen=True)
class Round:
    """One step of a match; all rows sum to 1.

    Attributes
    ----------
    partners
        Where the mass of each micro-cluster goes in the reference, (n_micro, n_reference).
    blur
        Where it goes in its batch at the same regularisation, (n_micro, n_micro).
    weights
        Over which micro-clusters the displacements are averaged, (n_micro, n_micro).
    """

    partners: np.ndarray
    blur: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Match:
    """How the micro-clusters of a batch are matched with those of the reference.

    Attributes
    ----------
    rounds
        One after another.
    strength
        Factor of the displacements: 1 less the share that chance explains, in [0, 1].
    matched
        Share of the mass with a partner in the end.
    """

    rounds: list[Round]
    strength: float
    matched: float

    def displacements(self, means: np.ndarray, reference: np.ndarray) -> np.ndarray:
        """Displacement of each micro-cluster in any block of values, (n_micro, d).

        Parameters
        ----------
        means
            Of the values in the micro-clusters, (n_micro, d).
        reference
            The same in the reference, (n_reference, d).
        """
        current = means
        for step in self.rounds:
            towards = step.partners @ reference - step.blur @ current
            current = current + self.strength * (step.weights @ towards)
        return current - means


def find_match(
    components: np.ndarray,
    clusters: MicroClusters,
    reference: np.ndarray,
    masses: np.ndarray,
    space: MatchingSpace,
    seed: int,
) -> Match:
    """Match a batch with a reference, as strongly as the two differ by more than chance.

    Parameters
    ----------
    components
        Of the batch's cells, (n_cells, n_components).
    clusters
        Micro-clusters of these cells.
    reference, masses
        Mean components and numbers of cells of the reference's micro-clusters.
    space
        Where they are compared.
    seed
        Of the halves that estimate chance.
    """
    means = clusters.means(components)
    rounds, matched = _rounds(means, clusters.masses, reference, masses, space)
    found = Match(rounds, 1.0, matched)
    moved = _energy(found, means, clusters.masses, reference)
    by_chance = _energy_by_chance(components, space, seed)
    strength = max(0.0, 1.0 - by_chance / moved) if moved > 0 else 0.0
    return Match(rounds, strength, matched)


def _energy(match: Match, means: np.ndarray, masses: np.ndarray, reference: np.ndarray) -> float:
    """Mean squared displacement."""
    squared = (match.displacements(means, reference) ** 2).sum(axis=1)
    return float(squared @ masses / masses.sum())


def _energy_by_chance(components: np.ndarray, space: MatchingSpace, seed: int) -> float:
    """Mean squared displacement of one random half of the batch onto the other."""
    order = in_order(components)
    order = order[np.random.default_rng(seed).permutation(len(order))]
    halves = np.array_split(order, 2)
    clusters = [MicroClusters.of(space.directions(components[half]), seed) for half in halves]
    means = [c.means(components[half]) for c, half in zip(clusters, halves, strict=True)]
    first, second = (c.masses for c in clusters)
    rounds, matched = _rounds(means[0], first, means[1], second, space)
    return _energy(Match(rounds, 1.0, matched), means[0], first, means[1])


def _rounds(
    means: np.ndarray,
    masses: np.ndarray,
    reference: np.ndarray,
    reference_masses: np.ndarray,
    space: MatchingSpace,
) -> tuple[list[Round], float]:
    """Match and move the micro-clusters in turn; the rounds, and the share matched in the end."""
    own, theirs = masses / masses.sum(), reference_masses / reference_masses.sum()
    start, targets = space.directions(means), space.directions(reference)
    scale = (spacing(start) + spacing(targets)) / 2
    kernel = np.exp(-cosine_distances(start, start) / (SMOOTHING * scale))
    current, rounds = means, []
    for _ in range(ROUNDS):
        directions = space.directions(current)
        cost = cosine_distances(directions, targets)
        usual = np.median(np.concatenate([cost.min(axis=1), cost.min(axis=0)]))
        cost = np.maximum(cost - usual, 0.0)  # no worse than most nearest partners
        plan = unbalanced_plan(cost, own, theirs, EPSILON * scale, TAU * scale)
        to_own = cosine_distances(directions, directions)
        within = self_plan(to_own, own, EPSILON * scale)
        alone = unbalanced_plan(to_own, own, own, EPSILON * scale, TAU * scale)
        kept = np.minimum(plan.sum(axis=1) / alone.sum(axis=1), 1.0)
        rounds.append(
            Round(
                rows_to_one(plan),
                rows_to_one(within),
                rows_to_one(kernel * (masses * kept + NO_PARTNER)),
            )
        )
        step = rounds[-1]
        current = current + step.weights @ (step.partners @ reference - step.blur @ current)
    return rounds, float(kept @ own)
