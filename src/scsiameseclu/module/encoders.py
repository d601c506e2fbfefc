"""The encoders of the Siamese network."""

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
