"""Loading a model with the mask, or the weights, that pruning wrote for it."""

from pathlib import Path

from transformers import PreTrainedModel

from multiprune.models.loading import load_model
from multiprune.pruning.moved_weights import apply_pruning


def load_pruned(
    folder: Path | str, dtype: str = "auto", pruning: Path | str | None = None
) -> PreTrainedModel:
    """`load_model`, pruned by a mask or a file of weights; dense without one."""
    model = load_model(folder, dtype)
    if pruning is not None:
        apply_pruning(model, pruning)
    return model
