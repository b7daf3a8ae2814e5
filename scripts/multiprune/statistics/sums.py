"""Additive activation statistics of a module's input: accumulate, merge, finish.

One dense forward pass per (model, language) yields the sum of squares of each input channel, and
what a method reads beside it: a count for each activation threshold, the sum, the sum of absolute
values. Every norm and allocation follows from them, and several languages are merged by adding.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor

from multiprune.statistics.readings import SUM_ABS, Absolute

NOTHING: Mapping[str, float] = MappingProxyType({})


class ActivationSums:
    """Running sums over tokens of one module input with `channels` channels, in float64.

    `counted` names the counts, by the threshold of each: a token counts as active in channel j
    where |x_tj| > threshold * rms(x_t), or |x_tj| > threshold where that is Absolute. The sign of
    an input says nothing, since most inputs are normalised residuals. `further`: SUM, SUM_ABS.
    """

    def __init__(
        self,
        channels: int,
        counted: Mapping[str, float] = NOTHING,
        device: str | torch.device = "cpu",
        further: Sequence[str] = (),
    ):
        self.tokens = 0
        self._counted, self._further = dict(counted), list(further)
        rows = 1 + len(self._counted) + len(self._further)
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
            rows = self._sums[1 : 1 + len(self._counted)]
            for row, threshold in zip(rows, self._counted.values(), strict=True):
                scale = 1 if isinstance(threshold, Absolute) else mean_square
                active = square > threshold**2 * scale
                row += active.sum(dim=0, dtype=torch.int32)  # exact, and several times as fast
        for row, name in zip(self._sums[1 + len(self._counted) :], self._further, strict=True):
            values = tokens.float()
            row += (values.abs() if name == SUM_ABS else values).sum(dim=0, dtype=torch.float64)
        self.tokens += tokens.shape[0]

    def merge(self, other: "ActivationSums") -> None:
        """Add the sums of other tokens."""
        self._sums += other._sums.to(self._sums.device)
        self.tokens += other.tokens

    def arrays(self) -> dict[str, np.ndarray]:
        """`sum_sq`, the counts and further sums by their names, float64 vectors [channels]."""
        names = ["sum_sq", *self._counted, *self._further]
        return dict(zip(names, self._sums.cpu().numpy(), strict=True))
