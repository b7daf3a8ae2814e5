"""What an experiment will cost, roughly: disk and GPU hours from the sizes in the config."""

from multiprune.experiment import downstream as downstream_config
from multiprune.experiment import methods, table_grids
from multiprune.experiment.grid import DENSE
from multiprune.experiment.members import own_language
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.sizes import billions, bytes_per_weight
from multiprune.models.precision import AUTO

STATISTICS_GB_PER_BILLION = 0.004  # four float64 sums a channel (Llama 3.1 8B: 27 MB a language)
FLOPS_PER_WEIGHT_AND_TOKEN = 2  # a forward pass
LOADING_MINUTES = 1.0  # for a job to start and load its model
# How long a task is stands in its data, not in the config; between XCOPA and Belebele.
ITEMS, TOKENS_PER_ITEM = 1500, 300  # of a task in one language; an item with all its choices


def estimate(experiment: Experiment) -> str:
    """One line: results on disk and hours of one GPU; empty for small work on small models.

    A model of a billion parameters is run on a GPU, whose hours a cluster counts.
    """
    grid = methods.grid(experiment)
    passes = len(methods.all_calibration_sets(experiment)) * len(experiment.seeds)
    moved = [
        methods.moves_weights(experiment, method)
        for _seed, method, _sparsity in grid
        if method != DENSE
    ]
    disk = 0.0
    for name, model in experiment.models.items():
        size = bytes_per_weight(name, model.model_copy(update={"dtype": AUTO}))  # as it is stored
        pruned = sum(size if whole else 1 / 8 for whole in moved)  # or a mask's bit
        disk += billions(model) * (size + pruned + passes * STATISTICS_GB_PER_BILLION)
    hours = sum(sum(stages.values()) for stages in by_model(experiment).values())
    if hours < 1 and not needs_gpu(experiment):
        return ""
    unknown = (
        " (perplexity left out: no evaluation.perplexity.tokens)"
        if grid and not experiment.evaluation.perplexity.tokens
        else ""
    )
    return (
        f"estimate: {disk:,.1f} GB on disk, {hours:,.1f} GPU hours{unknown}"
        f", at {experiment.compute.gpu_teraflops:g} TFLOP/s and {LOADING_MINUTES:g} minute of "
        "loading a job"
    )


def needs_gpu(experiment: Experiment) -> bool:
    """Whether a model has a billion parameters or more, and so is not run without a GPU."""
    return max(map(billions, experiment.models.values())) >= 1


def by_model(experiment: Experiment) -> dict[str, dict[str, float]]:
    """Hours of one GPU by model and stage."""
    stages = _work(experiment)
    rate = 1e12 * experiment.compute.gpu_teraflops
    return {
        name: {
            stage: FLOPS_PER_WEIGHT_AND_TOKEN * billions(model) * 1e9 * tokens / rate / 3600
            + jobs * LOADING_MINUTES / 60
            for stage, (jobs, tokens) in stages.items()
        }
        for name, model in experiment.models.items()
    }


def _work(experiment: Experiment) -> dict[str, tuple[int, int]]:
    """Jobs and tokens of one model, by stage."""
    grid = methods.grid(experiment)
    text = experiment.evaluation.perplexity.tokens or 0
    languages = methods.all_evaluated_under(experiment)
    texts = sum(len(languages[method]) for _seed, method, _sparsity in grid)
    passes = len(methods.all_calibration_sets(experiment)) * len(experiment.seeds)
    return {
        "statistics": (passes, calibration_tokens(experiment)),
        "sequential pruning": sequential(experiment),
        "choice of constants": sweeps(experiment),
        "perplexity": (len(grid), texts * text),
        "downstream tasks": downstream(experiment),
    }


def calibration_tokens(experiment: Experiment) -> int:
    """Tokens of one model's dense statistics, a pass for each set and seed."""
    sets = methods.all_calibration_sets(experiment)
    return len(experiment.seeds) * sum(window_tokens(experiment, name) for name in sets)


def sequential(experiment: Experiment) -> tuple[int, int]:
    """Jobs and tokens of one model's sequential methods.

    Windows pass every block twice, dense and pruned, and the dense model twice more where they
    decide the allocation. What SparseGPT computes beside is left out.
    """
    jobs = tokens = 0
    for _seed, method, _sparsity in methods.grid(experiment):
        if method != DENSE and methods.is_sequential(experiment, method):
            own = methods.calibration_sets(experiment, method)
            sets = [*own, *methods.contrast_sets(experiment, method)]
            jobs += 1
            passing = [*sets, *(own if methods.allocates_by_windows(experiment, method) else [])]
            tokens += 2 * sum(window_tokens(experiment, name) for name in passing)
    return jobs, tokens


def sweeps(experiment: Experiment) -> tuple[int, int]:
    """Jobs and tokens of one model's candidates, each under the smallest seed."""
    tried = sum(len(methods.candidates(experiment, name)) for name in methods.choosing(experiment))
    texts = len(methods.languages(experiment, "calibration"))
    again = sum(
        len(experiment.seeds) * experiment.methods[name].choose_finalists
        for name in methods.deciding(experiment)
    )
    jobs = tried + len(experiment.seeds) * len(methods.deciding(experiment))
    return jobs, (tried + again) * texts * (experiment.evaluation.perplexity.tokens or 0)


def downstream(experiment: Experiment) -> tuple[int, int]:
    """Jobs and tokens of one model's downstream tasks."""
    grid = table_grids.downstream_grid(experiment)["downstream"]
    if not grid:
        return 0, 0
    items = min(ITEMS, experiment.evaluation.downstream.limit or ITEMS)
    jobs = texts = 0
    for _seed, method, _sparsity in downstream_config.runs(experiment, grid):
        alone = own_language(experiment, method) is not None  # has a job for each language
        for task in grid["tasks"]:
            asked = len(downstream_config.languages_under(experiment, task, method))
            jobs += asked if alone else 1
            texts += asked
    return jobs, texts * items * TOKENS_PER_ITEM


def window_tokens(experiment: Experiment, name: str) -> int:
    """Tokens of a calibration set; windows of a pair have a number and length of their own."""
    windows = experiment.calibration
    if "-" in name:
        windows = windows.demonstrations
    return windows.samples * windows.length
