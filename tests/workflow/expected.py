"""Jobs of the tiny experiment, spelled out by hand from what depends on what.

A job is its rule and its wildcards, as `Workflow.jobs` gives them. Nothing here asks the workflow.
"""

MODEL = "tiny-llama"
# The figures, by the kind of results that their tables are made of.
FIGURES = {
    "claims_forest": "perplexity",
    "increase_by_language": "perplexity",
    "perplexity_by_language": "perplexity",
    "method_comparison": "perplexity",
    "ratio_to_baseline": "perplexity",
    "sparsity_by_block": "allocation",
    "cross_lingual_correlation": "correlation",
    "feature_overlap": "overlap",
}
# Method and sparsity of every pruned model in tests/config/tiny.yaml.
MAGNITUDE = {"magnitude 0.5"}
WANDA_EN = {"wanda-en 0.5"}
WANDA = {"wanda 0.25", "wanda 0.5"}
M_WANDA = {"m-wanda 0.5"}
PRUNED = MAGNITUDE | WANDA_EN | WANDA | M_WANDA
DENSE = {"dense 0"}


def corpora(*languages: str) -> set[str]:
    """Fetching the text of languages."""
    return {f"fetch_corpus words {language}" for language in languages}


def statistics(*languages: str, seed: int = 0) -> set[str]:
    """Drawing calibration windows of languages and passing them through the dense model."""
    rules = ("sample_calibration", "collect_statistics")
    return {f"{rule} {MODEL} {seed} {language}" for rule in rules for language in languages}


def masks(pruned: set[str], seed: int = 0) -> set[str]:
    """Pruning with methods and sparsities."""
    return {f"prune_model {MODEL} {seed} {name}" for name in pruned}


def evaluations(models: set[str], seed: int = 0) -> set[str]:
    """Measuring pruned or dense models, each on all languages."""
    return {f"evaluate_perplexity {MODEL} {seed} {name}" for name in models}


def tables(*kinds: str) -> set[str]:
    """Gathering a model's results and joining the models; of perplexity there are three tables.

    Claims are judged on perplexities, so that they follow.
    """
    made = [table for kind in kinds for table in TABLES[kind]]
    written = {"write_claims"} if "claims" in made else set()
    written |= {"write_findings"} if "summary" in made else set()
    return {f"tabulate_results {MODEL} {table}" for table in made} | join(*made) | written


def join(*tables: str) -> set[str]:
    """Putting the models' tables below each other."""
    return {f"join_tables {table}" for table in tables}


TABLES = {
    "perplexity": ("perplexity", "summary", "claims"),
    "allocation": ("allocation",),
    "correlation": ("correlation",),
    "overlap": ("overlap",),
}


def figures(*kinds: str) -> set[str]:
    """Drawing the figures of kinds of results, or every one, as a change of the grid asks for.

    With the target that collects them.
    """
    drawn = [figure for figure, kind in FIGURES.items() if kind in (kinds or TABLES)]
    return {f"draw_figure {figure} {MODEL}" for figure in drawn} | {"all"}


def everything() -> set[str]:
    """The tiny experiment from nothing."""
    return (
        {f"fetch_model {MODEL}"}
        | corpora("de", "en", "sw")
        | statistics("de", "en")
        | masks(PRUNED)
        | evaluations(PRUNED | DENSE)
        | tables("perplexity", "allocation", "correlation", "overlap")
        | figures()
    )
