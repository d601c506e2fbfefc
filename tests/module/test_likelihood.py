"""Likelihoods against scipy and torch.distributions, and what the decoder makes of them."""

import numpy as np
import pytest
import torch
from scipy.stats import nbinom

from scsiameseclu.module.cells import Batch
from scsiameseclu.module.decoders import CountDecoder
from scsiameseclu.module.likelihood import (
    LIKELIHOODS,
    Gaussian,
    Multinomial,
    NegativeBinomial,
    ZeroInflatedNegativeBinomial,
    negative_binomial,
    zero_inflated,
)

N_GENES, HIDDEN = 6, 8
COUNTS = ("multinomial", "nb", "zinb")


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def batch_of(counts: torch.Tensor) -> Batch:
    """A mini-batch with these counts; the rest is empty."""
    nothing = torch.zeros(len(counts), 0)
    return Batch(
        cells=torch.arange(len(counts)),
        expression=counts.log1p(),
        counts=counts,
        size_factor=counts.sum(dim=1),
        perturbed=nothing,
        diffused=nothing,
        propagated=nothing,
        neighbours=nothing.long(),
        weights=nothing,
    )


@pytest.fixture
def batch() -> Batch:
    rates = torch.full((4, N_GENES), 3.0)
    return batch_of(torch.poisson(rates, generator=torch.Generator().manual_seed(0)))


def test_negative_binomial_agrees_with_scipy() -> None:
    counts = torch.tensor([[0.0, 1.0, 7.0], [3.0, 0.0, 120.0]])
    mean, theta = normal(2, 3).exp() * 4, normal(3, seed=1).exp()
    ours = negative_binomial(counts, mean.log(), theta.log()).numpy()
    r, mu = theta.numpy().astype(float), mean.numpy().astype(float)
    np.testing.assert_allclose(ours, nbinom.logpmf(counts.numpy(), r, r / (r + mu)), rtol=2e-4)


def test_zero_inflation_is_a_mixture() -> None:
    counts = torch.tensor([[0.0, 2.0]])
    log_p = torch.tensor([[-1.0, -3.0]])
    logits = torch.tensor([[0.3, -0.2]])
    pi = logits.sigmoid()
    expected = (pi * (counts == 0) + (1 - pi) * log_p.exp()).log()
    torch.testing.assert_close(zero_inflated(log_p, counts, logits), expected)


def test_multinomial_agrees_with_torch_up_to_a_constant(batch: Batch) -> None:
    """The number of orders in which the counts can come does not depend on the shares."""
    likelihood = Multinomial(N_GENES, HIDDEN)

    def theirs(logits: torch.Tensor) -> torch.Tensor:
        return torch.stack(
            [
                -torch.distributions.Multinomial(int(counts.sum()), logits=row).log_prob(counts)
                / counts.sum()
                for counts, row in zip(batch.counts, logits, strict=True)
            ]
        ).mean()

    one, other = normal(4, N_GENES), normal(4, N_GENES, seed=1)
    hidden = torch.zeros(4, HIDDEN)
    ours = likelihood(batch, one, hidden) - likelihood(batch, other, hidden)
    torch.testing.assert_close(ours, theirs(one) - theirs(other))


def test_nb_has_the_size_factor_times_the_share_as_mean(batch: Batch) -> None:
    likelihood = NegativeBinomial(N_GENES, HIDDEN)
    with torch.no_grad():
        likelihood.log_dispersion.copy_(normal(N_GENES, seed=2))
    logits, theta = normal(4, N_GENES), likelihood.log_dispersion.detach().exp()
    mean = batch.size_factor.unsqueeze(1) * logits.softmax(dim=1)
    theirs = torch.distributions.NegativeBinomial(theta, probs=mean / (mean + theta))
    expected = -(theirs.log_prob(batch.counts).sum(dim=1) / batch.size_factor).mean()
    torch.testing.assert_close(likelihood(batch, logits, torch.zeros(4, HIDDEN)), expected)


def test_zinb_mixes_in_zeros_that_depend_on_the_cell(batch: Batch) -> None:
    likelihood = ZeroInflatedNegativeBinomial(N_GENES, HIDDEN)
    logits, hidden = normal(4, N_GENES), normal(4, HIDDEN, seed=1)
    mean = batch.size_factor.unsqueeze(1) * logits.softmax(dim=1)
    present = torch.distributions.NegativeBinomial(1.0, probs=mean / (mean + 1.0))
    pi = likelihood.dropout_logits(hidden).sigmoid()
    mixed = pi * (batch.counts == 0) + (1 - pi) * present.log_prob(batch.counts).exp()
    expected = -(mixed.log().sum(dim=1) / batch.size_factor).mean()
    torch.testing.assert_close(likelihood(batch, logits, hidden), expected)


@pytest.mark.parametrize("kind", COUNTS)
def test_deep_and_shallow_cells_weigh_the_same(kind: str) -> None:
    """Ten times the counts give about the same loss per count, if only their shares matter."""
    shares = torch.tensor([[0.5, 0.3, 0.2]])
    likelihood = LIKELIHOODS[kind](3, HIDDEN)
    if kind == "zinb":
        torch.nn.init.constant_(likelihood.dropout_logits.bias, -20.0)
    losses = [
        float(likelihood(batch_of(depth * shares), shares.log(), torch.zeros(1, HIDDEN)))
        for depth in (1000.0, 10_000.0)
    ]
    if kind == "multinomial":
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    else:
        assert max(map(abs, losses)) < 0.05  # a term per gene, shared out over the counts


@pytest.mark.parametrize("kind", COUNTS)
def test_true_shares_are_likelier_than_others(kind: str) -> None:
    shares = normal(1, 50).softmax(1)
    counts = torch.poisson(5000 * shares, generator=torch.Generator().manual_seed(0))
    likelihood, hidden = LIKELIHOODS[kind](50, HIDDEN), torch.zeros(1, HIDDEN)
    right = likelihood(batch_of(counts), shares.log(), hidden)
    assert right < likelihood(batch_of(counts), shares.roll(1, 1).log(), hidden)


@pytest.mark.parametrize("kind", LIKELIHOODS)
def test_each_parameter_of_the_decoder_gets_a_gradient(kind: str, batch: Batch) -> None:
    decoder = CountDecoder(N_GENES, HIDDEN, 3, LIKELIHOODS[kind])
    decoder(normal(4, 3, seed=3), batch).backward()
    for name, parameter in decoder.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_only_some_likelihoods_have_parameters() -> None:
    names = {
        kind: {name for name, _ in made(N_GENES, HIDDEN).named_parameters()}
        for kind, made in LIKELIHOODS.items()
    }
    dropout = {"dropout_logits.weight", "dropout_logits.bias"}
    assert names == {
        "multinomial": set(),
        "nb": {"log_dispersion"},
        "zinb": {"log_dispersion"} | dropout,
        "none": set(),
    }


def test_gaussian_is_the_mean_squared_error(batch: Batch) -> None:
    logits = normal(4, N_GENES)
    expected = ((logits.log_softmax(dim=1) - batch.expression) ** 2).mean()
    torch.testing.assert_close(Gaussian(N_GENES, HIDDEN)(batch, logits, logits), expected)
