"""Models, statistics of three languages and methods for the tests of pruning."""

import numpy as np
from safetensors.numpy import load_file

from multiprune.calibration.windows import Windows
from multiprune.models.architectures import architecture_of
from multiprune.models.loading import load_model
from multiprune.models.weights import ModelWeights
from multiprune.pruning.masks import unpack
from multiprune.pruning.pruner import Pruner
from multiprune.statistics.files import ABOVE, COUNTED, StatisticsFiles, write_statistics
from multiprune.statistics.passes import collect
from multiprune.statistics.readings import Absolute

COUNTS = {"active": 1.0, "active@0.5": 0.5, "above@0.5": Absolute(0.5)}
LANGUAGES = {"de": 6, "en": 3, "fr": 4}  # windows of 12 tokens
UNIFORM = {"allocation": {"kind": "uniform"}, "scope": "row"}
MAGNITUDE = {"score": "magnitude", **UNIFORM}
WANDA = {"score": "wanda", "norm": {"kind": "pooled"}, **UNIFORM}
CROSS = {
    "kind": "cross_lingual",
    "dispersion": "std",
    "dispersion_weight": 0.25,
    "activation_weight": 0.5,
}
CWL = {"kind": "cwl", "direction": "keep_shared", "strength": 0.1, "combine": "none"}
OWL = {"kind": "owl", "strength": 0.08, "outlier_multiple": 3.0}
M_WANDA = {"score": "wanda", "norm": CROSS, "allocation": CWL, "scope": "row"}
CONTRAST = {**WANDA, "norm": {"kind": "contrast"}}
METHODS = {
    "magnitude": MAGNITUDE,
    "wanda": WANDA,
    "ria": {**WANDA, "score": "ria", "ria_exponent": 0.5},
    "owl": {**WANDA, "allocation": OWL},
    "m-wanda": M_WANDA,
    "m-ria": {**M_WANDA, "score": "ria"},
    "cwl-owl": {**WANDA, "allocation": {**CWL, "combine": "owl", "outlier_multiple": 3.0}},
    "specific": {**WANDA, "allocation": {**CWL, "direction": "keep_specific"}},
    "dlp": {**WANDA, "allocation": {"kind": "dlp", "strength": 0.08}},
    "worst": {**WANDA, "norm": {"kind": "worst_language", "scale": "mean"}},
    "layer": {**WANDA, "scope": "layer"},
}


def with_statistics(folder, write):
    """A model folder and statistics of three languages that really differ, at two thresholds."""
    write(folder / "model")
    model = load_model(folder / "model")
    draw = np.random.default_rng(3)
    for number, (language, samples) in enumerate(LANGUAGES.items()):
        ids = draw.integers(60 * number, 60 * number + 100, (samples, 12)).astype(np.int32)
        sums = collect(
            model,
            Windows.full(ids),
            architecture_of(folder / "model"),
            48,
            COUNTS,
            further=["sum", "sum_abs"],
        )
        arrays = {module_input: total.arrays() for module_input, total in sums.items()}
        path = folder / f"{language}.safetensors"
        provenance = {"model": "m", "activation_threshold": "1.0", COUNTED: "[0.5, 1.0]"}
        provenance[ABOVE] = "[0.5]"
        write_statistics(path, arrays, ids.size, provenance)
    return folder


def prune(folder, method, sparsity, languages=tuple(LANGUAGES)):
    weights = ModelWeights(folder / "model")
    with StatisticsFiles([folder / f"{code}.safetensors" for code in languages]) as statistics:
        return Pruner(
            weights, statistics if method["score"] != "magnitude" else None, method
        ).prune(sparsity)


def kept(pruned) -> dict[str, np.ndarray]:
    return {name: unpack(packed, pruned.shapes[name]) for name, packed in pruned.masks.items()}


# The same in plain NumPy, in double precision, straight from the files.


def input_sums(folder, parameter, key):
    """One row a language of a sum over the parameter's input: found by the channels' member."""
    shared = {"k_proj": ("q_proj", "k_proj", "v_proj"), "gate_proj": ("gate_proj", "up_proj")}
    module = parameter.removesuffix(".weight")
    for first, members in shared.items():
        if module.endswith(members):
            module = module.rsplit(".", 1)[0] + "." + first
    files = [load_file(folder / f"{code}.safetensors") for code in LANGUAGES]
    return np.stack([file[f"{module}.{key}"] for file in files])


TOKENS = np.array([12.0 * samples for samples in LANGUAGES.values()])


def plain_mask(scores, sparsity):
    """Drop the floor(columns * s) first of each row's stable ascending order."""
    keep = np.ones(scores.shape, dtype=np.uint8)
    dropped = int(np.floor(scores.shape[1] * sparsity + 1e-9))
    for row, values in enumerate(scores):
        keep[row, np.argsort(values, kind="stable")[:dropped]] = 0
    return keep


def llama_weights(folder):
    tensors = load_file(folder / "model" / "model.safetensors")
    return {name: array.astype(float) for name, array in tensors.items() if "_proj" in name}
