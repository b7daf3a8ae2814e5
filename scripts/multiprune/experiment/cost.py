"""What an experiment will cost, roughly: disk and GPU hours from the sizes in the config."""

from multiprune.experiment import config as experiment
from multiprune.experiment import table_grids

BYTES_PER_WEIGHT = 2  # bfloat16
STATISTICS_GB_PER_BILLION = 0.004  # four float64 sums a channel (Llama 3.1 8B: 27 MB a language)
FLOPS_PER_WEIGHT_AND_TOKEN = 2  # a forward pass
FLOPS_PER_SECOND = 1e14  # what a forward pass reaches on one A100 or better
LOADING_MINUTES = 1.0  # for a job to start and load its model
# How long a task is stands in its data, not in the config; between XCOPA and Belebele.
ITEMS, TOKENS_PER_ITEM = 1500, 300  # of a task in one language; an item with all its choices


def estimate(config: dict) -> str:
    """One line: results on disk and hours of one GPU; empty below one hour."""
    grid = experiment.grid(config)
    text = config["evaluation"]["perplexity"].get("tokens", 0)
    scored = len(grid) * len(experiment.evaluated(config)) * text
    passes = len(experiment.all_calibration_sets(config)) * len(config["seeds"])
    # Jobs and tokens of one model, by what they do.
    work = [
        (len(grid), scored),
        (passes, calibration_tokens(config)),
        sequential(config),
        sweeps(config),
        downstream(config),
    ]
    jobs, tokens = (sum(counts) for counts in zip(*work, strict=True))
    pruned = sum(
        BYTES_PER_WEIGHT if experiment.moves_weights(config, method) else 1 / 8  # or a mask's bit
        for _seed, method, _sparsity in grid
        if method != experiment.DENSE
    )
    disk = hours = 0.0
    for model in config["models"].values():
        billions = model["parameters"]
        disk += billions * (BYTES_PER_WEIGHT + pruned + passes * STATISTICS_GB_PER_BILLION)
        flops = FLOPS_PER_WEIGHT_AND_TOKEN * billions * 1e9 * tokens
        hours += flops / FLOPS_PER_SECOND / 3600
        hours += jobs * LOADING_MINUTES / 60
    if hours < 1:
        return ""
    unknown = (
        " (perplexity left out: no evaluation.perplexity.tokens)" if grid and not scored else ""
    )
    return (
        f"estimate: {disk:,.1f} GB on disk, {hours:,.1f} GPU hours{unknown}"
        f", at {FLOPS_PER_SECOND:.0e} FLOP/s and {LOADING_MINUTES:g} minute of loading a job"
    )


def calibration_tokens(config: dict) -> int:
    """Tokens of one model's dense statistics, a pass for each set and seed."""
    sets = experiment.all_calibration_sets(config)
    return len(config["seeds"]) * sum(window_tokens(config, name) for name in sets)


def sequential(config: dict) -> tuple[int, int]:
    """Jobs and tokens of one model's sequential methods.

    Windows pass every block twice, dense and pruned. What SparseGPT computes beside is left out.
    """
    jobs = tokens = 0
    for _seed, method, _sparsity in experiment.grid(config):
        if method != experiment.DENSE and experiment.is_sequential(config, method):
            own = experiment.calibration_sets(config, method)
            sets = [*own, *experiment.contrast_sets(config, method)]
            jobs += 1
            tokens += 2 * sum(window_tokens(config, name) for name in sets)
    return jobs, tokens


def sweeps(config: dict) -> tuple[int, int]:
    """Jobs and tokens of one model's candidates, each under the smallest seed."""
    tried = sum(len(experiment.candidates(config, name)) for name in experiment.choosing(config))
    texts = len(experiment.languages(config, "calibration"))
    return tried, tried * texts * config["evaluation"]["perplexity"].get("tokens", 0)


def downstream(config: dict) -> tuple[int, int]:
    """Jobs and tokens of one model's downstream tasks."""
    grid = table_grids.downstream_grid(config)["downstream"]
    if not grid:
        return 0, 0
    items = min(ITEMS, config["evaluation"]["downstream"].get("limit", ITEMS))
    methods = grid["methods"].values()
    runs = sum(len(method["seeds"]) * len(method["sparsities"]) for method in methods)
    texts = sum(len(task["languages"]) for task in grid["tasks"].values())
    return runs * len(grid["tasks"]), runs * texts * items * TOKENS_PER_ITEM


def window_tokens(config: dict, name: str) -> int:
    """Tokens of a calibration set; windows of a pair have a number and length of their own."""
    windows = config["calibration"]
    if "-" in name and name not in config["languages"]:
        windows = windows["demonstrations"]
    return windows["samples"] * windows["length"]
