"""Every supported architecture end to end on a tiny random model, against plain computations.

The scripts run as the workflow runs them: statistics, masks, perplexity. What they write is
compared with hooks on every linear module, scores and selections in NumPy, and the logits that the
model itself computes.
"""

import importlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load_file
from tiny import WORDS, byte_tokenizer
from tiny_architectures import (
    ARCHITECTURES,
    linear_modules,
    load_plainly,
    publish_bare,
    write_model,
)
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel
from transformers.pytorch_utils import Conv1D

from multiprune.files.json import write_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import write_tensors
from multiprune.models import architectures
from multiprune.pruning.loading import load_pruned

WINDOWS = {"de": 5, "en": 3, "sw": 4}  # of 12 tokens, in batches of 3
BATCH, LENGTH, SPARSITY, STRENGTH = 3, 12, 0.5, 0.1
SUMS = ("sum_sq", "active")
ALONE = {"score": "wanda", "scope": "row"}
METHODS = {
    "wanda": {**ALONE, "norm": {"kind": "pooled"}, "allocation": {"kind": "uniform"}},
    "m-wanda": {
        **ALONE,
        "norm": {"kind": "cross_lingual", "dispersion_weight": 0.25, "activation_weight": 0.5},
        "allocation": {
            "kind": "cwl",
            "direction": "keep_shared",
            "combine": "none",
            "strength": STRENGTH,
        },
    },
}
# In bfloat16 too: those of the papers, their kin, and one of what else sets a class apart.
HALVED = ("llama", "mistral", "qwen2", "qwen3", "gemma", "gemma2", "gemma3_text", "cohere")
HALVED += ("cohere_with_head_norms", "cohere2", "olmo", "olmo2", "bloom", "xglm", "gpt2")
HALVED += ("gemma3", "granite", "mpt")
# Storage of the model: in float32; in bfloat16 and two files; named as on the hub.
EXPERIMENTS = [
    *ARCHITECTURES,
    *(f"{name}-bfloat16" for name in HALVED),
    *(f"{name}-bare" for name, tiny in ARCHITECTURES.items() if tiny.published_bare),
]


def run_script(name: str, *arguments: object) -> None:
    """A script's `main` with these arguments on its command line."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", [name, *map(str, arguments)])
        importlib.import_module(name).main()


@dataclass
class Experiment:
    """A tiny model's folder, what the scripts wrote, and what plain computations give."""

    name: str
    storage: str
    folder: Path
    expected_sums: dict[str, dict[str, dict[str, np.ndarray]]] = field(default_factory=dict)

    @property
    def exact(self) -> bool:
        """Whether the weights are float32."""
        return self.storage != "bfloat16"

    @property
    def model(self) -> Path:
        """The model folder."""
        return self.folder / "model"

    @cached_property
    def dense(self) -> PreTrainedModel:
        """The model as transformers loads it."""
        return load_plainly(self.name, self.model)

    @cached_property
    def linear(self) -> dict[str, torch.nn.Module]:
        """The dense model's linear modules in blocks, by name."""
        return linear_modules(self.name, self.dense)

    def matrix(self, module: str) -> np.ndarray:
        """Weight of a module as [outputs, inputs]."""
        weight = self.linear[module].weight.detach().double().numpy()
        return weight.T if isinstance(self.linear[module], Conv1D) else weight

    def windows(self, language: str) -> np.ndarray:
        """Calibration windows; languages use overlapping ranges of tokens."""
        start = 60 * sorted(WINDOWS).index(language)
        draw = np.random.default_rng(start)
        return draw.integers(start, start + 100, (WINDOWS[language], LENGTH)).astype(np.int32)

    def statistics(self, language: str) -> Path:
        """Path of the statistics of a language."""
        return self.folder / f"statistics/{language}.safetensors"

    def mask(self, method: str) -> Path:
        """Path of the mask of a method."""
        return self.folder / f"masks/{method}.safetensors"

    def record(self, method: str) -> dict:
        """Perplexity record of a method, on English."""
        return json.loads((self.folder / f"perplexity/{method}/en.json").read_text())


