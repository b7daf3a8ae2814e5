"""How sparsity is spread over the decoder blocks, by `kind`."""

from typing import Annotated, Literal

from pydantic import Field

from multiprune.experiment.settings.section import Section, tag

KIND = tag("How sparsity is spread over blocks.")
Strength = Annotated[
    float,
    Field(
        ge=0,
        le=0.5,
        description="lambda of the allocation: densities of blocks differ by at most twice this.",
    ),
]


class Uniform(Section):
    """The same sparsity for every block."""

    kind: Literal["uniform"] = KIND


MIXED = Field(
    False,
    description="With a pattern n:m: blocks have different n at the same m, their mean is "
    "kept. A block leaves the method's own n once its density is about 1/(2m) off the mean.",
)


class Uneven(Section):
    """Blocks differ in their sparsity."""

    outlier_multiple: float = Field(
        5.0,
        gt=0,
        le=1000,
        description="M: a score counts as outlying above M times the block's mean.",
    )
    mixed: bool = MIXED


class Owl(Uneven):
    """Blocks with more outlying scores keep more weights (OWL)."""

    kind: Literal["owl"] = KIND
    strength: Strength = 0.08


class Dlp(Section):
    """Blocks whose typical score is low keep more weights (DLP)."""

    kind: Literal["dlp"] = KIND
    strength: Strength = 0.08
    mixed: bool = MIXED


class Lsa(Section):
    """Blocks that lose little when half of their inputs go keep more weights (LSA).

    With sequential propagation. Its authors' strength is 0.04 at sparsity 0.5, 0.1 at 0.6, 0.15 at
    0.7.
    """

    kind: Literal["lsa"] = KIND
    strength: Strength = 0.08
    mixed: bool = MIXED


class Cwl(Uneven):
    """Blocks are weighted by the correlation between languages (M-Wanda's CWL)."""

    kind: Literal["cwl"] = KIND
    direction: Literal["keep_shared", "keep_specific"] = Field(
        "keep_shared",
        description="keep_shared: blocks that work alike for all languages keep more; "
        "keep_specific: the others.",
    )
    correlation_of: Literal["norms", "scores"] = Field(
        "norms",
        description="What is correlated: the languages' norms of a block's inputs, or the scores "
        "|weight| times norm of all its weights.",
    )
    strength: Strength = 0.05
    combine: Literal["none", "owl"] = Field(
        "none", description="owl: multiply the importance by OWL's."
    )


Allocation = Annotated[
    Uniform | Owl | Dlp | Lsa | Cwl,
    Field(discriminator="kind", description="How sparsity is spread over the decoder blocks."),
]
EVENLY = Uniform(kind="uniform")
