"""One-shot pruning: weights and statistics -> packed masks, of the model or of one block."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from multiprune.errors import InputError
from multiprune.experiment.group_pattern import UNSTRUCTURED, GroupPattern, parse_pattern
from multiprune.models.weights import LinearWeight, ModelWeights
from multiprune.pruning.masks import pack
from multiprune.pruning.patterns import all_finite, keep_in_scope
from multiprune.pruning.sparsities import block_sparsities, whole_groups
from multiprune.registry import find
from multiprune.statistics.correlation import (
    block_correlation,
    summed_correlation,
    summed_score_correlation,
)
from multiprune.statistics.files import InputStatistics, ModuleInput
from multiprune.statistics.readings import FURTHER, Absolute

# The rest are the score's.
COMMON_OPTIONS = {"score", "scope", "pattern", "norm", "allocation", "propagation", "refine"}
ALLOCATED = {"strength", "mixed"}  # what becomes of an allocation's importances, whatever its kind


class Statistics(Protocol):
    """Sums over tokens of module inputs, from files (the dense model) or of one block."""

    inputs: list[ModuleInput]

    def input_of(self, parameter: str) -> ModuleInput:
        """The module input that a parameter is multiplied with."""

    def read(
        self,
        module_input: ModuleInput,
        counts: bool = False,
        threshold: float | None = None,
        absolute: bool = False,
        further: str | None = None,
    ) -> InputStatistics:
        """Sums of one module input by calibration set.

        With `counts` also of activity, at `threshold` or, without one, at the statistics' own,
        which is `absolute` or not; with `further` the sum of that name.
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


def reads_activity(method: dict) -> bool:
    """Whether a method's norm reads how often channels are active."""
    return bool(method.get("norm", {}).get("activation_weight"))


def activation_threshold(method: dict, default: float) -> float:
    """The threshold of a method's norm; `default` where it names none."""
    norm = method.get("norm", {})
    threshold = norm.get("activation_threshold", default)
    return threshold if norm.get("activation_relative", True) else Absolute(threshold)


def further_sum(method: dict) -> str | None:
    """The sum beside that of squares that a method's norm reads, None if it reads none."""
    return FURTHER.get(method.get("norm", {}).get("of"))


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
    targets = block_sparsities(importance, parameters, sparsity, strength)
    if pattern is not None:
        return whole_groups(targets, parameters, pattern.size)
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
    InputError where the two do not go together. `errors` [blocks], of `sequential.reconstruction`,
    are for the allocation `lsa`.
    """

    def __init__(
        self,
        weights: ModelWeights,
        statistics: Statistics | None,
        method: dict,
        contrast: Statistics | None = None,
        errors: np.ndarray | None = None,
    ):
        kind = method.get("norm", {}).get("kind")
        if kind == "contrast" and contrast is None:
            raise InputError("norm contrast: needs the statistics of a contrast set, --contrast")
        if kind != "contrast" and contrast is not None:
            raise InputError(f"--contrast: is only for the norm contrast, the method has {kind}")
        self._weights = weights
        self._statistics = statistics
        self._contrast = contrast
        self._errors = errors
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
        options = dict(self._method["allocation"])
        allocation = find("pruning.allocations", options.pop("kind"))
        own = {key: value for key, value in options.items() if key not in ALLOCATED}
        return allocation.importance(MeasuredBlocks(self, blocks), **own)

    def outlier_share(self, block: list[LinearWeight], multiple: float) -> float:
        """Share of a block's scores above `multiple` times their mean."""
        # Two passes, so that no more than one matrix of scores is in memory.
        size = sum(weight.size for weight in block)
        mean = sum(float(self._scores(weight).double().sum()) for weight in block) / size
        above = sum(int((self._scores(weight) > multiple * mean).sum()) for weight in block)
        return above / size

    def median_score(self, block: list[LinearWeight]) -> float:
        """Median of a block's scores, of an even number the lower of the two in the middle."""
        scores = torch.cat([self._scores(weight).flatten() for weight in block])
        return float(scores.median())

    def reconstruction_error(self) -> np.ndarray:
        """The blocks' errors that were given; InputError without them."""
        if self._errors is None:
            raise InputError(
                "allocation lsa: is decided by windows, which pass through the dense model; add "
                "propagation: sequential"
            )
        return self._errors

    def correlation(self, index: int, block: list[LinearWeight], of: str) -> float:
        """Mean correlation between languages, of a block's inputs or of the `scores` of weights."""
        if of == "scores":
            return block_correlation([self._correlated_scores(weight) for weight in block])
        inputs = [i for i in self._statistics.inputs if i.block == index]
        return block_correlation([summed_correlation(self._statistics.read(i)) for i in inputs])

    def _correlated_scores(self, weight: LinearWeight) -> tuple[float, int]:
        matrix = self._weights.read(weight).double()
        statistics = self._statistics.read(self._statistics.input_of(weight.name))
        columns = matrix.abs().mean(dim=0).numpy(), matrix.square().mean(dim=0).numpy()
        return summed_score_correlation(statistics, *columns)

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
        scores = find("pruning.scores", self._method["score"]).score(matrix, norm, **options)
        if scores.shape != matrix.shape:
            given, name = list(scores.shape), self._method["score"]
            raise InputError(
                f"{weight.name}: score {name} gave {given} for a weight of {list(matrix.shape)}; "
                "allowed is a score for each weight"
            )
        return scores

    def _norm(self, parameter: str) -> Tensor:
        module_input = self._statistics.input_of(parameter)
        if module_input.name not in self._norms:
            options = dict(self._method["norm"])
            kind = find("pruning.norms", options.pop("kind"))
            threshold = options.pop("activation_threshold", None)
            absolute = not options.pop("activation_relative", True)
            if self._contrast:
                options["against"] = self._contrast.read(self._contrast.input_of(parameter))
            counts = reads_activity(self._method)
            asked = (counts, threshold, absolute, further_sum(self._method))
            norm = kind.norm(self._statistics.read(module_input, *asked), **options)
            self._norms[module_input.name] = torch.from_numpy(norm).float()
        return self._norms[module_input.name]


class MeasuredBlocks:
    """The decoder blocks of a model as an allocation sees them (`sparsities.Blocks`)."""

    def __init__(self, pruner: Pruner, blocks: dict[int, list[LinearWeight]]):
        self.count = len(blocks)
        self._pruner, self._blocks = pruner, blocks

    def outlier_share(self, multiple: float) -> np.ndarray:
        """As `sparsities.Blocks` says."""
        return np.array([self._pruner.outlier_share(b, multiple) for b in self._blocks.values()])

    def median_score(self) -> np.ndarray:
        """As `sparsities.Blocks` says."""
        return np.array([self._pruner.median_score(b) for b in self._blocks.values()])

    def correlation(self, of: str = "norms") -> np.ndarray:
        """As `sparsities.Blocks` says."""
        pairs = self._blocks.items()
        return np.array([self._pruner.correlation(index, block, of) for index, block in pairs])

    def reconstruction_error(self) -> np.ndarray:
        """As `sparsities.Blocks` says."""
        return self._pruner.reconstruction_error()
