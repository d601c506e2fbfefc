"""The evidence for a number of clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

N_STARTS = 2  # of k-means, for each network and number of clusters
CRITERION = "mean adjusted Rand index with the clusterings of all numbers, starts and networks"
OPEN_CRITERION = f"{CRITERION}, and with communities"
PRIOR = "and with the partition by prior knowledge"


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

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "k": [int(k) for k in self.k],
            "score": [float(score) for score in self.score],
            "criterion": self.criterion,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Evidence:
        """The inverse of :meth:`to_dict`."""
        return cls(np.asarray(values["k"]), np.asarray(values["score"]), values["criterion"])
