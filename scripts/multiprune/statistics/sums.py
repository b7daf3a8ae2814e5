"""Additive activation statistics of a module's input: accumulate, merge, finish.

One dense forward pass per (model, language) yields four sums per input channel, and a count for
each further activation threshold; every norm and allocation follows from them, and several
languages are merged by adding.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from multiprune.statistics.files import count_key

SUMS = ("sum", "sum_sq", "sum_abs", "active")


class ActivationSums:
    """Running sums over tokens of one module input with `channels` channels, in float64.

    A token counts as active in channel j where |x_tj| > threshold * rms(x_t); the sign of an input
    says nothing, since most inputs are normalised residuals. `further` thresholds are counted too.
    """

    def __init__(
        self,
        channels: int,
        threshold: float = 1.0,
        device: str | torch.device = "cpu",
        further: Sequence[float] = (),
    ):
        self.threshold = threshold
        self.tokens = 0
        self._thresholds = [threshold, *further]
        self._keys = [*SUMS, *(count_key(value) for value in further)]
        self._sums = torch.zeros(len(self._keys), channels, dtype=torch.float64, device=device)

    def update(self, inputs: Tensor, counted: Tensor | None = None) -> None:
        """Add a batch of inputs [..., channels]; `counted` [...] is False at padding."""
        tokens = inputs.reshape(-1, inputs.shape[-1])  # (tokens, channels)
        if counted is not None:
            tokens = tokens[counted.reshape(-1).to(tokens.device)]
        tokens = tokens.float()
        square = tokens.square()
        mean_square = square.mean(dim=1, keepdim=True)
        first = -len(self._thresholds)  # of the counts
        for row, threshold in zip(self._sums[first:], self._thresholds, strict=True):
            active = square > threshold**2 * mean_square
            row += active.sum(dim=0, dtype=torch.int32)  # exact, and several times as fast
        for row, values in zip(self._sums[:first], (tokens, square, tokens.abs()), strict=True):
            row += values.sum(dim=0, dtype=torch.float64)
        self.tokens += tokens.shape[0]

    def merge(self, other: "ActivationSums") -> None:
        """Add the sums of other tokens."""
        self._sums += other._sums.to(self._sums.device)
        self.tokens += other.tokens

    def arrays(self) -> dict[str, np.ndarray]:
        """The four sums, and the further counts by `count_key`, as float64 vectors [channels]."""
        return dict(zip(self._keys, self._sums.cpu().numpy(), strict=True))
