"""One member of the ensemble: clusters on a sphere, fitted by transport and mean in turn.

Cells and centres are directions. The transport of cells to clusters, with the cosine as gain and
the temperature as entropic regularisation, alternates with the centres' means: Sinkhorn-EM
(Mena et al. 2020, arXiv 2006.16548). With learned proportions the transport is semi-relaxed, only
each cell's mass is fixed, and the alternation is the EM of a mixture of von Mises-Fisher
distributions with one concentration (Banerjee et al. 2005).
"""

from dataclasses import dataclass
from enum import Enum

import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from scsiameseclu.clustering.transport import sinkhorn_targets

MAX_ROUNDS = 25
MIN_CHANGE = 0.001  # of the cells; fewer, and the clusters stand still


class Proportions(Enum):
    """What is known of the clusters' sizes when cells are assigned."""

    LEARNED = "learned"
    FIXED = "fixed"
    IGNORED = "ignored"


@dataclass(frozen=True)
class Member:
    """A fitted clustering in the space of one network.

    Attributes
    ----------
    network
        Which network's space.
    temperature
        Entropic regularisation of the transport; smaller is harder.
    centres
        Directions of length 1, (n_clusters, n_dimensions).
    potential
        (n_clusters,): log proportions, or the dual potentials of a transport with fixed ones.
    """

    network: int
    temperature: float
    centres: Tensor
    potential: Tensor

    def probability(self, features: Tensor) -> Tensor:
        """Rows of the transport plan for cells old or new, (n_cells, n_clusters)."""
        return torch.softmax(features @ self.centres.T / self.temperature + self.potential, dim=1)

    @torch.no_grad()
    def labels(self, features: Tensor) -> Tensor:
        """The most probable cluster of each cell, (n_cells,)."""
        return self.probability(features).argmax(dim=1)


@torch.no_grad()
def fit_member(
    features: Tensor,
    start: Tensor,
    *,
    network: int,
    temperature: float,
    proportions: Proportions,
    max_rounds: int = MAX_ROUNDS,
) -> Member:
    """Fit centres (and proportions) from a partition to start from.

    Parameters
    ----------
    features
        Unit rows, (n_cells, n_dimensions).
    start
        Initial clusters 0 … n_clusters - 1, (n_cells,).
    network, temperature
        See :class:`Member`.
    proportions
        Learned, fixed at the start's, or ignored (every cell to its nearest centre).
    max_rounds
        Most alternations of transport and means.

    Returns
    -------
    A member with as many clusters as ``start`` names; some may end up without a cell.
    """
    n_clusters = int(start.max()) + 1
    plan = one_hot(start, n_clusters).to(features.dtype)
    share = plan.mean(dim=0)
    labels, potential = start, torch.zeros_like(share)
    for _ in range(max_rounds):
        centres = normalize(plan.T @ features, dim=1)
        gain = features @ centres.T
        if proportions is Proportions.LEARNED:
            potential = share.clamp(min=1e-9).log()
            plan = torch.softmax(gain / temperature + potential, dim=1)
            share = plan.mean(dim=0)
        elif proportions is Proportions.FIXED:
            plan, potential = sinkhorn_targets(gain, share, 1.0 / temperature)
        else:
            plan = torch.softmax(gain / temperature, dim=1)
        previous, labels = labels, plan.argmax(dim=1)
        if float((labels != previous).float().mean()) < MIN_CHANGE:
            break
    return Member(network, temperature, centres, potential)
