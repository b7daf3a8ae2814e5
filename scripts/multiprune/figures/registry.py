"""The figures by name: how each is drawn, captioned, and which tables it reads."""

from collections.abc import Callable
from dataclasses import dataclass

from multiprune import (
    captions,
    captions_claims,
    captions_downstream,
    captions_languages,
    captions_overlap,
    captions_sweep,
)
from multiprune.errors import InputError
from multiprune.figures import (
    choice_of_languages,
    claims_forest,
    consistency_rankc,
    cross_lingual_correlation,
    downstream_by_language,
    feature_overlap,
    language_structure,
    languages_needed,
    method_comparison,
    perplexity_against_accuracy,
    perplexity_by_language,
    ratio_against_dense,
    ratio_by_family,
    ratio_to_baseline,
    scaling_cost,
    sparsity_by_block,
    sweep_of_constants,
)
from multiprune.registry import unknown_name


@dataclass(frozen=True)
class FigureKind:
    """draw(tables, grid) -> Figure; caption(tables, grid, model) -> reStructuredText."""

    draw: Callable
    caption: Callable
    tables: tuple[str, ...]


FIGURES = {
    "claims_forest": FigureKind(
        claims_forest.draw, captions_claims.verdicts_on_claims, ("claims",)
    ),
    "perplexity_by_language": FigureKind(
        perplexity_by_language.draw, captions.perplexity_over_sparsity, ("perplexity",)
    ),
    "method_comparison": FigureKind(
        method_comparison.draw, captions.comparison_of_methods, ("summary",)
    ),
    "ratio_to_baseline": FigureKind(
        ratio_to_baseline.draw, captions.comparison_by_language, ("perplexity",)
    ),
    "sparsity_by_block": FigureKind(
        sparsity_by_block.draw, captions.allocation_by_block, ("allocation",)
    ),
    "cross_lingual_correlation": FigureKind(
        cross_lingual_correlation.draw, captions.correlation_between_languages, ("correlation",)
    ),
    "downstream_by_language": FigureKind(
        downstream_by_language.draw, captions_downstream.accuracy_by_language, ("downstream",)
    ),
    "consistency_rankc": FigureKind(
        consistency_rankc.draw,
        captions_downstream.consistency_with_reference,
        ("consistency", "downstream"),
    ),
    "perplexity_against_accuracy": FigureKind(
        perplexity_against_accuracy.draw,
        captions_downstream.trade_off,
        ("downstream", "perplexity"),
    ),
    "feature_overlap": FigureKind(
        feature_overlap.draw, captions_overlap.overlap_of_features, ("overlap",)
    ),
    "sweep_of_constants": FigureKind(
        sweep_of_constants.draw, captions_sweep.choice_of_constants, ("sweep",)
    ),
    "languages_needed": FigureKind(
        languages_needed.draw, captions_languages.number_of_languages, ("scaling",)
    ),
    "choice_of_languages": FigureKind(
        choice_of_languages.draw, captions_languages.chosen_against_random, ("scaling",)
    ),
    "ratio_by_family": FigureKind(
        ratio_by_family.draw, captions_languages.loss_by_group, ("perplexity",)
    ),
    "ratio_against_dense": FigureKind(
        ratio_against_dense.draw, captions_languages.loss_against_dense, ("perplexity",)
    ),
    "language_structure": FigureKind(
        language_structure.draw, captions_languages.structure_of_languages, ("structure",)
    ),
    "scaling_cost": FigureKind(
        scaling_cost.draw, captions_languages.cost_of_languages, ("scaling_cost",)
    ),
}


def figure_kind(name: str) -> FigureKind:
    """The figure called `name`; an unknown name is an InputError with the list."""
    if name not in FIGURES:
        raise InputError(unknown_name("figure", name, sorted(FIGURES)))
    return FIGURES[name]