@pytest.fixture(scope="module", params=EXPERIMENTS)
def experiment(request, tmp_path_factory) -> Experiment:
    """A model of one class, its statistics, masks and perplexities."""
    name, _, storage = request.param.partition("-")
    made = Experiment(name, storage, tmp_path_factory.mktemp(request.param))
    write(made)
    for language in WINDOWS:
        collect_statistics(made, language)
    for method in METHODS:
        prune(made, method)
    for method in ("dense", *METHODS):
        evaluate(made, method)
    return made


def write(made: Experiment) -> None:
    """Model and text, each with the manifest that the fetch rules write."""
    if made.storage == "bfloat16":
        write_model(made.name, made.model, torch.bfloat16, max_shard_size="40KB")
    else:
        write_model(made.name, made.model)
    if made.storage == "bare":
        publish_bare(made.model)
    write_manifest(made.model, {"kind": "local"})
    corpus = made.folder / "corpora/words/en"
    rows = [{"id": str(i), "text": text} for i, text in enumerate(WORDS.values())]
    write_json_lines(corpus / "test.jsonl", rows)
    write_manifest(corpus, {"kind": "text"})


def collect_statistics(made: Experiment, language: str) -> None:
    windows = made.folder / f"windows/{language}.safetensors"
    write_tensors(windows, {"input_ids": made.windows(language)}, {})
    options = ("--model", made.model, "--windows", windows, "--dtype", "auto", "--threads", 1)
    options += ("--batch-tokens", BATCH * LENGTH, "--activation-threshold", 1.0)
    options += ("--activation-thresholds", 1.0)
    run_script("collect_statistics", *options, "--output", made.statistics(language))


def prune(made: Experiment, method: str) -> None:
    statistics = [made.statistics(language) for language in WINDOWS]
    options = ("--model", made.model, "--statistics", *statistics, "--name", method, "--threads", 1)
    options += ("--method", json.dumps(METHODS[method]), "--sparsity", SPARSITY)
    run_script("prune_model", *options, "--output", made.mask(method))


def evaluate(made: Experiment, method: str) -> None:
    mask = () if method == "dense" else (made.mask(method),)
    options = ("--model", made.model, "--dtype", "auto", "--mask", *mask, "--seed", 0)
    options += ("--method", method, "--sparsity", SPARSITY if mask else 0, "--threads", 1)
    options += ("--corpora", made.folder / "corpora", "--languages", json.dumps({"en": "words"}))
    options += ("--split", "test", "--length", 16, "--batch-tokens", 48)
    folders = ("--cache", made.folder / "cache", "--output", made.folder / f"perplexity/{method}")
    run_script("evaluate_perplexity", *options, *folders)


# The same, computed plainly.


def sums_by_hooks(made: Experiment, language: str) -> dict[str, dict[str, np.ndarray]]:
    """The four sums of every linear module's input over all tokens of a language, in float64."""
    seen = {name: [] for name in made.linear}
    hooks = [
        module.register_forward_hook(
            lambda _module, arguments, _output, name=name: seen[name].append(arguments[0])
        )
        for name, module in made.linear.items()
    ]
    with torch.no_grad():
        for rows in torch.from_numpy(made.windows(language)).long().split(BATCH):
            made.dense(input_ids=rows, use_cache=False)
    for hook in hooks:
        hook.remove()
    sums = {}
    for name, batches in seen.items():
        x = torch.cat([batch.flatten(0, -2) for batch in batches]).double().numpy()
        rms = np.sqrt((x**2).mean(axis=1, keepdims=True))
        parts = (x**2, np.abs(x) > rms)
        sums[name] = {key: part.sum(axis=0) for key, part in zip(SUMS, parts, strict=True)}
    return sums


def groups(made: Experiment) -> dict[str, dict]:
    """Module inputs in a statistics file's metadata: name -> block and members."""
    with safe_open(made.statistics("en"), framework="np") as file:
        return json.loads(file.metadata()["groups"])


def collected(made: Experiment, module: str, key: str) -> np.ndarray:
    """A sum of a module's input in the statistics files, a row per language."""
    [group] = [g for g, entry in groups(made).items() if f"{module}.weight" in entry["members"]]
    return np.stack([load_file(made.statistics(code))[f"{group}.{key}"] for code in WINDOWS])


