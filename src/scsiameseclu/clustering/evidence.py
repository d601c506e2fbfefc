"""The evidence for a number of clusters."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Evidence:
    """The curve that the number of clusters was read from.

    Attributes
    ----------
    k
        Candidate numbers, (n_candidates,).
    score
        Their score, (n_candidates,); the best is the largest.
    criterion
        What the score is, in words.
    """

    k: np.ndarray
    score: np.ndarray
    criterion: str

    @property
    def best(self) -> int:
        """The candidate with the largest score; the smallest of equals."""
        return int(self.k[int(np.argmax(self.score))])
