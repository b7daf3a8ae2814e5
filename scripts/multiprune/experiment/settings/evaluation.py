"""How pruned models are measured."""

from typing import Annotated, Literal

from pydantic import Field

from multiprune.experiment.settings.languages import LanguageCode
from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import (
    ONE_LINE,
    Names,
    Sparsities,
    Sparsity,
    Whole,
    WindowLength,
    whole,
)

KIND = tag("Kind of task.")
Tokens = whole(2, 1_000_000_000)
Items = whole(1, 10_000_000)
Prompt = Annotated[str, Field(max_length=500, pattern=f"^(?=.*\\S){ONE_LINE[1:]}")]
TaskName = Annotated[str, Field(pattern="^[a-z0-9][a-z0-9_]*$", max_length=100)]


class Perplexity(Section):
    """Perplexity on the text of every language."""

    length: WindowLength = Field(
        128,
        description="Tokens scored in a window; perplexities of different lengths do not compare.",
    )
    split: Literal["test", "validation"] = Field(
        "test", description="Text to score: test for results, validation for choosing constants."
    )
    languages: Names | None = Field(None, description="Languages to evaluate; all if left out.")
    tokens: Tokens | None = Field(
        None,
        description="Tokens of text per language at most, in whole paragraphs; all if left out.",
    )


class HarnessTask(Section):
    """A task that the LM evaluation harness knows, with its data on the hub."""

    kind: Literal["lm_eval"] = KIND
    missing: Literal["fail", "skip"] = Field(
        "fail",
        description="What to do where the hub does not have a language's data, or only behind a "
        "loading script: fail, or skip, which leaves the language out with a note. A hub that does "
        "not answer, or asks for a licence, always fails.",
    )


class BuiltTask(Section):
    """A task that is built from a parallel corpus."""

    corpus: str = Field(description="Parallel corpus whose test split it is built from.")
    items: Whole = Field(40, ge=1, le=100_000, description="Items in each language at most.")


class ParallelCloze(BuiltTask):
    """Four-way continuation of paragraphs, built from a parallel corpus; needs no hub."""

    kind: Literal["parallel_cloze"] = KIND
    context_characters: Whole = Field(
        48,
        ge=10,
        le=10_000,
        description="Length of the beginning of a paragraph that is given.",
    )
    choice_characters: Whole = Field(
        32, ge=5, le=10_000, description="Length of the continuations to choose from."
    )


class TranslationChoice(BuiltTask):
    """The translation of a sentence among four, built from a parallel corpus; needs no hub.

    Sentences are given in the reference language, which therefore has no such task.
    """

    kind: Literal["translation_choice"] = KIND
    longest_characters: Whole = Field(
        100,
        ge=20,
        le=10_000,
        description="Length of the longest paragraphs of the reference language that are asked; "
        "the shortest have 20.",
    )


class ParallelTranslation(BuiltTask):
    """Translation into the reference language behind some translated sentences; needs no hub.

    Scored by BLEU and chrF. The reference language has no such task.
    """

    kind: Literal["parallel_translation"] = KIND
    shots: Whole = Field(4, ge=1, le=100, description="Translated paragraphs that are shown first.")
    longest_characters: Whole = Field(
        100,
        ge=20,
        le=10_000,
        description="Length of the longest paragraphs of the reference language that are shown and "
        "asked; the shortest have 20.",
    )


Task = Annotated[
    HarnessTask | ParallelCloze | TranslationChoice | ParallelTranslation,
    Field(discriminator="kind", description="A downstream task."),
]


class Downstream(Section):
    """Tasks of the LM evaluation harness, with a few requests per item."""

    # Validation fills in methods, sparsities and languages.
    reference: str = Field(
        description="Language that answers in other languages are compared with (RankC)."
    )
    rankc_order: Literal["descending", "ascending"] = Field(
        "descending",
        description="Whether RankC ranks the likeliest choice first, as it is defined, or the "
        "least likely, as Kim et al.'s code does; the same with two choices.",
    )
    tasks: dict[TaskName, Task] = Field(
        min_length=1,
        max_length=1000,
        description="Tasks by name; a language that a task does not have is left out with a note.",
    )
    methods: Names | None = Field(
        None, description="Methods to evaluate beside dense; all if left out."
    )
    sparsities: Sparsities | None = Field(
        None,
        description="Sparsities to evaluate, of those that the methods have; the general ones if "
        "left out.",
    )
    languages: Names | None = Field(None, description="Languages to evaluate; all if left out.")
    limit: Items | None = Field(
        None, description="Items per task and language at most; all if left out."
    )
    batch_size: Whole = Field(
        8, ge=1, le=4096, description="Requests that pass through a model at a time."
    )


class Examples(Section):
    """Beginnings of sentences that dense and pruned models continue, by greedy generation."""

    prompts: dict[LanguageCode, Prompt] = Field(
        min_length=1,
        max_length=100,
        description="A short beginning for each language, in your own words: no text that "
        "perplexity is measured on.",
    )
    tokens: Whole = Field(24, ge=1, le=1000, description="Tokens to generate at most.")
    sparsity: Sparsity | None = Field(
        None,
        description="Sparsity of the pruned models, all that have it; the middle one of the "
        "general ones if left out (of two the lower).",
    )


class Evaluation(Section):
    """How pruned models are measured."""

    perplexity: Perplexity = Perplexity()
    downstream: Downstream | None = None
    examples: Examples | None = None
    most_unknown_tokens: float = Field(
        0.05,
        ge=0,
        le=1,
        description="Share of tokens unknown to the tokenizer (unk) above which a language is left "
        "out of means and claims; its own numbers stay in the tables, with a note.",
    )
