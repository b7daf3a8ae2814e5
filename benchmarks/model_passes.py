"""What statistics, perplexity and masks cost beyond the model's own forward pass and loading.

Both sides of a ratio take the same batches with the same threads in one process.
"""

from functools import partial
from pathlib import Path

import numpy as np
import torch
from timing import Row, paired_ratio
from transformers import PreTrainedModel

from multiprune.calibration.windows import Windows
from multiprune.evaluation.perplexity import window_losses, windows_of
from multiprune.fetch.texts import read_paragraphs
from multiprune.files.tensors import read_tensors
from multiprune.models.architectures import architecture_of
from multiprune.models.devices import set_up
from multiprune.models.loading import forward, load_model
from multiprune.models.tokenization import tokenize
from multiprune.models.tokenizer import load_tokenizer
from multiprune.pruning.files import read_mask
from multiprune.pruning.loading import load_pruned
from multiprune.statistics.passes import batches, collect

THREADS = 2
ROUNDS = 15  # a pass takes a second or less, and its time varies by a tenth
BATCH_TOKENS = 2048  # the default of compute.batch_tokens

ratio_of = partial(paired_ratio, rounds=ROUNDS)


def pass_rows(model_folder: Path, windows: Path, text: Path, mask: Path, length: int) -> list[Row]:
    """Statistics over calibration windows, perplexity of a text, loading under a mask.

    `length` is that of the perplexity's windows, in tokens.
    """
    set_up(THREADS)
    input_ids = read_tensors(windows)[0]["input_ids"]
    return [
        *statistics_rows(model_folder, Windows.full(input_ids)),
        perplexity_row(model_folder, text, length),
        *loading_rows(model_folder, mask, input_ids),
    ]


def statistics_rows(model_folder: Path, windows: Windows) -> list[Row]:
    """Against the forward pass with and without its output head.

    A pass for statistics needs no logits and computes none: the second row is what counting costs.
    """
    model, architecture = load_model(model_folder), architecture_of(model_folder)
    inputs = [batch.input_ids for batch in batches(windows, BATCH_TOKENS)]

    def count() -> None:
        collect(model, windows, architecture, BATCH_TOKENS)

    def without_head() -> None:
        for input_ids in inputs:
            forward(model, input_ids)

    def plain() -> None:
        for input_ids in inputs:
            _logits(model, input_ids)

    return [
        Row("statistics pass / plain forward pass", ratio_of(count, plain), 1.15),
        Row("statistics pass / forward pass without head", ratio_of(count, without_head)),
    ]


def perplexity_row(model_folder: Path, text: Path, length: int) -> Row:
    """Tokens per second of the loss of every window of a text, against logits and no loss."""
    model, tokenizer = load_model(model_folder), load_tokenizer(model_folder)
    tokens = tokenize(read_paragraphs(text), tokenizer)[0]
    windows = windows_of(tokens, length, tokenizer)
    full = np.stack([window.inputs for window in windows if len(window.inputs) == length])
    rest = [window.inputs[None] for window in windows if len(window.inputs) < length]
    inputs = [torch.from_numpy(rows).long() for rows in [*_split(full, length), *rest]]

    def plain() -> None:
        for input_ids in inputs:
            _logits(model, input_ids)

    ratio = ratio_of(plain, lambda: window_losses(model, windows, BATCH_TOKENS))
    return Row("perplexity / plain forward pass, tokens per second", ratio, 0.9, at_least=True)


def loading_rows(model_folder: Path, mask: Path, windows: np.ndarray) -> list[Row]:
    """Loading a model under a mask against loading it dense, files in the system's cache.

    On a CPU transformers only maps the files: plain loading reads no weight before one is used,
    while masking reads and writes all. The second row compares like with like: there the pruned
    weights of the dense model are copied into memory of the process too, as they are for a GPU.
    The third is what a job waits for: until one window [1, length] has gone through the model.
    """
    window = torch.from_numpy(windows[:1]).long()
    pruned = [name for name, _packed, _shape in read_mask(mask)]

    def masked() -> None:
        load_pruned(model_folder, pruning=mask)

    def mapped() -> None:
        load_model(model_folder)

    def copied() -> None:
        model = load_model(model_folder)
        for name in pruned:
            weight = model.get_parameter(name)
            weight.data = weight.data.clone()

    def masked_and_run() -> None:
        forward(load_pruned(model_folder, pruning=mask), window)

    def mapped_and_run() -> None:
        forward(load_model(model_folder), window)

    return [
        Row("loading under a mask / loading (files mapped)", ratio_of(masked, mapped), 1.3),
        Row("loading under a mask / loading into memory", ratio_of(masked, copied), 1.3),
        Row(
            "loading under a mask and a window / loading and a window",
            ratio_of(masked_and_run, mapped_and_run),
            1.3,
        ),
    ]


def _split(windows: np.ndarray, length: int) -> list[np.ndarray]:
    rows = max(1, BATCH_TOKENS // length)
    return [windows[start : start + rows] for start in range(0, len(windows), rows)]


@torch.inference_mode()
def _logits(model: PreTrainedModel, input_ids: torch.Tensor) -> None:
    model(input_ids, use_cache=False)
