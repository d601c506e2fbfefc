"""Which part of the principal components is signal."""

from __future__ import annotations

import numpy as np

FEW_COMPONENTS = 20
NOISE_SHARE = 0.1


def signal_weights(components: np.ndarray) -> np.ndarray:
    """How much of each principal component's deviation is signal, (n_components,) in [0, 1].

    ``sqrt(max(0, 1 - noise / variance))``, where the noise is the mean variance of the last tenth
    of the components. With fewer than 20 components all weights are 1: the last are not noise.
    """
    n_components = components.shape[1]
    if n_components < FEW_COMPONENTS:
        return np.ones(n_components, dtype=np.float32)
    variance = np.maximum(components.var(axis=0, dtype=np.float64), 1e-12)
    noise = np.sort(variance)[: int(NOISE_SHARE * n_components)].mean()
    return np.sqrt(np.maximum(0.0, 1.0 - noise / variance)).astype(np.float32)