def per_language_norms(made: Experiment, module: str) -> np.ndarray:
    """n_j of every language, [languages, channels]."""
    tokens = np.array([[LENGTH * samples] for samples in WINDOWS.values()])
    return np.sqrt(collected(made, module, "sum_sq") / tokens)


def norm(made: Experiment, module: str, method: str) -> np.ndarray:
    """What a method makes of a module's activations, [channels]."""
    tokens = np.array([[LENGTH * samples] for samples in WINDOWS.values()])
    pooled = np.sqrt(collected(made, module, "sum_sq").sum(axis=0) / tokens.sum())
    if method == "wanda":
        return pooled
    spread = per_language_norms(made, module).std(axis=0)
    probability = (collected(made, module, "active") / tokens).mean(axis=0)
    return (pooled + 0.25 * spread) * (1 + 0.5 * probability)


def target_sparsities(made: Experiment, method: str) -> list[float]:
    """Sparsity of both blocks: the one whose inputs correlate more over languages keeps more.

    Both blocks have the same number of weights, so they move by the strength up and down.
    """
    if method == "wanda":
        return [SPARSITY, SPARSITY]
    tiny = ARCHITECTURES[made.name]
    correlation = []
    for block in (0, 1):
        norms = [
            per_language_norms(made, f"{tiny.blocks}.{block}.{min(shared)}")
            for shared in tiny.shared_inputs
        ]
        pairs = [np.corrcoef(a, b)[0, 1] for n in norms for a, b in combinations(n, 2)]
        correlation.append(np.mean(pairs))
    lower, upper = SPARSITY - STRENGTH, SPARSITY + STRENGTH
    return [lower, upper] if correlation[0] > correlation[1] else [upper, lower]


def kept(made: Experiment, method: str) -> dict[str, np.ndarray]:
    """The mask of each parameter as it is stored, from the file's bits."""
    with safe_open(made.mask(method), framework="np") as file:
        shapes = json.loads(file.metadata()["shapes"])
        return {
            name: np.unpackbits(file.get_tensor(name), axis=1)[:, : shapes[name][1]]
            for name in file.keys()  # noqa: SIM118
        }


def window_losses(model: PreTrainedModel) -> list[float]:
    """Loss of windows of 16 tokens from the logits of the whole model, one window at a time."""
    ids = byte_tokenizer()("".join(f"{line}\n" for line in WORDS.values()))["input_ids"]
    losses = []
    for start in range(0, len(ids), 16):
        window = torch.tensor(ids[start : start + 16])
        before = torch.tensor([ids[start - 1] if start else 0])
        with torch.no_grad():
            logits = model(torch.cat([before, window])[None], use_cache=False).logits[0]
        losses.append(float(cross_entropy(logits[:-1].double(), window, reduction="sum")))
    return losses


def test_inputs_are_shared_as_the_class_shares_them(experiment):
    tiny = ARCHITECTURES[experiment.name]
    expected = {
        (block, frozenset(f"{tiny.blocks}.{block}.{module}.weight" for module in shared))
        for block in (0, 1)
        for shared in tiny.shared_inputs
    }
    found = groups(experiment).values()
    assert {(entry["block"], frozenset(entry["members"])) for entry in found} == expected
    assert len(found) == 2 * len(tiny.shared_inputs)


def test_the_builder_names_every_linear_module_of_the_blocks(experiment):
    prefix = ARCHITECTURES[experiment.name].blocks
    linear = {
        name
        for name, module in experiment.dense.named_modules()
        if isinstance(module, torch.nn.Linear | Conv1D) and name.startswith(f"{prefix}.")
    }
    assert linear == experiment.linear.keys()


@pytest.mark.parametrize("language", list(WINDOWS))
def test_statistics_are_sums_over_every_linear_modules_input(experiment, language):
    tensors = load_file(experiment.statistics(language))
    assert {array.dtype.name for array in tensors.values()} == {"float64", "int64"}
    assert tensors["tokens"].tolist() == [LENGTH * WINDOWS[language]]
    row = list(WINDOWS).index(language)
    for module, sums in sums_by_hooks(experiment, language).items():
        for key in ("sum_sq",):
            found = collected(experiment, module, key)[row]
            np.testing.assert_allclose(found, sums[key], rtol=1e-5, atol=1e-5, err_msg=module)
        # A value at the threshold itself may fall on either side in another precision.
        found = collected(experiment, module, "active")[row]
        np.testing.assert_allclose(found, sums["active"], atol=1, err_msg=module)


