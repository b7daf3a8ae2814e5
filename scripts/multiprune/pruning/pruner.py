"""One-shot pruning: weights and statistics -> packed masks, of the model or of one block."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from multiprune.errors import InputError
from multiprune.experiment.group_pattern import UNSTRUCTURED, GroupPattern, parse_pattern
from multiprune.models.weights import LinearWeight, ModelWeights
from multiprune.pruning import allocations, norms
from multiprune.pruning.masks import pack
from multiprune.pruning.patterns import all_finite, keep_in_scope
from multiprune.pruning.scores import SCORES
from multiprune.statistics.files import InputStatistics, ModuleInput

# The rest are the score's.
COMMON_OPTIONS = {"score", "scope", "pattern", "norm", "allocation", "propagation"}


class Statistics(Protocol):
    """Sums over tokens of module inputs, from files (the dense model) or of one block."""

    inputs: list[ModuleInput]

    def input_of(self, parameter: str) -> ModuleInput:
        """The module input that a parameter is multiplied with."""

    def read(self, module_input: ModuleInput, threshold: float | None = None) -> InputStatistics:
        """Sums of one module input by calibration set; `active` at `threshold`.

        Without one, at the statistics' own.
        """


@dataclass
class BlockReport:
    """What happened to one decoder block."""

    block: int
    parameters: int
    target: float
    importance: float
    pruned: int = 0

    def as_json(self) -> dict[str, float]:
        """With the achieved sparsity, which rounding down to whole columns may lower."""
        return {**vars(self), "sparsity": self.pruned / self.parameters}


@dataclass
class PrunedModel:
    """Packed masks by parameter name, the parameters' shapes as stored, and the blocks' reports."""

    masks: dict[str, np.ndarray] = field(default_factory=dict)
    shapes: dict[str, tuple[int, int]] = field(default_factory=dict)
    blocks: list[BlockReport] = field(default_factory=list)

    @property
    def achieved_sparsity(self) -> float:
        """Share of all prunable weights that are dropped."""
        return sum(b.pruned for b in self.blocks) / sum(b.parameters for b in self.blocks)


def pattern_of(method: dict) -> GroupPattern | None:
    """The method's pattern n:m, None if it is unstructured."""
    return parse_pattern(method.get("pattern", UNSTRUCTURED))


def activation_threshold(method: dict, default: float) -> float:
    """The threshold of a method's norm; `default` where it names none."""
    return method.get("norm", {}).get("activation_threshold", default)


def block_targets(
    method: dict, importance: np.ndarray, parameters: np.ndarray, sparsity: float
) -> np.ndarray:
    """Sparsity of each block; whole n / m for a pattern n:m, the same n unless `mixed`.

    importance, parameters [blocks] -> [blocks]. InputError where the sparsity is not the pattern's
    (to the six digits of paths).
    """
    allocation, pattern = method["allocation"], pattern_of(method)
    if pattern is not None:
        if f"{sparsity:g}" != f"{pattern.sparsity:g}":
            raise InputError(
                f"--sparsity {sparsity:g}: the pattern {pattern} drops {pattern.sparsity:g}"
            )
        sparsity = pattern.sparsity
        if not allocation.get("mixed", False):
            return np.full(len(parameters), sparsity)
    strength = allocation.get("strength", 0.0)
    targets = allocations.block_sparsities(importance, parameters, sparsity, strength)
    if pattern is not None:
        return allocations.whole_groups(targets, parameters, pattern.size)
    return targets


def keep_by_method(method: dict, scores: Tensor, target: float, name: str) -> Tensor:
    """Select in one matrix. scores [rows, columns] -> bool, True = kept.

    `target` is an element of `block_targets`; `name` is for the one line of an InputError.
    """
    pattern = pattern_of(method)
    try:
        return keep_in_scope(scores, target, method["scope"], pattern and pattern.size)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None


