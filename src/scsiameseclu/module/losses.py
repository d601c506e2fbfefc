"""The terms of the objective that compare views, neighbours and assignments."""

import torch
from torch import Tensor
from torch.nn.functional import kl_div, log_softmax, normalize


def cell_refinement(first: Tensor, second: Tensor, neighbours: Tensor | None = None) -> Tensor:
    """Cell-level cross-correlation refinement.

    ``S_ij = cos(z1_i, z2_j)`` is pulled to the identity, in mean square. The diagonal and the rest
    are averaged apart, so that the pull does not depend on the mini-batch's size.

    Parameters
    ----------
    first, second
        The two views' latents, (n_cells, latent_size).
    neighbours
        Pairs that are neighbours in the kNN graph, bool (n_cells, n_cells) of the mini-batch; they
        are left out of the rest, since pushing them apart would tear cell types.
    """
    similarity = normalize(first, dim=1) @ normalize(second, dim=1).T
    positive = (similarity.diagonal() - 1.0).pow(2).mean()
    apart = ~torch.eye(similarity.shape[0], dtype=torch.bool, device=similarity.device)
    if neighbours is not None:
        apart = apart & ~neighbours
    return positive + (similarity.pow(2) * apart).sum() / apart.sum().clamp(min=1)


def latent_refinement(first: Tensor, second: Tensor, membership: Tensor) -> Tensor:
    """Latent-level cross-correlation refinement after a readout.

    Cells are averaged into groups; the latent dimensions of the two views, seen over the groups,
    should agree with themselves (diagonal 1) and not with each other (rest 0), so that no two
    dimensions say the same.

    Parameters
    ----------
    first, second
        (n_cells, latent_size).
    membership
        Soft or hard assignment of the mini-batch's cells, (n_cells, n_groups).
    """
    share = membership / membership.sum(dim=0, keepdim=True).clamp(min=1e-6)
    readout_first = normalize(share.T @ first, dim=0)  # (n_groups, latent_size)
    readout_second = normalize(share.T @ second, dim=0)
    correlation = readout_first.T @ readout_second
    identity = torch.eye(correlation.shape[0], device=correlation.device)
    gap = (correlation - identity).pow(2)
    n = correlation.shape[0]
    return gap.diagonal().mean() + (gap.sum() - gap.diagonal().sum()) / (n * (n - 1))


def propagation_regularisation(latent: Tensor, smoothed: Tensor) -> Tensor:
    """Jensen–Shannon divergence of softmax(Z) and softmax(AZ), averaged over cells, in nats."""
    log_p, log_q = log_softmax(latent, dim=1), log_softmax(smoothed, dim=1)
    log_m = torch.logaddexp(log_p, log_q) - torch.log(torch.tensor(2.0, device=latent.device))
    to_p = kl_div(log_m, log_p, reduction="batchmean", log_target=True)
    to_q = kl_div(log_m, log_q, reduction="batchmean", log_target=True)
    return (to_p + to_q) / 2


def adjacency_reconstruction(latent: Tensor, neighbour: Tensor, stranger: Tensor) -> Tensor:
    """Cosine of linked cells should be 1, of random pairs 0, in mean square.

    The reconstruction of the adjacency on sampled pairs; each tensor is (n_cells, latent_size).
    """
    unit = normalize(latent, dim=1)
    linked = (unit * normalize(neighbour, dim=1)).sum(dim=1)
    unlinked = (unit * normalize(stranger, dim=1)).sum(dim=1)
    return (linked - 1.0).pow(2).mean() + unlinked.pow(2).mean()


def clustering_divergence(log_assignment: Tensor, target: Tensor) -> Tensor:
    """KL(P || Q) per cell, in nats, with log-probabilities where they belong."""
    return kl_div(log_assignment, target, reduction="batchmean")
