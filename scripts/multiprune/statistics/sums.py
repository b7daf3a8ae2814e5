"""Additive activation statistics of a module's input: accumulate, merge, finish.

One dense forward pass per (model, language) yields the sum of squares of each input channel, and a
count for each activation threshold that a method reads. Every norm and allocation follows from
them, and several languages are merged by adding.
"""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

NOTHING: Mapping[str, float] = MappingProxyType({})


class ActivationSums:
    """Running sums over tokens of one module input with `channels` channels, in float64.

    `counted` names the counts, by the threshold of each: a token counts as active in channel j
    where |x_tj| > threshold * rms(x_t). The sign of an input says nothing, since most inputs are
    normalised residuals.
    """

    def __init__(
        self,
        channels: int,
        counted: Mapping[str, float] = NOTHING,
        device: str | torch.device = "cpu",
    ):
        self.tokens = 0
        self._counted = dict(counted)
        rows = 1 + len(self._counted)
        self._sums = torch.zeros(rows, channels, dtype=torch.float64, device=device)

    def update(self, inputs: Tensor, counted: Tensor | None = None) -> None:
        """Add a batch of inputs [..., channels]; `counted` [...] is False at tokens left out."""
        tokens = inputs.reshape(-1, inputs.shape[-1])  # (tokens, channels)
        if counted is not None:
            tokens = tokens[counted.reshape(-1).to(tokens.device)]
        square = tokens.float().square()
        self._sums[0] += square.sum(dim=0, dtype=torch.float64)
        if self._counted:
            mean_square = square.mean(dim=1, keepdim=True)
            for row, threshold in zip(self._sums[1:], self._counted.values(), strict=True):
                active = square > threshold**2 * mean_square
                row += active.sum(dim=0, dtype=torch.int32)  # exact, and several times as fast
        self.tokens += tokens.shape[0]

    def merge(self, other: "ActivationSums") -> None:
        """Add the sums of other tokens."""
        self._sums += other._sums.to(self._sums.device)
        self.tokens += other.tokens

    def arrays(self) -> dict[str, np.ndarray]:
        """`sum_sq` and the counts by their names, as float64 vectors [channels]."""
        return dict(zip(["sum_sq", *self._counted], self._sums.cpu().numpy(), strict=True))
