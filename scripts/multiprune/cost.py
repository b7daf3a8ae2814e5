"""What an experiment will cost, roughly: disk and GPU hours from the sizes in the config."""

from multiprune import config as experiment

BYTES_PER_WEIGHT = 2  # bfloat16
STATISTICS_GB_PER_BILLION = 0.004  # four float64 sums a channel (Llama 3.1 8B: 27 MB a language)
FLOPS_PER_WEIGHT_AND_TOKEN = 2  # a forward pass
FLOPS_PER_SECOND = 1e14  # what a forward pass reaches on one A100 or better
LOADING_MINUTES = 1.0  # for a job to start and load its model


def estimate(config: dict) -> str:
    """One line: results on disk and hours of one GPU; empty below one hour."""
    grid, languages = experiment.grid(config), experiment.languages(config)
    calibration = len(experiment.languages(config, "calibration")) * len(config["seeds"])
    window = config["calibration"]
    drawn = calibration * window["samples"] * window["length"]
    scored = len(grid) * len(languages) * config["evaluation"]["perplexity"].get("tokens", 0)
    masks = sum(method != experiment.DENSE for _seed, method, _sparsity in grid)
    disk = hours = 0.0
    for model in config["models"].values():
        billions = model["parameters"]
        disk += billions * (BYTES_PER_WEIGHT + masks / 8)
        disk += billions * calibration * STATISTICS_GB_PER_BILLION
        flops = FLOPS_PER_WEIGHT_AND_TOKEN * billions * 1e9 * (drawn + scored)
        hours += flops / FLOPS_PER_SECOND / 3600
        hours += (len(grid) + calibration) * LOADING_MINUTES / 60
    if hours < 1:
        return ""
    unknown = (
        "" if scored or not grid else " (evaluation left out: no evaluation.perplexity.tokens)"
    )
    return (
        f"estimate: {disk:,.1f} GB on disk, {hours:,.1f} GPU hours{unknown}"
        f", at {FLOPS_PER_SECOND:.0e} FLOP/s and {LOADING_MINUTES:g} minute of loading a job"
    )
