"""Exchange kept and dropped weights while the error of the layer's output falls (SparseSwaps).

Over several languages the objectives `worst_language` and `soft_maximum` (this project's) look at
each language's error as a share of what it was, or of dropping everything. Every few sweeps the
exchanges lower a mean of these shares, in which a language counts the more the worse it is off.
"""

import math

import torch
from torch import Tensor

from multiprune.pruning.exchanges import exchange, layer_error

SWEEPS_AT_ONCE = 3  # with the same weights of the languages
STEP = 10.0  # how fast they move towards the worst language, in shares of the objective


def by_language(objective: str) -> bool:
    """Whether the objective tells the languages apart; `mean` takes all tokens alike."""
    return objective != "mean"


def refine(
    weight: Tensor,
    keep: Tensor,
    moments: dict[str, Tensor],
    group_size: int | None,
    objective: str,
    sweeps: int,
    temperature: float,
    relative_to: str,
) -> Tensor:
    """A mask of the same sparsity in every row whose objective is not higher.

    weight [rows, columns], keep bool [rows, columns], True = kept; moments: mean over tokens of
    x x^T, [columns, columns], by language, or one of all -> bool [rows, columns]. With `group_size`
    m, a pattern n:m stays.
    """
    moments = [moments[name].to(weight.dtype) for name in sorted(moments)]
    if not by_language(objective):
        (pooled,) = moments
        return exchange(weight, keep, pooled, sweeps, group_size)
    if objective == "worst_language":
        temperature = 0.0
    starting = _errors(weight, keep if relative_to == "start" else torch.zeros_like(keep), moments)
    inverse = torch.where(starting > 0, 1 / starting, 0)  # a language without error has no say
    logs = torch.zeros_like(inverse)  # of what each language counts
    best, lowest = keep, _soft_maximum(_errors(weight, keep, moments) * inverse, temperature)
    for done in range(0, sweeps, SWEEPS_AT_ONCE):
        counts = logs.softmax(0) * inverse
        combined = sum(count * matrix for count, matrix in zip(counts, moments, strict=True))
        now = min(SWEEPS_AT_ONCE, sweeps - done)
        keep = exchange(weight, keep, combined, now, group_size)
        relative = _errors(weight, keep, moments) * inverse
        value = _soft_maximum(relative, temperature)
        if value < lowest:
            best, lowest = keep, value
        if value == 0:
            break
        step = min(STEP / value, 1 / temperature) if temperature else STEP / value
        logs = (1 - step * temperature) * logs + step * relative
    return best


def _errors(weight: Tensor, keep: Tensor, moments: list[Tensor]) -> Tensor:
    """Layer error of each language, [languages]."""
    return torch.stack([layer_error(weight, keep, matrix).sum() for matrix in moments])


def _soft_maximum(values: Tensor, temperature: float) -> float:
    """T log mean exp(values / T); the maximum where the temperature T is 0."""
    if not temperature:
        return float(values.max())
    return float(temperature * ((values / temperature).logsumexp(0) - math.log(len(values))))
