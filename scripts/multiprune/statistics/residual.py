"""Norms of the dimensions of the residual stream, which Kim et al. (2024) call features."""

import numpy as np
import torch
from torch import Tensor


class ResidualNorms:
    """Mean over windows of each dimension's L2 norm over a window's positions, layer by layer.

    Layers are the hidden states of transformers: what the first block reads (the embeddings), the
    output of every block, that of the last behind the final norm.
    """

    def __init__(self) -> None:
        """Nothing is seen yet."""
        self._sums: dict[int, Tensor] = {}  # by layer, [dimensions]
        self._windows: dict[int, int] = {}

    def update(self, layer: int, hidden: Tensor, counted: Tensor | None = None) -> None:
        """Add windows [windows, length, dimensions]; `counted` is False where left out."""
        square = hidden.detach().float().square()
        if counted is not None:
            square *= counted[..., None].to(square.device)
        norms = square.sum(dim=1, dtype=torch.float64).sqrt()
        self._sums[layer] = self._sums.get(layer, 0) + norms.sum(dim=0)
        self._windows[layer] = self._windows.get(layer, 0) + len(norms)

    def merge(self, other: "ResidualNorms") -> None:
        """Add other windows."""
        for layer, total in other._sums.items():
            self._sums[layer] = self._sums.get(layer, 0) + total
            self._windows[layer] = self._windows.get(layer, 0) + other._windows[layer]

    def arrays(self) -> list[np.ndarray]:
        """The means of every layer, float64 [dimensions] each."""
        return [
            (self._sums[layer] / self._windows[layer]).cpu().numpy() for layer in sorted(self._sums)
        ]
