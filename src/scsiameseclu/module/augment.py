"""Dual augmentation: what each of the two views does to expression and to the graph."""

import torch
from torch import Tensor


def swap_genes(expression: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Replace a random ``share`` of each cell's genes by the same genes of another cell.

    The values stay ones that the gene really takes, so the network cannot tell a swapped entry by
    its size and must know the cell's type to undo it.

    Parameters
    ----------
    expression
        A mini-batch, (n_cells, n_genes).
    share
        Between 0 (nothing is swapped) and 1.
    generator
        On the tensor's device.
    """
    if share == 0:
        return expression
    device = expression.device
    donors = torch.randperm(expression.shape[0], generator=generator, device=device)
    swapped = random_mask(expression.shape, share, generator)
    return torch.where(swapped, expression[donors], expression)


def random_mask(shape: torch.Size, share: float, generator: torch.Generator) -> Tensor:
    """A bool tensor of which a random ``share`` is true, to 1 in 65,536.

    Random words of 64 bits are cut into four: on a CPU three times as fast as a uniform number for
    each entry.
    """
    n_entries = shape.numel()
    words = torch.empty(-(-n_entries // 4), dtype=torch.int64, device=generator.device)
    words.random_(-(2**63), None, generator=generator)
    threshold = min(round(share * 2**16) - 2**15, 2**15 - 1)
    return words.view(torch.int16)[:n_entries].view(shape) < threshold


def add_noise(values: Tensor, deviation: float, generator: torch.Generator) -> Tensor:
    """Multiply by noise drawn from Normal(1, ``deviation``), afresh for each entry.

    The paper's expression augmentation, X * E with E ~ Normal(1, 0.1).
    """
    if deviation == 0:
        return values
    noise = torch.randn(values.shape, generator=generator, device=values.device)
    return values * (1.0 + deviation * noise)
