"""Second moments of a module's input, the Hessian of its layer-wise reconstruction error.

For || W X - W' X ||^2 every output row of W has the same Hessian, X X^T up to a factor that no
pruning decision depends on.
"""

import torch
from torch import Tensor

from multiprune.errors import InputError


class InputHessian:
    """Running sum over tokens of x x^T of one module input with `channels` channels.

    channels^2 numbers, float64 on the CPU and float32 elsewhere, where double precision is slow.
    """

    def __init__(self, channels: int, device: str | torch.device = "cpu"):
        dtype = torch.float64 if torch.device(device).type == "cpu" else torch.float32
        self.tokens = 0
        self._sum = torch.zeros(channels, channels, dtype=dtype, device=device)

    def update(self, inputs: Tensor, counted: Tensor | None = None) -> None:
        """Add a batch of inputs [..., channels]; `counted` [...] is False at padding."""
        tokens = inputs.reshape(-1, inputs.shape[-1])  # (tokens, channels)
        if counted is not None:
            tokens = tokens[counted.reshape(-1).to(tokens.device)]
        tokens = tokens.to(torch.promote_types(tokens.dtype, torch.float32))
        self._sum += tokens.T @ tokens
        self.tokens += tokens.shape[0]

    @property
    def matrix(self) -> Tensor:
        """Mean of x x^T over the tokens, [channels, channels]; InputError where there are none."""
        if self.tokens == 0:
            raise InputError("the Hessian has counted no token; calibrate on longer windows")
        return self._sum / self.tokens
