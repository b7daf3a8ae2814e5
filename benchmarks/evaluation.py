"""What evaluation costs beyond the model: the harness, and verdicts on a grid of paper size."""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import yaml

from multiprune.experiment import downstream, table_grids
from multiprune.experiment.grid import DENSE, Grid
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.validation import validate
from multiprune.files.json import write_json
from multiprune.models.devices import set_up
from multiprune.models.loading import load_model
from multiprune.models.tokenizer import load_tokenizer
from multiprune.tables import claims

# isort: split
from multiprune.evaluation.tasks import model as tasks_model
from multiprune.evaluation.tasks.measuring import measure
from multiprune.evaluation.tasks.model import LoadedModel
from multiprune.evaluation.tasks.running import prepare

ROOT = Path(__file__).parents[1]
WINDOWS, ITEMS = 64, 500  # of one language, of one task and language
MODEL = "simulated"


def wrapper_share(model_folder: Path, task: Path, limit: int = 16) -> float:
    """Share of an evaluation's time that is spent neither in the model nor in its output head."""
    set_up(threads=2)
    model = load_model(model_folder)
    inside = 0.0

    def timed(function: Callable) -> Callable:
        def call(*arguments):
            nonlocal inside
            start = time.perf_counter()
            try:
                return function(*arguments)
            finally:
                inside += time.perf_counter() - start

        return call

    lm = LoadedModel(model, load_tokenizer(model_folder), batch_size=8)
    with (
        tempfile.TemporaryDirectory() as temporary,
        patch.object(tasks_model, "forward", timed(tasks_model.forward)),
        patch.object(tasks_model, "token_scores", timed(tasks_model.token_scores)),
    ):
        start = time.perf_counter()
        measure(lm, prepare(task, limit, temporary))
        return 1 - inside / (time.perf_counter() - start)


def verdict_minutes(folder: Path) -> float:
    """Minutes to judge the claims on all models of the papers' grid, records simulated.

    One model is simulated and judged; the time is multiplied by the number of models.
    """
    paper = yaml.safe_load((ROOT / "config/paper.yaml").read_text(encoding="utf-8"))
    experiment = validate(paper)
    grid = Grid.of(table_grids.downstream_grid(experiment))
    draw = np.random.default_rng(0)
    _simulate_perplexity(folder / MODEL, grid, draw)
    _simulate_downstream(folder / MODEL, experiment, grid, draw)
    start = time.perf_counter()
    claims.tabulate(folder, MODEL, grid, ROOT / "config/claims.yaml")
    return len(experiment.models) * (time.perf_counter() - start) / 60


def _simulate_perplexity(model: Path, grid: Grid, draw: np.random.Generator) -> None:
    """A loss for each window: the language's own, the method's, the seed's and noise."""
    dense = {language: draw.normal(3, 0.3, WINDOWS) for language in grid.languages}
    runs = [(DENSE, "0", grid.methods[DENSE]["seeds"][0]), *grid.pruned()]
    for method, sparsity, seed in runs:
        shift = float(sparsity) + draw.normal(0, 0.01)
        for language, losses in dense.items():
            losses = losses + shift + draw.normal(0, 0.05, WINDOWS)
            record = {
                "split": grid.split,
                "length": grid.length,
                "window_nll": list(losses * grid.length),
                "window_tokens": [grid.length] * WINDOWS,
                "bits_per_byte": 1.0,
                "unknown_tokens": 0,
            }
            folder = model / f"seed{seed}/perplexity" / method / sparsity
            write_json(folder / f"{language}.json", record)


def _simulate_downstream(
    model: Path, experiment: Experiment, grid: Grid, draw: np.random.Generator
) -> None:
    """Four-way choices whose right one is a little likelier, for every record that is planned."""
    target = draw.integers(4, size=ITEMS)
    for seed, method, sparsity in downstream.runs(experiment, grid.downstream):
        for task in downstream.tasks_of(experiment):
            for language in downstream.languages_under(experiment, task, method):
                folder = model / f"seed{seed}/downstream" / method / sparsity / task
                write_json(folder / f"{language}.json", _choices(draw, target))


def _choices(draw: np.random.Generator, target: np.ndarray) -> dict:
    scores = draw.normal(size=(ITEMS, 4))
    scores[np.arange(ITEMS), target] += 1
    correct = (scores.argmax(axis=1) == target).astype(int)
    return {
        "metrics": {"acc": {"score": float(correct.mean()), "stderr": 0.02}},
        "chance": 0.25,
        "truncated": 0,
        "samples": {
            "id": [str(item) for item in range(ITEMS)],
            "target": target.tolist(),
            "log_likelihoods": scores.tolist(),
            "correct": {"acc": correct.tolist()},
        },
    }
