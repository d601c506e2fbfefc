"""What speaks for and against the type of each cluster.

A score is compared with those of random gene sets. For each marker, a random set has a gene of
similar mean expression, so that its score shows what a set of equal size and expression reaches
without being specific to the type.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

N_RANDOM = 200
"""Number of random gene sets per type."""
N_SIMILAR = 100
"""Number of genes of similar expression that a marker is replaced from."""
FOR, AGAINST = 0.25, 0.0
"""Markers above the first signal speak for a type, those below the second against it; in standard
deviations of cells from the mean of the clusters."""
MAX_GENES = 8
"""Largest number of genes named for and against a type."""


@dataclass(frozen=True)
class RandomSets:
    """Scores of random gene sets in one cluster.

    Attributes
    ----------
    mean, deviation
        Mean and standard deviation of the scores.
    limit
        Score that 95 % of the random sets do not exceed.
    """

    mean: float
    deviation: float
    limit: float

    def beyond(self, score: float) -> float:
        """How many standard deviations a score is above the mean of the random sets."""
        return (score - self.mean) / max(self.deviation, 1e-6)


def set_scores(signal: np.ndarray, sets: np.ndarray) -> np.ndarray:
    """t values of gene sets in one cluster, as of decoupler's univariate linear model.

    Parameters
    ----------
    signal
        Signal of each gene, shape (n_genes,).
    sets
        Positions of the genes of each set, without repeats, shape (n_sets, n_members).

    Returns
    -------
    t values, shape (n_sets,): with the correlation r between signal and membership,
    t = r sqrt((n - 2) / (1 - r^2)).
    """
    n_genes, size = len(signal), sets.shape[1]
    deviation = signal.std()
    if deviation == 0 or size >= n_genes:
        return np.zeros(len(sets))
    share = size / n_genes
    difference = signal[sets].mean(axis=1) - signal.mean()
    r = difference * np.sqrt(share / (1 - share)) / deviation
    scores: np.ndarray = r * np.sqrt((n_genes - 2) / np.maximum(1 - r**2, 1e-12))
    return scores


def random_sets(expression: np.ndarray, markers: np.ndarray, seed: int) -> np.ndarray:
    """Random sets of as many genes of similar mean expression as some markers.

    Parameters
    ----------
    expression
        Mean expression of each gene, shape (n_genes,).
    markers
        Positions of the markers, shape (n_markers,).
    seed
        Seed of the draws.

    Returns
    -------
    Positions, shape (``N_RANDOM``, n_markers); no gene occurs twice in a set.
    """
    rng = np.random.default_rng(seed)
    if 2 * len(markers) > len(expression):  # of no similar expression are left
        sets = [rng.choice(len(expression), len(markers), replace=False) for _ in range(N_RANDOM)]
        return np.array(sets)
    order = np.argsort(expression, kind="stable")
    rank = np.empty(len(order), dtype=int)
    rank[order] = np.arange(len(order))
    width = min(max(N_SIMILAR, len(markers) + 1), len(order))
    drawn = np.empty((N_RANDOM, len(markers)), dtype=int)
    starts = np.clip(rank[markers] - width // 2, 0, len(order) - width)
    for row in drawn:
        taken: set[int] = set()
        for column, start in enumerate(starts):
            gene = int(order[start + rng.integers(width)])
            while gene in taken:
                gene = int(order[start + rng.integers(width)])
            taken.add(gene)
            row[column] = gene
    return drawn


def compare_with_random(
    signal: np.ndarray, expression: np.ndarray, markers: np.ndarray, seed: int
) -> RandomSets:
    """Scores of random sets like some markers in one cluster.

    Parameters
    ----------
    signal, expression
        Signal in the cluster and mean expression of each gene, shape (n_genes,).
    markers
        Positions of the markers, shape (n_markers,).
    seed
        Seed of the random sets.
    """
    scores = set_scores(signal, random_sets(expression, markers, seed))
    return RandomSets(float(scores.mean()), float(scores.std()), float(np.quantile(scores, 0.95)))


def for_and_against(signal: np.ndarray, names: list[str]) -> tuple[list[str], list[str]]:
    """The markers that are higher in a cluster than on average, and those that are lower.

    Parameters
    ----------
    signal
        Signal of each marker, shape (n_markers,).
    names
        Their symbols.

    Returns
    -------
    At most eight symbols each, the strongest first.
    """
    order = np.argsort(-signal, kind="stable")
    higher = [names[i] for i in order if signal[i] > FOR]
    lower = [names[i] for i in order[::-1] if signal[i] < AGAINST]
    return higher[:MAX_GENES], lower[:MAX_GENES]
