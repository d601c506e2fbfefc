"""Soft assignments and their optimal-transport targets."""

import logging

import torch
from torch import Tensor

log = logging.getLogger(__name__)

MAX_ITERATIONS = 200
TOLERANCE = 1e-6
MAX_GAP = 0.01  # of a cluster's share of the cells, beyond which the log says so


def log_student_t(latent: Tensor, centres: Tensor, scale: Tensor | float = 1.0) -> Tensor:
    """Log soft assignment by Student's t kernel with one degree of freedom (Xie et al. 2016).

    ``q_ij`` is proportional to ``1 / (1 + |z_i - c_j|^2 / scale)``.

    Parameters
    ----------
    latent
        (n_cells, latent_size).
    centres
        (n_clusters, latent_size).
    scale
        The squared distance that counts as 1; makes the kernel independent of the latent's size.
    """
    lengths = latent.pow(2).sum(dim=1, keepdim=True) + centres.pow(2).sum(dim=1)
    squared = (lengths - 2.0 * latent @ centres.T).clamp(min=0.0)
    return torch.log_softmax(-torch.log1p(squared / scale), dim=1)


def sinkhorn_targets(
    log_assignment: Tensor, proportions: Tensor, sharpness: float
) -> tuple[Tensor, Tensor]:
    """Optimal-transport targets P = Sinkhorn(Q^lambda): rows sum to 1, columns to the proportions.

    The entropic transport plan between uniform cells and the clusters' proportions with cost
    ``-log Q`` and regularisation ``1 / lambda`` (Cuturi 2013; POT, in log space, so that nothing
    underflows), times the number of cells.

    Parameters
    ----------
    log_assignment
        log Q, (n_cells, n_clusters).
    proportions
        (n_clusters,), summing to 1.
    sharpness
        lambda; larger is harder.

    Returns
    -------
    targets
        (n_cells, n_clusters): rows sum to 1; columns to ``n_cells * proportions`` within
        Sinkhorn's tolerance.
    potential
        (n_clusters,): with it ``targets = softmax(lambda log Q + potential)``, for any cell.
    """
    import ot

    n_cells = log_assignment.shape[0]
    cost = -log_assignment.detach().double()
    mass = torch.full((n_cells,), 1.0 / n_cells, dtype=cost.dtype, device=cost.device)
    share = proportions.to(cost.dtype).clamp(min=1.0 / (10 * n_cells))
    _, record = ot.sinkhorn(
        mass,
        share / share.sum(),
        cost,
        reg=1.0 / sharpness,
        method="sinkhorn_log",
        numItermax=MAX_ITERATIONS,
        stopThr=TOLERANCE,
        warn=False,
        log=True,
    )
    potential = record["log_v"].to(log_assignment.dtype)
    targets = transported(log_assignment.detach(), potential, sharpness)
    gap = float((targets.mean(dim=0) - share / share.sum()).abs().max())
    if gap > MAX_GAP:
        log.warning("Sinkhorn stopped with a cluster's share of the cells off by %.3f", gap)
    return targets, potential


def transported(log_assignment: Tensor, potential: Tensor, sharpness: float) -> Tensor:
    """Assignment after transport, ``softmax(lambda log Q + potential)``, for cells old or new."""
    return torch.softmax(sharpness * log_assignment + potential, dim=1)
