"""What is done to a mask once the scores have chosen it, by `kind`."""

from typing import Literal

from pydantic import Field

from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import Whole


class Swaps(Section):
    """Exchanges kept and dropped weights while the layer's error falls (SparseSwaps)."""

    kind: Literal["swaps"] = tag("What is done to the mask.")
    objective: Literal["mean", "worst_language", "soft_maximum"] = Field(
        "mean",
        description="mean: the layer's error over all tokens; worst_language: the highest error of "
        "a language, relative to its own before; soft_maximum: between the two, by temperature.",
    )
    sweeps: Whole = Field(
        15, ge=1, le=10_000, description="Each exchanges up to four weights of every output row."
    )
    temperature: float = Field(
        0.02,
        gt=0,
        le=1000,
        description="Of the soft maximum, in shares of an error; the lower, the more the worst "
        "language counts.",
    )
    relative_to: Literal["start", "zero"] = Field(
        "start",
        description="What a language's error is a share of: the error of the mask before, or that "
        "of dropping every weight.",
    )
