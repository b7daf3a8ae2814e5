"""What jobs ask of a cluster: memory in MB and time in minutes, from the sizes in the config.

Both grow with each attempt, so that a job that was too large is tried again with more.
"""

import math
from collections.abc import Callable
from typing import Any

from multiprune.experiment import methods
from multiprune.experiment.cost import window_tokens
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.sizes import billions, bytes_per_weight

FILLED = 0.85  # of a GPU's memory by weights, as models.devices has it


def growing(amount: int) -> Callable[[Any, int], int]:
    """Resource function: an amount that grows with each attempt."""
    return lambda wildcards, attempt: attempt * amount


class JobResources:
    """Memory and time of the jobs that hold a model, by the wildcards of the job."""

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        # In whole MB: Snakemake rounds any other resource.
        self.activation_mb = round(1000 * experiment.compute.activation_memory_gb)

    def model_memory(self, wildcards: Any, attempt: int) -> int:
        """MB of a job that holds a whole model: evaluations, statistics, masks."""
        weights = self._bytes_per_weight(wildcards.model) * self._billions(wildcards.model)
        # A quarter to spare, and 2.5 GB for Python, torch and one batch.
        return int(attempt * (2500 + 1250 * weights))

    def sequential_memory(self, wildcards: Any, attempt: int) -> int:
        """MB of a job that holds a model and the hidden states of all its windows."""
        sets = (
            *methods.calibration_sets(self.experiment, wildcards.method),
            *methods.contrast_sets(self.experiment, wildcards.method),
        )
        tokens = sum(window_tokens(self.experiment, name) for name in sets)
        # 1B parameters: 2,048 channels; 8B: 4,096. Without a GPU all of them stay in host memory.
        channels = 2048 * self._billions(wildcards.model) ** (1 / 3)
        states = tokens * channels * self._bytes_per_weight(wildcards.model) / 1e6
        more = 1.25 * states + self._second_moments(wildcards)
        return self.model_memory(wildcards, attempt) + int(attempt * more)

    def _second_moments(self, wildcards: Any) -> float:
        """MB of the second moments of one block's inputs: masks are refined, or lsa allocates."""
        refine = getattr(self.experiment.methods[wildcards.method], "refine", None)
        if refine is None and not methods.allocates_by_windows(self.experiment, wildcards.method):
            return 0
        sets = methods.calibration_sets(self.experiment, wildcards.method)
        held = 1 if refine is None or refine.objective == "mean" else len(sets)
        # Llama 3 8B: 256 million float64 are 2.1 GB a set, and as much is worked on.
        return 260 * self._billions(wildcards.model) * (held + 1)

    def update_memory(self, wildcards: Any, attempt: int) -> int:
        """MB of a sequential job that factors the Hessians of one block's inputs as well."""
        # Llama 3 8B: 14,336^2 float64 are 1.6 GB, six times while the widest input's is factored.
        more = 1500 * self._billions(wildcards.model)
        return self.sequential_memory(wildcards, attempt) + int(attempt * more)

    def gpus(self, wildcards: Any) -> int:
        """GPUs that hold a model's weights, filled to FILLED of their memory."""
        weights = self._bytes_per_weight(wildcards.model) * self._billions(wildcards.model)
        return max(1, math.ceil(weights / (FILLED * self.experiment.compute.gpu_memory_gb)))

    def model_minutes(self, wildcards: Any, attempt: int) -> int:
        """Time limit of a job that passes text through a model."""
        return self._at_most(attempt * (30 + 30 * self._billions(wildcards.model)))

    def sequential_minutes(self, wildcards: Any, attempt: int) -> int:
        """Time limit of a sequential job; twice that where the windows pass the dense model too."""
        twice = methods.allocates_by_windows(self.experiment, wildcards.method)
        return self._at_most((1 + twice) * self.model_minutes(wildcards, attempt))

    def finalists_minutes(self, wildcards: Any, attempt: int) -> int:
        """Time limit of a job that measures all finalists of a method."""
        finalists = self.experiment.methods[wildcards.method].choose_finalists
        return self._at_most(finalists * self.model_minutes(wildcards, attempt))

    def _at_most(self, minutes: float) -> int:
        return min(int(minutes), self.experiment.compute.most_minutes)

    def _billions(self, model: str) -> float:
        return billions(self.experiment.models[model])

    def _bytes_per_weight(self, model: str) -> int:
        return bytes_per_weight(model, self.experiment.models[model])
