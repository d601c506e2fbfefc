"""The encoders and decoders of the Siamese network."""

import torch
from torch import Tensor, nn

from scsiameseclu.module.sparse_rows import SparseRows


class ExpressionEncoder(nn.Module):
    """Log-normalised variable genes (n_cells, n_genes) to a latent (n_cells, latent_size).

    Genes come dense, or sparse where no gradient is asked for.
    """

    def __init__(self, n_genes: int, hidden_size: int, latent_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_genes, hidden_size),
            nn.LayerNorm(hidden_size),
            nn.LeakyReLU(0.1),
            nn.Linear(hidden_size, latent_size),
        )

    def forward(self, expression: Tensor | SparseRows) -> Tensor:
        if isinstance(expression, Tensor):
            return self.layers(expression)
        first = self.layers[0]
        assert isinstance(first, nn.Linear)
        return self.layers[1:](expression @ first.weight.T + first.bias)


class GraphEncoder(nn.Module):
    """Propagated components (n_cells, n_components) to a latent (n_cells, latent_size).

    The propagation itself is done beforehand (decoupled, as in SGC and APPNP), so that a training
    step needs only its mini-batch. Given the inputs of a cell, a new one is encoded the same way.
    """

    def __init__(self, n_components: int, hidden_size: int, latent_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(n_components, hidden_size), nn.Tanh(), nn.Linear(hidden_size, latent_size)
        )

    def forward(self, propagated: Tensor) -> Tensor:
        return self.layers(propagated)


class GraphDecoder(nn.Module):
    """A graph latent back to the propagated components."""

    def __init__(self, n_components: int, hidden_size: int, latent_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_size, hidden_size), nn.Tanh(), nn.Linear(hidden_size, n_components)
        )

    def forward(self, latent: Tensor) -> Tensor:
        return self.layers(latent)


class CountDecoder(nn.Module):
    """A fused latent to the parameters of the counts' distribution.

    The mean is ``size_factor * softmax(logits)``: shares of the cell's counts among the variable
    genes, times how many there were. Dispersion is one number a gene; the dropout probability (only
    for ``zinb``) one a gene and cell.
    """

    def __init__(self, n_genes: int, hidden_size: int, latent_size: int, dropout: bool) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(latent_size, hidden_size), nn.LayerNorm(hidden_size), nn.LeakyReLU(0.1)
        )
        self.logits = nn.Linear(hidden_size, n_genes)
        self.log_dispersion = nn.Parameter(torch.zeros(n_genes))
        self.dropout_logits = nn.Linear(hidden_size, n_genes) if dropout else None

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Log shares, log dispersion and dropout logits: (n, g), (g,), (n, g) or None."""
        hidden = self.hidden(latent)
        shares = torch.log_softmax(self.logits(hidden), dim=1)
        dropout = None if self.dropout_logits is None else self.dropout_logits(hidden)
        return shares, self.log_dispersion, dropout
