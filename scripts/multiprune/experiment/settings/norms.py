"""What to make of the activations of an input channel, by `kind`."""

from typing import Annotated, Literal

from pydantic import Field

from multiprune.experiment.settings.section import Section, tag

KIND = tag("What to make of the activations.")
SetName = Annotated[str, Field(pattern="^[a-z0-9_]+(-[a-z0-9_]+)?$", max_length=100)]
Share = Annotated[float, Field(gt=0, le=1_000_000)]
Threshold = Annotated[float, Field(gt=0, le=100)]
Weight = Annotated[float, Field(ge=0, le=1000)]


class Weighted(Section):
    """A norm that adds languages up, and says how much each counts."""

    weighting: Literal["tokens", "equal", "speakers", "shares"] = Field(
        "tokens",
        description="tokens: every token counts alike; equal: every language counts alike; "
        "speakers: a language counts by its number of speakers; shares: as much as shares says.",
    )
    shares: dict[SetName, Share] | None = Field(
        None,
        min_length=1,
        max_length=1000,
        description="With weighting shares: how much languages count, by code; 1 for one that is "
        "not named.",
    )


class Pooled(Weighted):
    """Root mean square of each input channel over all languages (Wanda)."""

    kind: Literal["pooled"] = KIND


class CrossLingual(Weighted):
    """Pooled norm plus its spread over languages, times the activation probability (M-Wanda)."""

    kind: Literal["cross_lingual"] = KIND
    of: Literal["norm", "mean_abs", "mean"] = Field(
        "norm",
        description="What spreads over languages: their norm of a channel, or their mean of its "
        "absolute value, or of the value itself.",
    )
    dispersion: Literal["std", "variance"] = Field(
        "std",
        description="Spread over the calibration languages: standard deviation, or variance "
        "divided by the mean norm of all channels.",
    )
    dispersion_weight: Weight = Field(0.25, description="lambda: weight of the spread.")
    activation_weight: Weight = Field(
        0.0, description="gamma: weight of the mean activation probability; 0 switches it off."
    )
    activation_on: Literal["norm", "dispersion", "added"] = Field(
        "norm",
        description="What the activation probability multiplies: norm and spread together, or the "
        "spread alone; added: nothing, it is added in units of the mean norm.",
    )
    activation_modules: Literal["all", "down"] = Field(
        "all",
        description="Inputs that the activation probability counts for: all, or the down "
        "projection's.",
    )
    activation_threshold: Threshold | None = Field(
        None, description="tau of this method; statistics.activation_threshold if left out."
    )
    activation_relative: bool = Field(
        True,
        description="A channel is active where |x| > tau rms(x); false: where |x| > tau.",
    )


class WorstLanguage(Section):
    """The largest of the languages' norms of each input channel (after Lang-Prune).

    An ablation: it was no better than Wanda, for the worst language either.
    """

    kind: Literal["worst_language"] = KIND
    scale: Literal["none", "mean", "min_max"] = Field(
        "none",
        description="What each language's norms are before they are compared: none: as they are; "
        "mean: divided by their mean; min_max: scaled to [0, 1].",
    )


class Contrast(Weighted):
    """Squared pooled norm divided by the norm on program code.

    Kim et al., for models trained on code.
    """

    kind: Literal["contrast"] = KIND


Norm = Annotated[
    Pooled | CrossLingual | WorstLanguage | Contrast,
    Field(discriminator="kind", description="What to make of the activations of an input channel."),
]
