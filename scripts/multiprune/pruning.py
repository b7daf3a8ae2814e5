"""One-shot pruning with dense statistics: weights and statistics -> packed masks."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from multiprune import allocations, norms
from multiprune.errors import InputError
from multiprune.masks import pack
from multiprune.patterns import keep_in_scope
from multiprune.scores import SCORES
from multiprune.statistics_files import StatisticsFiles
from multiprune.weights import LinearWeight, ModelWeights

COMMON_OPTIONS = {"score", "scope", "pattern", "norm", "allocation"}  # the rest are the score's


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


class Pruner:
    """A method (canonical options of the config) applied to a model at one sparsity.

    `contrast` holds the statistics of the contrast set, and only the norm `contrast` takes them;
    InputError where the two do not go together.
    """

    def __init__(
        self,
        weights: ModelWeights,
        statistics: StatisticsFiles | None,
        method: dict,
        contrast: StatisticsFiles | None = None,
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
        blocks = self._weights.by_block()
        parameters = np.array([sum(weight.size for weight in block) for block in blocks.values()])
        importance = self._importance(blocks)
        strength = self._method["allocation"].get("strength", 0.0)
        targets = allocations.block_sparsities(importance, parameters, sparsity, strength)
        result = PrunedModel()
        for position, (index, block) in enumerate(blocks.items()):
            target = float(targets[position])
            report = BlockReport(
                index, int(parameters[position]), target, float(importance[position])
            )
            for weight in block:
                keep = keep_in_scope(self._scores(weight), target, self._method["scope"])
                report.pruned += weight.size - int(keep.sum())
                result.masks[weight.name] = pack(keep.T if weight.transposed else keep)
                result.shapes[weight.name] = weight.stored_shape
            result.blocks.append(report)
        return result

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
        matrices = [norms.language_correlation(self._statistics.read(i)) for i in inputs]
        return allocations.block_correlation(matrices)

    def _scores(self, weight: LinearWeight) -> Tensor:
        matrix = self._weights.read(weight).float()
        if not torch.isfinite(matrix).all():
            raise InputError(
                f"{self._weights.folder}: {weight.name} holds numbers that are not finite"
            )
        options = {key: value for key, value in self._method.items() if key not in COMMON_OPTIONS}
        norm = self._norm(weight.name) if self._statistics else None
        return SCORES[self._method["score"]](matrix, norm, **options)

    def _norm(self, parameter: str) -> Tensor:
        module_input = self._statistics.input_of(parameter)
        if module_input.name not in self._norms:
            options = dict(self._method["norm"])
            function = norms.NORMS[options.pop("kind")]
            if self._contrast:
                options["against"] = self._contrast.read(self._contrast.input_of(parameter))
            norm = function(self._statistics.read(module_input), **options)
            self._norms[module_input.name] = torch.from_numpy(norm).float()
        return self._norms[module_input.name]
