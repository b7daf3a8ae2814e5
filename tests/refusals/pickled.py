"""Pickled weights beside a model: whoever unpickles them leaves a trace."""

import pickle
from pathlib import Path


class Trap:
    """Whoever unpickles it leaves a trace."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def pickles(folder: Path) -> None:
    """The same weights once more, or so they say."""
    for name in ("pytorch_model.bin", "training_args.bin", "consolidated.00.pth"):
        (folder / name).write_bytes(pickle.dumps(Trap(folder.parent / "unpickled")))
