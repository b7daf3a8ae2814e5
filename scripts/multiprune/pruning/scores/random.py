"""A number drawn at random; needs no calibration."""

import zlib

import torch
from torch import Tensor

CALIBRATED = False
OPTIONS = {
    "mask_seed": {"default": 0, "ge": 0, "le": 2_147_483_647, "description": "Seed of the numbers."}
}


def score(weight: Tensor, norm: Tensor | None = None, mask_seed: int = 0) -> Tensor:
    """S_ij uniform on [0, 1). weight [rows, columns] -> [rows, columns].

    The baseline of Kim et al. 2024, whose code draws for each weight whether it goes; here a score
    is drawn, and each row loses the same share. Another seed or another matrix draws other
    numbers; the same on every device.
    """
    content = zlib.crc32(weight.cpu().contiguous().numpy().tobytes(), mask_seed)
    generator = torch.Generator().manual_seed(content)
    return torch.rand(weight.shape, generator=generator).to(weight.device)
