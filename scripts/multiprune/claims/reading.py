"""Claims as `config/claims.yaml` states them: a closed file, one line for a mistake."""

from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Discriminator, Field, Tag

from multiprune.claims.definitions import (
    ACCURACY,
    CONSISTENCY,
    COST,
    LANGUAGE,
    LANGUAGE_RATIO,
    OF_LANGUAGES,
    PAPERS,
    PERPLEXITY,
    RATIOS,
    SPARSITY,
    UNVERIFIED,
    WEAKNESS,
    Claim,
)
from multiprune.errors import InputError
from multiprune.experiment.settings.reading import read
from multiprune.experiment.settings.section import Section, tag
from multiprune.experiment.settings.values import Sparsity, distinct, json_type, scalar
from multiprune.files.noted_inputs import note_input

KIND = tag("What is compared.")
Text = Annotated[str, Field(min_length=1)]
ClaimName = Annotated[str, Field(pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]
# Several methods are draws of one thing, such as subsets of languages.
Draws = Annotated[
    Annotated[Text, Tag("string")] | Annotated[list[Text], *distinct(1000), Tag("array")],
    Discriminator(json_type),
]
Tasks = Annotated[list[Text], Field(min_length=1)]
PaperValue = scalar("string", "number")


class Compared(Section):
    """A method and what it is compared with."""

    method: Text
    reference: Text


class PerplexityRatio(Compared):
    """Perplexity / perplexity."""

    kind: Literal["perplexity_ratio"] = KIND


class AccuracyDifference(Compared):
    """Accuracy - accuracy."""

    kind: Literal["accuracy_difference"] = KIND
    tasks: Tasks | None = None


class ConsistencyDifference(Compared):
    """RankC - RankC."""

    kind: Literal["consistency_difference"] = KIND
    tasks: Tasks | None = None


class LanguageRatio(Section):
    """Perplexity / perplexity, with languages as a sample."""

    kind: Literal["language_ratio"] = KIND
    method: Draws
    reference: Draws


class WeaknessCorrelation(Compared):
    """Rank correlation of a ratio with what the dense model makes of a language."""

    kind: Literal["weakness_correlation"] = KIND


class FamilyAlikeness(Section):
    """Correlation within families - between families."""

    kind: Literal["family_alikeness"] = KIND


class CostRatio(Compared):
    """Cost / cost."""

    kind: Literal["cost_ratio"] = KIND
    resource: Literal["seconds", "memory"]


class Scope(Section):
    """Languages and sparsity that a claim speaks of."""

    languages: Literal[
        "all", "calibration", "unseen", "non-reference", "unseen-language", "unseen-family"
    ] = "all"
    corpus: Text | None = None
    sparsity: Sparsity | None = None


class Statement(Section):
    """One claim as its file states it."""

    paper: Literal["m-wanda", "kim", "none"]
    question: Text | None = None
    statement: Text
    source: Text
    second_hand: bool = False
    measurement: Annotated[
        PerplexityRatio
        | AccuracyDifference
        | ConsistencyDifference
        | LanguageRatio
        | WeaknessCorrelation
        | FamilyAlikeness
        | CostRatio,
        Field(discriminator="kind"),
    ]
    threshold: float
    threshold_note: Text
    direction: Literal["above", "below"]
    each: Literal["language", "sparsity"] | None = None
    scope: Scope = Scope()
    paper_value: PaperValue = UNVERIFIED
    paper_source: Text


class ClaimsFile(Section):
    """A file of claims."""

    claims: dict[ClaimName, Statement] = Field(min_length=1)


def read_claims(path: Path | str) -> list[Claim]:
    """The claims of a file, in its order; InputError with one line for the first mistake."""
    note_input(path)
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not YAML ({' '.join(str(error).split())})") from None
    try:
        if not isinstance(content, dict):
            raise InputError(f"found {type(content).__name__}, allowed is a mapping with claims")
        statements = read(ClaimsFile, content).claims
        return [_claim(key, statement) for key, statement in statements.items()]
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _names(measured: Section, key: str) -> tuple[str, ...]:
    entry = getattr(measured, key, ())
    return (entry,) if isinstance(entry, str) else tuple(entry)


def _claim(key: str, stated: Statement) -> Claim:
    measured, scope, each = stated.measurement, stated.scope, stated.each or ""
    kind = measured.kind
    where = f"claims.{key}"
    if kind in RATIOS and stated.threshold <= 0:
        raise InputError(
            f"{where}.threshold: found {stated.threshold:g}, allowed is > 0 for a ratio"
        )
    if each == LANGUAGE and kind == COST:
        raise InputError(f"{where}.each: found {each}, but a cost has no languages; remove it")
    if each and kind in OF_LANGUAGES:
        raise InputError(f"{where}.each: found {each}, but {kind} is of all languages; remove it")
    if each == SPARSITY and (kind != PERPLEXITY or scope.sparsity):
        raise InputError(
            f"{where}.each: found {each}, allowed only for {PERPLEXITY} without scope.sparsity"
        )
    if kind in (ACCURACY, CONSISTENCY, LANGUAGE_RATIO, WEAKNESS) and not scope.sparsity:
        raise InputError(f"{where}.scope.sparsity: is missing, {kind} is measured at one sparsity")
    methods, references = (_names(measured, side) for side in ("method", "reference"))
    if len(methods) != len(references) and 1 not in (len(methods), len(references)):
        raise InputError(
            f"{where}.measurement: {len(methods)} methods and {len(references)} references cannot "
            "be paired; allowed are as many of each, or one of either"
        )
    return Claim(
        key=key,
        paper=stated.paper,
        question=stated.question or PAPERS[stated.paper],
        statement=stated.statement,
        kind=kind,
        methods=methods,
        references=references,
        threshold=stated.threshold,
        direction=stated.direction,
        languages=scope.languages,
        corpus=scope.corpus or "",
        sparsity=f"{scope.sparsity:g}" if scope.sparsity else "",
        each=each,
        tasks=tuple(getattr(measured, "tasks", None) or ()),
        resource=getattr(measured, "resource", ""),
        paper_value=str(stated.paper_value),
        paper_source=stated.paper_source,
        second_hand=stated.second_hand,
    )
