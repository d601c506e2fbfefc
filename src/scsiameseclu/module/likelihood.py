"""Negative log-likelihoods of raw counts.

Gradients flow through the mean. Notation: mu mean, theta (inverse) dispersion, pi dropout.
"""

import torch
from torch import Tensor
from torch.nn.functional import softplus


def negative_binomial(counts: Tensor, log_mean: Tensor, log_dispersion: Tensor) -> Tensor:
    """Elementwise log-probability of the negative binomial, variance ``mu + mu² / theta``.

    Parameters
    ----------
    counts, log_mean
        (n_cells, n_genes).
    log_dispersion
        log theta, (n_genes,).
    """
    theta = log_dispersion.exp()
    log_sum = torch.logaddexp(log_dispersion.expand_as(log_mean), log_mean)
    return (
        torch.lgamma(counts + theta)
        - torch.lgamma(theta)
        - torch.lgamma(counts + 1.0)
        + theta * (log_dispersion - log_sum)
        + counts * (log_mean - log_sum)
    )


def zero_inflated(log_probability: Tensor, counts: Tensor, dropout_logits: Tensor) -> Tensor:
    """Mix a count distribution with extra zeros: ``pi [x = 0] + (1 - pi) p(x)``, elementwise log.

    ``dropout_logits`` is logit(pi), (n_cells, n_genes). (Eraslan et al. 2019; Lopez et al. 2018.)
    """
    log_kept = -softplus(dropout_logits)  # log(1 - pi)
    log_dropped = -softplus(-dropout_logits)  # log(pi)
    present = log_kept + log_probability
    return torch.where(counts == 0, torch.logaddexp(log_dropped, present), present)


def count_loss(
    counts: Tensor,
    size_factor: Tensor,
    log_shares: Tensor,
    log_dispersion: Tensor,
    dropout_logits: Tensor | None,
    kind: str,
) -> Tensor:
    """Negative log-likelihood of a mini-batch, in nats per count, averaged over cells.

    Parameters
    ----------
    counts
        Raw counts of the variable genes, (n_cells, n_genes).
    size_factor
        Total of those counts in each cell, (n_cells,); the mean is ``size_factor * shares``.
    log_shares
        log softmax over genes, (n_cells, n_genes).
    log_dispersion
        (n_genes,).
    dropout_logits
        (n_cells, n_genes), only for ``zinb``.
    kind
        ``zinb``, ``nb`` or ``multinomial``. Each cell's log-likelihood is divided by its total
        count, so that deep and shallow cells weigh the same whatever the kind.
    """
    total = size_factor.clamp(min=1.0)
    if kind == "multinomial":
        return -(counts * log_shares).sum(dim=1).div(total).mean()
    log_mean = log_shares + total.log().unsqueeze(1)
    log_probability = negative_binomial(counts, log_mean, log_dispersion)
    if kind == "zinb":
        assert dropout_logits is not None
        log_probability = zero_inflated(log_probability, counts, dropout_logits)
    return -log_probability.sum(dim=1).div(total).mean()
