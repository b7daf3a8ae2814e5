"""Jobs of the tiny experiment, spelled out by hand from what depends on what.

A job is its rule and its wildcards, as `Workflow.jobs` gives them. Nothing here asks the workflow.
"""

MODEL = "tiny-llama"
FIGURES = (
    "claims_forest",
    "perplexity_by_language",
    "method_comparison",
    "ratio_to_baseline",
    "sparsity_by_block",
    "cross_lingual_correlation",
    "feature_overlap",
)
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
    """Gathering a model's results and joining the models; `perplexity` makes two tables.

    Claims are judged on perplexities, so that they follow.
    """
    joined = [table for kind in kinds for table in JOINED[kind]]
    jobs = {f"tabulate_{kind} {MODEL}" for kind in kinds} | {f"join_tables {t}" for t in joined}
    if "perplexity" in kinds:
        jobs |= {f"judge_claims {MODEL}", "join_tables claims", "write_claims"}
    return jobs


JOINED = {
    "perplexity": ("perplexity", "summary"),
    "allocation": ("allocation",),
    "correlation": ("correlation",),
    "overlap": ("overlap",),
}


def figures() -> set[str]:
    """Drawing every figure, which each new table asks for, and the target that collects them."""
    return {f"draw_figure {figure} {MODEL}" for figure in FIGURES} | {"all"}


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
