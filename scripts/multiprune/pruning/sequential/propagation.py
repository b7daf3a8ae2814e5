"""Sequential propagation: a block is pruned by activations that went through the pruned blocks.

The reference procedure of Wanda, RIA and OWL: a pass through the block while it is still dense
gives its statistics, it is pruned, and a pass through the pruned block gives the next one's inputs.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from torch import Tensor

from multiprune.errors import InputError
from multiprune.files.tensors import opened_tensors, read_metadata
from multiprune.models.weights import LinearWeight, ModelWeights
from multiprune.pruning.moved_weights import apply_pruning
from multiprune.pruning.pruner import BlockReport, Pruner, Statistics
from multiprune.pruning.sequential.passes import BlockPasses
from multiprune.pruning.sequential.pruners import BlockPruner
from multiprune.statistics.passes import distinct_inputs

LSA = "lsa"  # the allocation that is decided by windows on their way through the dense model


class Progress:
    """The blocks that are finished, a file each, so that a killed job goes on from there.

    Only files of the same `key` count, a hash of all that the blocks depend on.
    """

    def __init__(self, folder: Path | str, key: str, pruner: BlockPruner):
        self.folder = Path(folder)
        self._key = key
        self._pruner = pruner

    def path(self, block: int) -> Path:
        """Where a block is kept."""
        return self.folder / f"block-{block:05}.safetensors"

    def holds(self, block: int) -> bool:
        """Whether a block is finished."""
        if not self.path(block).exists():
            return False
        with opened_tensors(self.path(block)) as file:
            return read_metadata(file).get("key") == self._key

    def keep(
        self,
        pruned: dict[str, np.ndarray] | dict[str, Tensor],
        block: list[LinearWeight],
        report: BlockReport,
    ) -> None:
        """Write a pruned block, whole or not at all."""
        metadata = {
            "key": self._key,
            "shapes": {weight.name: weight.stored_shape for weight in block},
            "report": vars(report),
        }
        self._pruner.write(self.path(report.block), pruned, metadata)

    def report(self, block: int) -> BlockReport:
        """What happened to a finished block."""
        with opened_tensors(self.path(block)) as file:
            return BlockReport(**json.loads(read_metadata(file)["report"]))

    def remove(self) -> None:
        """Remove the files of all blocks, of killed jobs as well, and the folder if it is empty."""
        for path in [*self.folder.glob("block-*.safetensors*"), *self.folder.glob(".block-*.tmp")]:
            path.unlink()
        if self.folder.is_dir() and not any(self.folder.iterdir()):
            self.folder.rmdir()


def allocate(
    weights: ModelWeights,
    method: dict,
    sparsity: float,
    statistics: Statistics | None,
    contrast: Statistics | None,
    errors: np.ndarray | None = None,
) -> list[BlockReport]:
    """The sparsity of each block, decided on the dense model before any block is pruned.

    As OWL's procedure does (Yin et al. 2024): its outlier shares are those of the dense model. A
    uniform allocation reads no statistics, and `lsa` the blocks' `errors` [blocks] in their place.
    Raises InputError where another has none.
    """
    kind = method["allocation"]["kind"]
    if kind in ("uniform", LSA):
        if statistics or contrast:
            raise InputError(f"--statistics: allocation {kind} reads none; leave it out")
        method = {key: value for key, value in method.items() if key != "norm"}
    elif statistics is None:
        raise InputError(f"allocation {kind}: is decided on the dense model, needs --statistics")
    return Pruner(weights, statistics, method, contrast, errors).allocate(sparsity)


def prune_sequentially(
    passes: BlockPasses,
    weights: ModelWeights,
    pruner: BlockPruner,
    allocation: list[BlockReport],
    progress: Progress,
) -> Iterator[tuple[BlockReport, bool]]:
    """Prune block by block; yields each block's report and whether an earlier job had finished it.

    The calibration sets have entered `passes`. What becomes of the blocks is in `progress`, and the
    model of `passes` is pruned in place.
    """
    inputs = distinct_inputs(passes.model, weights.architecture)
    for report, block in zip(allocation, weights.by_block().values(), strict=True):
        index = report.block
        finished = progress.holds(index)
        with passes.on_device(index):
            if not finished:
                channels = {i: size for i, size in inputs.items() if i.block == index}
                accumulators = pruner.accumulators(passes.sets, channels, passes.device)
                passes.accumulate(index, accumulators)
                progress.keep(pruner.prune(block, report, accumulators), block, report)
            apply_pruning(passes.model, progress.path(index))
            if report is not allocation[-1]:  # the last block's output is nobody's input
                passes.advance(index)
        yield progress.report(index), finished
