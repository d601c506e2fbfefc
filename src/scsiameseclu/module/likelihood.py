"""Negative log-likelihoods of raw counts.

Gradients flow through the mean. Notation: mu mean, theta (inverse) dispersion, pi dropout.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from scsiameseclu.module.cells import Batch


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


class Likelihood(nn.Module):
    """Distribution of a cell's counts among the variable genes.

    Parameters
    ----------
    n_genes, hidden_size
        Number of genes and width of the decoder's hidden layer, for the parameters that a
        distribution has beside its mean.
    """

    def __init__(self, n_genes: int, hidden_size: int) -> None:
        super().__init__()

    def forward(self, batch: Batch, logits: Tensor, hidden: Tensor) -> Tensor:
        """Mean loss of a mini-batch, a scalar.

        For counts this is the negative log-likelihood in nats per count: each cell's is divided by
        its total count, so that deep and shallow cells weigh the same.

        Parameters
        ----------
        batch
            Its counts, size factors (totals of the counts) and expression are read.
        logits
            (n_cells, n_genes). A cell's expected shares of its counts are their softmax; the mean
            is the size factor times the share.
        hidden
            Last hidden layer of the decoder, (n_cells, hidden_size).
        """
        total = batch.size_factor.clamp(min=1.0)
        log_shares = torch.log_softmax(logits, dim=1)
        log_probability = self.log_probability(batch.counts, log_shares, total, hidden)
        return -log_probability.sum(dim=1).div(total).mean()

    def log_probability(
        self, counts: Tensor, log_shares: Tensor, total: Tensor, hidden: Tensor
    ) -> Tensor:
        """Elementwise log-probability, up to a constant of the data; all (n_cells, n_genes)."""
        raise NotImplementedError


class Multinomial(Likelihood):
    """Counts of a cell given their total; no parameters but the shares."""

    def log_probability(
        self, counts: Tensor, log_shares: Tensor, total: Tensor, hidden: Tensor
    ) -> Tensor:
        return counts * log_shares


class NegativeBinomial(Likelihood):
    """Negative binomial with a dispersion for each gene."""

    def __init__(self, n_genes: int, hidden_size: int) -> None:
        super().__init__(n_genes, hidden_size)
        self.log_dispersion = nn.Parameter(torch.zeros(n_genes))

    def log_probability(
        self, counts: Tensor, log_shares: Tensor, total: Tensor, hidden: Tensor
    ) -> Tensor:
        return negative_binomial(counts, log_shares + total.log().unsqueeze(1), self.log_dispersion)


class ZeroInflatedNegativeBinomial(NegativeBinomial):
    """Negative binomial with extra zeros, whose probability depends on cell and gene."""

    def __init__(self, n_genes: int, hidden_size: int) -> None:
        super().__init__(n_genes, hidden_size)
        self.dropout_logits = nn.Linear(hidden_size, n_genes)

    def log_probability(
        self, counts: Tensor, log_shares: Tensor, total: Tensor, hidden: Tensor
    ) -> Tensor:
        present = super().log_probability(counts, log_shares, total, hidden)
        return zero_inflated(present, counts, self.dropout_logits(hidden))


class Gaussian(Likelihood):
    """Mean squared error of scaled expression, for cells without counts."""

    def forward(self, batch: Batch, logits: Tensor, hidden: Tensor) -> Tensor:
        """Mean over cells and genes, a scalar."""
        return (torch.log_softmax(logits, dim=1) - batch.expression).pow(2).mean()


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "multinomial": Multinomial,
    "nb": NegativeBinomial,
    "zinb": ZeroInflatedNegativeBinomial,
    "none": Gaussian,
}
