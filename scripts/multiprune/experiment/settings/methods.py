"""A pruning method, by its `score`.

Scores are the modules of `pruning.scores`: a method of each is made of the module's first line and
its OPTIONS, so that a new score is one file. SparseGPT, which is more than a score, stands here.
"""

from typing import Annotated, Literal, Union

from pydantic import ConfigDict, Discriminator, Field, Tag, create_model

from multiprune.experiment.settings.allocations import EVENLY, Allocation, Uniform
from multiprune.experiment.settings.norms import Norm, Pooled
from multiprune.experiment.settings.refinements import Swaps
from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import (
    Label,
    Names,
    Seed,
    Sparsities,
    Sparsity,
    Whole,
    distinct,
    json_type,
    scalar,
    whole,
)
from multiprune.experiment.subsets import CHOICES
from multiprune.registry import constants, names, summary

SCORES = "pruning.scores"
SCORE = tag("Importance of a weight.")
SubsetSize = whole(1, 1000)
Finalists = whole(2, 100)
OptionPath = Annotated[str, Field(pattern="^[a-z_]+([.][a-z_]+)*$")]
Constant = scalar("number", "string", "boolean")
Values = Annotated[
    list[Constant],
    *distinct(100),
    Field(description="Values to try for the constant at this path."),
]


class Subset(Section):
    """How to choose languages from those with role calibration: one of the ways, and its size."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    sample: SubsetSize | None = Field(
        None, description="This many languages at random; samples of one seed are nested."
    )
    seed: Seed | None = Field(None, description="Seed of the sample, 0 if left out.")
    greedy: SubsetSize | None = Field(
        None,
        description="This many languages that together cover the pool best: each next one is "
        "farthest, by its activation statistics, from those taken.",
    )
    largest: SubsetSize | None = Field(
        None, description="The languages of most speakers, by the language table."
    )

    @property
    def ways(self) -> dict[str, int]:
        """The size by each key that is given; a config is refused unless there is just one."""
        return {key: size for key in CHOICES if (size := getattr(self, key)) is not None}

    @property
    def choice(self) -> tuple[str, int]:
        """How languages are chosen, one of `subsets`, and how many."""
        ((key, size),) = self.ways.items()
        return CHOICES[key], size


class AnyMethod(Section):
    """What every method has."""

    pattern: str = Field(
        "unstructured",
        description="unstructured: the lowest scores of each output row are dropped. n:m, in "
        'quotes ("2:4"), 0 < n < m <= 64: the n lowest of every m consecutive inputs are; the '
        "method's name holds it (wanda-2-4), and n/m is its only sparsity.",
    )
    sparsities: Sparsities | None = Field(
        None, description="The method's own sparsities instead of the general ones."
    )
    allocation: Uniform = Field(EVENLY, description="How sparsity is spread over blocks.")
    label: Label | None = Field(
        None,
        description="What figures, pages of tables and the report call the method; its name if "
        "left out. Changes no result.",
    )


class Scoped(AnyMethod):
    """Scores every weight by itself and drops the lowest."""

    scope: Literal["row", "layer"] = Field(
        "row",
        description="Scores are compared within each output row, or over the whole matrix (layer).",
    )


class Calibrated(AnyMethod):
    """Needs calibration text."""

    calibration: (
        Annotated[
            Annotated[Names, Tag("array")] | Annotated[Subset, Tag("object")],
            Discriminator(json_type),
        ]
        | None
    ) = Field(
        None,
        description="Languages, or pairs of them (en-fr, fr-fr) that stand for demonstrations; or "
        "a mapping that says how to choose from the languages with role calibration. All of them "
        "if left out.",
    )
    for_each: Names | None = Field(
        None,
        description="Languages that it is pruned for one by one, a model each, which is evaluated "
        "in that language alone; {language} in calibration stands for it.",
    )
    propagation: Literal["dense", "sequential"] = Field(
        "dense",
        description="dense: statistics of the unpruned model; sequential: block by block, behind "
        "the blocks that are already pruned.",
    )


def member_name(method: str, language: str) -> str:
    """What the method for one of the languages in `for_each` is called."""
    return f"{method}-{language}"


class Activated(Scoped, Calibrated):
    """Scores weights with a norm of their inputs' activations; its constants can be chosen."""

    norm: Norm = Pooled(kind="pooled")
    allocation: Allocation = EVENLY
    refine: Swaps | None = Field(
        None,
        description="What is done to the mask of the scores; with sequential propagation. Nothing "
        "if left out.",
    )
    choose: dict[OptionPath, Values] | None = Field(
        None,
        min_length=1,
        description="Constants to choose on validation text: dotted path in the method's options "
        "(allocation.strength) -> values to try, all combinations. Taken is the simplest within "
        "one standard error of the lowest geometric-mean perplexity over the calibration "
        "languages, on the smallest seed; simplest has the fewest values other than the method's "
        "own, then stands first in the lists. Not for sequential propagation.",
    )
    choose_at: Sparsity | None = Field(
        None,
        description="Sparsity at which constants are chosen, one of the method's; the middle one "
        "if left out (of two the lower).",
    )
    choose_finalists: Finalists | None = Field(
        None,
        description="The best this many candidates on the smallest seed, alike ones counted once, "
        "are measured on all seeds, and the choice is among them, by the mean over seeds. The "
        "smallest seed alone decides if left out.",
    )


def of_score(name: str) -> type[Scoped]:
    """What a method with this score may say: all that its kind may, and the score's OPTIONS."""
    told = constants(SCORES, name)
    options = {
        key: (Whole if isinstance(option["default"], int) else float, Field(**option))
        for key, option in told.get("OPTIONS", {}).items()
    }
    kind = Activated if told.get("CALIBRATED", True) else Scoped
    score = (Literal[name], SCORE)
    return create_model(name, __base__=kind, __doc__=summary(SCORES, name), score=score, **options)


class SparseGPT(Calibrated):
    """Drops weights by what they do to the output of their layer (SparseGPT).

    Moves those that are kept to make up for it; always sequential.
    """

    score: Literal["sparsegpt"] = SCORE
    block_size: Whole = Field(
        128,
        ge=1,
        le=65_536,
        description="Columns whose weights are compared together; with a pattern n:m it only "
        "groups the updates.",
    )
    damping: float = Field(
        0.01,
        ge=0,
        le=1000,
        description="Added to the diagonal of the Hessian, as a share of its mean.",
    )
    pattern: str = Field(
        "unstructured",
        description="unstructured: the cheapest weights of every block_size consecutive inputs "
        'are dropped. n:m, in quotes ("2:4"), 0 < n < m <= 64: the n cheapest of every m '
        "consecutive inputs of a row are; the method's name holds it (sparsegpt-2-4), and n/m is "
        "its only sparsity.",
    )
    propagation: Literal["sequential"] = Field(
        "sequential",
        description="sequential: block by block, behind the blocks that are already pruned.",
    )


Method = Annotated[
    Union[*map(of_score, names(SCORES)), SparseGPT],
    Field(
        discriminator="score",
        description="A pruning method, by the score that tells how important a weight is.",
    ),
]