class Pruner:
    """A method (canonical options of the config) applied to a model at one sparsity.

    `contrast` holds the statistics of the contrast set, and only the norm `contrast` takes them;
    InputError where the two do not go together.
    """

    def __init__(
        self,
        weights: ModelWeights,
        statistics: Statistics | None,
        method: dict,
        contrast: Statistics | None = None,
    ):
        kind = method.get("norm", {}).get("kind")
        if kind == "contrast" and contrast is None:
            raise InputError("norm contrast: needs the statistics of a contrast set, --contrast")
        if kind != "contrast" and contrast is not None:
            raise InputError(f"--contrast: is only for the norm contrast, the method has {kind}")
        self._weights = weights
        self._statistics = statistics
        self._contrast = contrast
        self._method = method
        self._norms: dict[str, Tensor] = {}

    def prune(self, sparsity: float) -> PrunedModel:
        """Allocate sparsity over the blocks, then select in every matrix."""
        result = PrunedModel(blocks=self.allocate(sparsity))
        for report, block in zip(result.blocks, self._weights.by_block().values(), strict=True):
            result.masks |= self.prune_block(block, report)
            result.shapes |= {weight.name: weight.stored_shape for weight in block}
        return result

    def allocate(self, sparsity: float) -> list[BlockReport]:
        """The sparsity that each block is to have; nothing is pruned yet."""
        blocks = self._weights.by_block()
        parameters = [sum(weight.size for weight in block) for block in blocks.values()]
        importance = self._importance(blocks)
        targets = block_targets(self._method, importance, np.array(parameters), sparsity)
        return [
            BlockReport(index, size, float(target), float(weight))
            for index, size, target, weight in zip(
                blocks, parameters, targets, importance, strict=True
            )
        ]

    def prune_block(self, block: list[LinearWeight], report: BlockReport) -> dict[str, np.ndarray]:
        """Packed masks of a block's matrices; counts what is dropped in the block's report."""
        masks = {}
        for weight in block:
            keep = keep_by_method(self._method, self._scores(weight), report.target, weight.name)
            report.pruned += weight.size - int(keep.sum())
            masks[weight.name] = pack(keep.T if weight.transposed else keep)
        return masks

    def _importance(self, blocks: dict[int, list[LinearWeight]]) -> np.ndarray:
        allocation = self._method["allocation"]
        if allocation["kind"] == "uniform":
            return allocations.uniform(len(blocks))
        outliers = None
        if allocation["kind"] == "owl" or allocation.get("combine") == "owl":
            multiple = allocation["outlier_multiple"]
            outliers = np.array([self._outlier_share(block, multiple) for block in blocks.values()])
        if allocation["kind"] == "owl":
            return allocations.owl(outliers)
        correlation = np.array([self._correlation(index) for index in blocks])
        return allocations.cwl(
            correlation, allocation["direction"], allocation["combine"], outliers
        )

    def _outlier_share(self, block: list[LinearWeight], multiple: float) -> float:
        # Two passes, so that no more than one matrix of scores is in memory.
        size = sum(weight.size for weight in block)
        mean = sum(float(self._scores(weight).double().sum()) for weight in block) / size
        above = sum(int((self._scores(weight) > multiple * mean).sum()) for weight in block)
        return above / size

    def _correlation(self, block: int) -> float:
        inputs = [i for i in self._statistics.inputs if i.block == block]
        sums = [norms.summed_correlation(self._statistics.read(i)) for i in inputs]
        return allocations.block_correlation(sums)

    def _scores(self, weight: LinearWeight) -> Tensor:
        matrix = self._weights.read(weight).float()
        if not all_finite(matrix):
            raise InputError(
                f"{self._weights.folder}: {weight.name} holds numbers that are not finite"
            )
        options = {key: value for key, value in self._method.items() if key not in COMMON_OPTIONS}
        norm = self._norm(weight.name) if self._statistics else None
        if norm is not None and len(norm) != weight.columns:
            raise InputError(
                f"{weight.name}: has {weight.columns} columns, its statistics are of {len(norm)} "
                "channels; collect them anew on this model"
            )
        return SCORES[self._method["score"]](matrix, norm, **options)

    def _norm(self, parameter: str) -> Tensor:
        module_input = self._statistics.input_of(parameter)
        if module_input.name not in self._norms:
            options = dict(self._method["norm"])
            function = norms.NORMS[options.pop("kind")]
            threshold = options.pop("activation_threshold", None)
            if self._contrast:
                options["against"] = self._contrast.read(self._contrast.input_of(parameter))
            norm = function(self._statistics.read(module_input, threshold), **options)
            self._norms[module_input.name] = torch.from_numpy(norm).float()
        return self._norms[module_input.name]