@pytest.mark.parametrize("method", list(METHODS))
def test_masks_drop_the_lowest_scores_of_every_output(experiment, method):
    masks = kept(experiment, method)
    assert masks.keys() == {f"{module}.weight" for module in experiment.linear}
    targets = target_sparsities(experiment, method)
    dropped_weights = weights = 0
    for module in experiment.linear:
        keep = masks[f"{module}.weight"].astype(bool)
        keep = keep.T if isinstance(experiment.linear[module], Conv1D) else keep
        block = int(module.removeprefix(ARCHITECTURES[experiment.name].blocks).split(".")[1])
        expected = int(keep.shape[1] * targets[block] + 1e-9)
        np.testing.assert_array_equal((~keep).sum(axis=1), expected, err_msg=module)
        scores = np.abs(experiment.matrix(module)) * norm(experiment, module, method)
        highest_dropped = np.where(keep, -np.inf, scores).max(axis=1)
        lowest_kept = np.where(keep, scores, np.inf).min(axis=1)
        assert (highest_dropped <= lowest_kept * (1 + 1e-5)).all(), module
        dropped_weights += expected * len(keep)
        weights += keep.size
    with safe_open(experiment.mask(method), framework="np") as file:
        achieved = float(file.metadata()["achieved_sparsity"])
    assert achieved == pytest.approx(dropped_weights / weights)
    assert SPARSITY - 1 / 32 < achieved <= SPARSITY


@pytest.mark.parametrize("method", list(METHODS))
def test_a_masked_model_is_zero_where_the_mask_says_and_else_the_same(experiment, method):
    masks = kept(experiment, method)
    masked = load_pruned(experiment.model, "auto", experiment.mask(method))
    dense = dict(experiment.dense.named_parameters())
    expected_type = torch.float32 if experiment.exact else torch.bfloat16
    for name, parameter in masked.named_parameters():
        assert parameter.dtype == expected_type
        keep = torch.from_numpy(masks[name] == 1) if name in masks else torch.tensor(True)
        assert torch.equal(parameter, torch.where(keep, dense[name], 0)), name
    assert masks.keys() <= dict(masked.named_parameters()).keys()


def test_tied_weights_stay_tied(experiment):
    masked = load_pruned(experiment.model, "auto", experiment.mask("wanda"))
    tied = masked.get_output_embeddings().weight is masked.get_input_embeddings().weight
    assert tied == masked.config.tie_word_embeddings


@pytest.mark.parametrize("method", ["dense", *METHODS])
def test_perplexity_is_that_of_the_models_own_logits(experiment, method):
    model = load_plainly(experiment.name, experiment.model)
    if method != "dense":
        for name, keep in kept(experiment, method).items():
            model.get_parameter(name).data *= torch.from_numpy(keep).to(model.dtype)
    expected = window_losses(model)
    record = experiment.record(method)
    tolerance = 1e-4 if experiment.exact else 2e-2
    np.testing.assert_allclose(record["window_nll"], expected, rtol=tolerance)
    tokens = sum(len(line.encode()) + 1 for line in WORDS.values())
    assert record["tokens"] == tokens
    assert record["perplexity"] == pytest.approx(np.exp(sum(expected) / tokens), rel=tolerance)


def test_storage_is_what_it_is_called(experiment):
    files = sorted(path.name for path in experiment.model.glob("*.safetensors*"))
    stored = set()
    for path in experiment.model.glob("*.safetensors"):
        with safe_open(path, framework="np") as file:
            stored |= set(file.keys())
    tiny = ARCHITECTURES[experiment.name]
    prefix = f"{tiny.stored or tiny.blocks}.0."
    if experiment.storage == "bfloat16":
        assert "model.safetensors.index.json" in files
        assert len(files) >= 3
    else:
        assert files == ["model.safetensors"]
    assert any(name.startswith(prefix) for name in stored) == (experiment.storage != "bare")


def test_the_table_is_covered():
    built = {ARCHITECTURES[name].build().config.model_type for name in ARCHITECTURES}
    assert built == set(architectures.ARCHITECTURES)
