"""The figures by name: how each is drawn, captioned, and which tables it reads."""

from collections.abc import Callable
from dataclasses import dataclass

from multiprune.errors import InputError
from multiprune.experiment.figure_tables import FIGURE_TABLES
from multiprune.figures import (
    captions_claims,
    captions_downstream,
    captions_languages,
    captions_overlap,
    captions_sweep,
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
from multiprune.figures import (
    wording as captions,
)
from multiprune.registry import unknown_name


@dataclass(frozen=True)
class FigureKind:
    """draw(tables, grid) -> Figure; caption(tables, grid, model) -> reStructuredText."""

    draw: Callable
    caption: Callable
    tables: tuple[str, ...]


_DRAWN = {
    "claims_forest": (claims_forest.draw, captions_claims.verdicts_on_claims),
    "perplexity_by_language": (perplexity_by_language.draw, captions.perplexity_over_sparsity),
    "method_comparison": (method_comparison.draw, captions.comparison_of_methods),
    "ratio_to_baseline": (ratio_to_baseline.draw, captions.comparison_by_language),
    "sparsity_by_block": (sparsity_by_block.draw, captions.allocation_by_block),
    "cross_lingual_correlation": (
        cross_lingual_correlation.draw,
        captions.correlation_between_languages,
    ),
    "downstream_by_language": (
        downstream_by_language.draw,
        captions_downstream.accuracy_by_language,
    ),
    "consistency_rankc": (consistency_rankc.draw, captions_downstream.consistency_with_reference),
    "perplexity_against_accuracy": (
        perplexity_against_accuracy.draw,
        captions_downstream.trade_off,
    ),
    "feature_overlap": (feature_overlap.draw, captions_overlap.overlap_of_features),
    "sweep_of_constants": (sweep_of_constants.draw, captions_sweep.choice_of_constants),
    "languages_needed": (languages_needed.draw, captions_languages.number_of_languages),
    "choice_of_languages": (choice_of_languages.draw, captions_languages.chosen_against_random),
    "ratio_by_family": (ratio_by_family.draw, captions_languages.loss_by_group),
    "ratio_against_dense": (ratio_against_dense.draw, captions_languages.loss_against_dense),
    "language_structure": (language_structure.draw, captions_languages.structure_of_languages),
    "scaling_cost": (scaling_cost.draw, captions_languages.cost_of_languages),
}
FIGURES = {
    name: FigureKind(draw, caption, FIGURE_TABLES[name]) for name, (draw, caption) in _DRAWN.items()
}


def figure_kind(name: str) -> FigureKind:
    """The figure called `name`; an unknown name is an InputError with the list."""
    if name not in FIGURES:
        raise InputError(unknown_name("figure", name, sorted(FIGURES)))
    return FIGURES[name]
