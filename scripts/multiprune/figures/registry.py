"""The figures by name: how each is drawn, captioned, and which tables it reads."""

from collections.abc import Callable
from dataclasses import dataclass

from multiprune import captions
from multiprune.errors import InputError
from multiprune.figures import (
    cross_lingual_correlation,
    method_comparison,
    perplexity_by_language,
    ratio_to_baseline,
    sparsity_by_block,
)
from multiprune.registry import unknown_name


@dataclass(frozen=True)
class FigureKind:
    """draw(tables, grid) -> Figure; caption(tables, grid, model) -> reStructuredText."""

    draw: Callable
    caption: Callable
    tables: tuple[str, ...]


FIGURES = {
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
}


def figure_kind(name: str) -> FigureKind:
    """The figure called `name`; an unknown name is an InputError with the list."""
    if name not in FIGURES:
        raise InputError(unknown_name("figure", name, sorted(FIGURES)))
    return FIGURES[name]
