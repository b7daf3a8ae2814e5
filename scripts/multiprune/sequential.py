"""Sequential propagation: a block is pruned by activations that went through the pruned blocks.

The reference procedure of Wanda, RIA and OWL: a pass through the block while it is still dense
gives its statistics, it is pruned, and a pass through the pruned block gives the next one's inputs.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from multiprune.activations import distinct_inputs
from multiprune.architectures import is_down_projection
from multiprune.artefacts import opened_tensors, read_metadata
from multiprune.block_activations import BlockPasses
from multiprune.errors import InputError
from multiprune.masks import apply_mask, read_mask, write_mask
from multiprune.pruning import BlockReport, PrunedModel, Pruner, Statistics
from multiprune.statistics import ActivationSums
from multiprune.statistics_files import InputStatistics, ModuleInput
from multiprune.weights import LinearWeight, ModelWeights

CONTRAST = "--contrast-windows"  # names the contrast set among the calibration sets


class BlockStatistics:
    """Sums of one block's module inputs, a row per calibration set, in memory."""

    def __init__(self, sums: dict[str, dict[ModuleInput, ActivationSums]]):
        """Take the sums by calibration set; raise InputError where they are not finite."""
        self.inputs = list(next(iter(sums.values())))
        self._input_of = {member: i for i in self.inputs for member in i.members}
        self._sums = {i: [by_input[i] for by_input in sums.values()] for i in self.inputs}
        for name, by_input in sums.items():
            for module_input, total in by_input.items():
                if not all(np.isfinite(array).all() for array in total.arrays().values()):
                    raise InputError(
                        f"{name}: its activations at {module_input.name} are not finite; load the "
                        "model in another dtype or prune less"
                    )

    def input_of(self, parameter: str) -> ModuleInput:
        """The module input that a parameter is multiplied with."""
        return self._input_of[parameter]

    def read(self, module_input: ModuleInput) -> InputStatistics:
        """Sums of one module input over all calibration sets."""
        totals = self._sums[module_input]
        arrays = [total.arrays() for total in totals]
        return InputStatistics(
            tokens=np.array([total.tokens for total in totals], dtype=np.float64),
            sum_sq=np.stack([array["sum_sq"] for array in arrays]),
            active=np.stack([array["active"] for array in arrays]),
            feeds_down_projection=is_down_projection(module_input.name),
        )


class Progress:
    """Masks of the blocks that are finished, a file each, so that a killed job goes on from there.

    Only files of the same `key` count, a hash of all that the masks depend on.
    """

    def __init__(self, folder: Path | str, key: str):
        self.folder = Path(folder)
        self._key = key

    def path(self, block: int) -> Path:
        """Where a block's masks are kept."""
        return self.folder / f"block-{block:05}.safetensors"

    def holds(self, block: int) -> bool:
        """Whether a block is finished."""
        if not self.path(block).exists():
            return False
        with opened_tensors(self.path(block)) as file:
            return read_metadata(file).get("key") == self._key

    def keep(self, masks: dict[str, np.ndarray], block: list[LinearWeight], report: BlockReport):
        """Write a block's masks, whole or not at all."""
        metadata = {
            "key": self._key,
            "shapes": {weight.name: weight.stored_shape for weight in block},
            "report": vars(report),
        }
        write_mask(self.path(report.block), masks, metadata)

    def report(self, block: int) -> BlockReport:
        """What happened to a finished block."""
        with opened_tensors(self.path(block)) as file:
            return BlockReport(**json.loads(read_metadata(file)["report"]))

    def gathered(self, blocks: list[int]) -> PrunedModel:
        """The pruned model, from the files of all blocks."""
        result = PrunedModel(blocks=[self.report(block) for block in blocks])
        for block in blocks:
            for name, packed, shape in read_mask(self.path(block)):
                result.masks[name] = packed
                result.shapes[name] = shape
        return result

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
) -> list[BlockReport]:
    """The sparsity of each block, decided on the dense model before any block is pruned.

    As OWL's procedure does (Yin et al. 2024): its outlier shares are those of the dense model. A
    uniform allocation reads no statistics. Raises InputError where another has none.
    """
    kind = method["allocation"]["kind"]
    if kind == "uniform":
        if statistics or contrast:
            raise InputError("--statistics: a uniform allocation reads none; leave it out")
        method = {key: value for key, value in method.items() if key != "norm"}
    elif statistics is None:
        raise InputError(f"allocation {kind}: is decided on the dense model, needs --statistics")
    return Pruner(weights, statistics, method, contrast).allocate(sparsity)


def prune_sequentially(
    passes: BlockPasses,
    weights: ModelWeights,
    method: dict,
    allocation: list[BlockReport],
    threshold: float,
    progress: Progress,
) -> Iterator[tuple[BlockReport, bool]]:
    """Prune block by block; yields each block's report and whether an earlier job had finished it.

    The calibration sets have entered `passes`; one called CONTRAST is only what the norm `contrast`
    divides by. The masks are in `progress`, and the model of `passes` is pruned in place.
    """
    inputs = distinct_inputs(passes.model, weights.architecture)
    for report, block in zip(allocation, weights.by_block().values(), strict=True):
        index = report.block
        finished = progress.holds(index)
        with passes.on_device(index):
            if not finished:
                channels = {i: size for i, size in inputs.items() if i.block == index}
                sums = _sums(passes, index, channels, threshold)
                contrast = sums.pop(CONTRAST, None)
                pruner = Pruner(
                    weights,
                    BlockStatistics(sums),
                    method,
                    BlockStatistics({CONTRAST: contrast}) if contrast else None,
                )
                progress.keep(pruner.prune_block(block, report), block, report)
            apply_mask(passes.model, progress.path(index))
            if report is not allocation[-1]:  # the last block's output is nobody's input
                passes.advance(index)
        yield progress.report(index), finished


def _sums(
    passes: BlockPasses, block: int, channels: dict[ModuleInput, int], threshold: float
) -> dict[str, dict[ModuleInput, ActivationSums]]:
    sums = {
        name: {i: ActivationSums(size, threshold, passes.device) for i, size in channels.items()}
        for name in passes.sets
    }
    passes.accumulate(block, sums)
    return sums
