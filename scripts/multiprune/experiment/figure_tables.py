"""The figures by name and the tables that each reads; without what draws them, for the config."""

STANDARD = {
    "claims_forest": ("claims",),
    "perplexity_by_language": ("perplexity",),
    "method_comparison": ("summary",),
    "ratio_to_baseline": ("perplexity",),
    "sparsity_by_block": ("allocation",),
    "cross_lingual_correlation": ("correlation",),
    "downstream_by_language": ("downstream",),
    "consistency_rankc": ("consistency", "downstream"),
    "perplexity_against_accuracy": ("downstream", "perplexity"),
    "feature_overlap": ("overlap",),
    "sweep_of_constants": ("sweep",),
}
# Of experiments with many languages; drawn where the config asks for them.
MANY_LANGUAGES = {
    "languages_needed": ("scaling",),
    "choice_of_languages": ("scaling",),
    "ratio_by_family": ("perplexity",),
    "ratio_against_dense": ("perplexity",),
    "language_structure": ("structure",),
    "scaling_cost": ("scaling_cost",),
}
FIGURE_TABLES = STANDARD | MANY_LANGUAGES

EVERY_EXPERIMENT = ("claims", "perplexity", "summary", "allocation")
ALL_TABLES = (
    *EVERY_EXPERIMENT,
    "correlation",
    "overlap",
    "downstream",
    "consistency",
    "sweep",
    "scaling",
    "structure",
    "scaling_cost",
)
