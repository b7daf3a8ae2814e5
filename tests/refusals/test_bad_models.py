"""Models that are broken or not what they say: each ends a script with one line and no file.

What is harmless works, and changes no number.
"""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from command_lines import (
    collecting,
    fetched,
    fetching,
    pruning,
    sampling,
    write_statistics_of_two,
    write_text,
    write_windows,
)
from loopback_hub import Fetching, Repository
from safetensors.torch import save
from script_calls import assert_refused, call, refusal
from tiny import write_llama
from unit.pruning.sequential.data import WANDA

from multiprune.files.tensors import read_tensors
from refusals.model_changes import (
    CONFIG,
    FIRST,
    INDEX,
    SECOND,
    TOKENIZER,
    TOKENIZER_CONFIG,
    WHOLE,
    all_of,
    content,
    cut,
    entries,
    higher_ids,
    more_tokens,
    no_rows,
    number,
    shards,
    tensors,
    without,
)
from refusals.pickled import Trap, pickles

UP, KEY = "model.layers.1.mlp.up_proj.weight", "model.layers.0.self_attn.k_proj.weight"
NORM, EMBEDDING = "model.norm.weight", "model.embed_tokens.weight"


@pytest.fixture(scope="module")
def llama(tmp_path_factory) -> Path:
    """A sound model of two blocks and 258 tokens."""
    return write_llama(tmp_path_factory.mktemp("sound") / "llama")


@pytest.fixture
def own(tmp_path, llama) -> Path:
    """A copy of it that a test may spoil."""
    return Path(shutil.copytree(llama, tmp_path / "own"))


# Refused when it is fetched ----------------------------------------------------------------------

NOT_FINITE = "holds numbers that are not finite (NaN or infinity); take an undamaged copy"
QUANTIZED = {"quant_method": "fp8"}
FOREIGN_CODE = "asks for Python code from the repository (auto_map), which is never run"
FETCH = {
    "NaN in a pruned matrix": (number(UP, np.nan), f"{UP} in {WHOLE} {NOT_FINITE}"),
    "infinity in a pruned matrix": (number(UP, np.inf), f"{UP} in {WHOLE} {NOT_FINITE}"),
    "NaN in a norm": (number(NORM, np.nan), f"{NORM} in {WHOLE} {NOT_FINITE}"),
    "minus infinity in the embeddings": (
        number(EMBEDDING, -np.inf),
        f"{EMBEDDING} in {WHOLE} {NOT_FINITE}",
    ),
    "NaN in bfloat16": (number(UP, np.nan, torch.bfloat16), f"{UP} in {WHOLE} {NOT_FINITE}"),
    "infinity in bfloat16": (number(UP, np.inf, torch.bfloat16), f"{UP} in {WHOLE} {NOT_FINITE}"),
    "infinity in float16": (number(UP, np.inf, torch.float16), f"{UP} in {WHOLE} {NOT_FINITE}"),
    "NaN in float64": (number(UP, np.nan, torch.float64), f"{UP} in {WHOLE} {NOT_FINITE}"),
    "NaN in the second shard": (
        shards(second={NORM: torch.full((32,), torch.nan)}),
        f"{NORM} in {SECOND} {NOT_FINITE}",
    ),
    "truncated weights": (cut(WHOLE, 1), f"{WHOLE} is not a whole safetensors file ("),
    "empty weights": (content(WHOLE, b""), f"{WHOLE} is not a whole safetensors file ("),
    "a pickle with the name of safetensors": (
        content(WHOLE, pickle.dumps({"a": [1] * 99})),
        f"{WHOLE} is not a whole safetensors file (",
    ),
    "a truncated shard": (
        all_of(shards(), cut(SECOND, 1000)),
        f"{SECOND} is not a whole safetensors file (",
    ),
    "a tensor in another shard than the index says": (
        shards(moved={KEY: SECOND}),
        f"{INDEX} says that {KEY} is in {SECOND}, but it is in {FIRST}; take index and",
    ),
    "a tensor of the index that no shard holds": (
        shards(second={UP: None}),
        f"{INDEX} says that {UP} is in {SECOND}, but no shard holds it; take index and",
    ),
    "a tensor in two shards": (
        shards(second={KEY: torch.ones(16, 32)}),
        f"{KEY} stands in {FIRST} and in {SECOND}; remove the file that does not belong",
    ),
    "a shard that is missing": (
        all_of(shards(), without(SECOND)),
        f"{INDEX} names 2 files of which 1 are missing ({SECOND}); complete the model",
    ),
    "an index that is none": (
        all_of(shards(), content(INDEX, b'{"weight_map": [1]}')),
        f"{INDEX} is not an index of weights (weight_map)",
    ),
    "weights in int8": (
        tensors({UP: torch.ones(48, 32, dtype=torch.int8)}),
        f"{WHOLE} stores {UP} as I8, only BF16, F16, F32, F64 are read",
    ),
    "weights in float8": (
        tensors({UP: torch.ones(48, 32).to(torch.float8_e4m3fn)}),
        f"{WHOLE} stores {UP} as F8_E4M3, only BF16, F16, F32, F64 are read",
    ),
    "quantization in the config": (
        entries(CONFIG, quantization_config=QUANTIZED),
        "config.json has a quantization_config, and only weights of floating-point numbers",
    ),
    "pickled weights in shards": (
        all_of(without(WHOLE), content("pytorch_model-00001-of-00001.bin", b"")),
        "its pickled weights are not plain tensors (pytorch_model-00001-of-00001.bin: ",
    ),
    "a model with code of its own": (
        entries(CONFIG, auto_map={"AutoModelForCausalLM": "own.Model"}),
        f"config.json {FOREIGN_CODE}",
    ),
    "a tokenizer with code of its own": (
        entries(TOKENIZER_CONFIG, auto_map={"AutoTokenizer": ["own.Tokenizer", None]}),
        f"tokenizer_config.json {FOREIGN_CODE}",
    ),
    "no tokenizer": (without(TOKENIZER), "no tokenizer; one of tokenizer.json, vocab.json"),
    "no blocks in the config": (
        entries(CONFIG, num_hidden_layers=0),
        "config.json says num_hidden_layers: 0, the weights are of 2 blocks (highest index 1)",
    ),
    "fewer blocks in the config": (
        entries(CONFIG, num_hidden_layers=1),
        "config.json says num_hidden_layers: 1, the weights are of 2 blocks (highest index 1)",
    ),
    "more blocks in the config": (
        entries(CONFIG, num_hidden_layers=10**12),
        "config.json says num_hidden_layers: 1000000000000, the weights are of 2 blocks",
    ),
    "a block that does not follow": (
        all_of(
            tensors({"model.layers.7.mlp.up_proj.weight": torch.ones(48, 32)}),
            entries(CONFIG, num_hidden_layers=3),
        ),
        "config.json says num_hidden_layers: 3, the weights are of 3 blocks (highest index 7)",
    ),
    "no blocks in either": (
        all_of(
            content(WHOLE, save({"lm_head.weight": torch.ones(258, 32)})),
            entries(CONFIG, num_hidden_layers=0),
        ),
        "config.json says num_hidden_layers: 0, the weights are of 0 blocks (highest index none)",
    ),
    "a config that is no JSON": (content(CONFIG, b'{"model_type": '), "config.json is not JSON ("),
    "a config in UTF-16": (
        content(CONFIG, '{"model_type": "llama"}'.encode("utf-16")),
        "config.json is not JSON (",
    ),
    "NaN in the config": (
        content(CONFIG, b'{"model_type": "llama", "rms_norm_eps": NaN}'),
        "config.json is not JSON (NaN is no number of JSON)",
    ),
    "a config that is nested without end": (
        content(CONFIG, b'{"a": ' + b"[" * 200_000),
        "config.json is not JSON (it is nested too deeply)",
    ),
    "attention by code of a hub": (
        entries(CONFIG, _attn_implementation="org/kernel"),
        "config.json asks for Python code from the repository (_attn_implementation), which",
    ),
    "a config that is a list": (content(CONFIG, b"[]"), "config.json is not a JSON object"),
    "no model_type": (
        content(CONFIG, b'{"hidden_size": 32}'),
        "own/config.json: is not a model's config with a model_type",
    ),
    "a model_type that is no name": (
        entries(CONFIG, model_type=["llama"]),
        "own/config.json: unknown model_type \"['llama']\"",
    ),
    "an unknown model_type": (
        entries(CONFIG, model_type="lama"),
        "own/config.json: unknown model_type 'lama': allowed are apertus, ",
    ),
}
# The tokenizer is loaded once.
TOO_HIGH = "config.json makes the model's vocabulary 258 tokens; take the tokenizer that belongs"
FETCH |= {
    "ids beyond the vocabulary": (higher_ids(100), f"has ids up to 357, {TOO_HIGH}"),
    "ids just beyond the vocabulary": (higher_ids(1), f"has ids up to 258, {TOO_HIGH}"),
    "a larger vocabulary than the model's": (
        entries(CONFIG, vocab_size=200),
        "has ids up to 257, config.json makes the model's vocabulary 200 tokens",
    ),
    "a start token beyond the vocabulary": (
        more_tokens(1, start=True),
        f"has ids up to 258, {TOO_HIGH}",
    ),
    "a tokenizer that is no JSON": (
        content(TOKENIZER, b"{"),
        "the tokenizer cannot be loaded (JSONDecodeError: ",
    ),
    "a tokenizer without a vocabulary": (
        content(TOKENIZER, b"{}"),
        "the tokenizer cannot be loaded (KeyError: 'added_tokens')",
    ),
    "a size in the config that is text": (
        entries(CONFIG, hidden_size="32"),
        "config.json cannot be used (StrictDataclassFieldValidationError: ",
    ),
    "heads that do not divide the hidden size": (
        entries(CONFIG, num_attention_heads=5),
        "config.json cannot be used (StrictDataclassClassValidationError: ",
    ),
    "no heads": (
        entries(CONFIG, num_attention_heads=0),
        "config.json cannot be used (ZeroDivisionError: ",
    ),
    "a dtype in the config that is unknown": (
        entries(CONFIG, dtype="float17"),
        "config.json cannot be used (AttributeError: ",
    ),
}
CANNOT = "the model cannot be loaded ("
# The weights are compared with what config.json makes of the class, before memory is asked for.
FETCH |= {
    "a pruned matrix that is missing": (
        tensors({UP: None}),
        f"has no weights for {UP} (1 missing), which would be random",
    ),
    "a norm that is missing": (tensors({NORM: None}), f"has no weights for {NORM} (1 missing)"),
    "a further matrix in a block": (
        tensors({"model.layers.1.mlp.adapter.weight": torch.ones(4, 4)}),
        "holds model.layers.1.mlp.adapter.weight, which the model of config.json does not have",
    ),
    "a matrix of another shape": (
        tensors({UP: torch.ones(40, 32)}),
        f"{UP} is 40x32 in the weights, config.json makes it 48x32 (1 such)",
    ),
    "embeddings of another vocabulary": (
        tensors({EMBEDDING: torch.ones(200, 32)}),
        f"{EMBEDDING} is 200x32 in the weights, config.json makes it 258x32 (1 such)",
    ),
    "a vocabulary of terabytes": (
        entries(CONFIG, vocab_size=2**40),
        "lm_head.weight is 258x32 in the weights, config.json makes it 1099511627776x32 (2 such)",
    ),
    "a width that no machine can count": (
        entries(CONFIG, intermediate_size=2**62),
        f"{CANNOT}RuntimeError: Storage size calculation overflowed",
    ),
    "a matrix without rows": (
        no_rows(UP, 2**62),
        f"{UP} is 0x4611686018427387904 in the weights, config.json makes it 48x32 (1 such)",
    ),
    "an unknown activation": (entries(CONFIG, hidden_act="glue"), f"{CANNOT}KeyError: 'glue')"),
    "a dtype without a point": (
        entries(CONFIG, dtype="int8"),
        f"{CANNOT}ValueError: LlamaForCausalLM cannot be instantiated under `dtype=torch.int8`",
    ),
    "shards without an index": (all_of(shards(), without(INDEX)), f"{CANNOT}OSError: "),
}


@pytest.mark.parametrize("name", FETCH)
def test_refused_when_it_is_fetched(own, name):
    change, message = FETCH[name]
    change(own)
    before = {path.name: path.read_bytes() for path in own.iterdir()}
    line = refusal("fetch_model", *fetching(own))
    assert str(own) in line
    assert message in line
    assert not [path for path in (own.parent / "models").rglob("*") if path.name[0] != "."]
    assert not (own.parent / "lock.yaml").exists()
    assert {path.name: path.read_bytes() for path in own.iterdir()} == before


HUB = {
    "NaN in a norm": (FETCH["NaN in a norm"][0], f"{NORM} in {WHOLE} {NOT_FINITE}"),
    "fewer blocks in the config": FETCH["fewer blocks in the config"],
    "a tokenizer with code of its own": FETCH["a tokenizer with code of its own"],
    "a tokenizer without a vocabulary": FETCH["a tokenizer without a vocabulary"],
}


@pytest.mark.parametrize("name", HUB)
def test_refused_when_it_has_been_downloaded(own, tmp_path, monkeypatch, name):
    change, message = HUB[name]
    change(own)
    fetching = Fetching(tmp_path, monkeypatch)
    line = fetching.refuse(Repository({path.name: path.read_bytes() for path in own.iterdir()}))
    assert f"model org/tiny: {message}" in line
    assert not [path for path in fetching.manifest.parents[1].rglob("*") if path.is_file()]


# Refused by the first script that reads it -------------------------------------------------------


@pytest.fixture(scope="module")
def text(tmp_path_factory) -> Path:
    return write_text(tmp_path_factory.mktemp("text"))


LOADING = {
    "numbers that overflow": (
        number("model.layers.0.input_layernorm.weight", 3e38),
        "LlamaForCausalLM: its activations at model.layers.0.self_attn.k_proj are not finite",
    ),
}


@pytest.mark.parametrize("name", LOADING)
def test_numbers_that_do_not_work_out(own, name):
    change, message = LOADING[name]
    change(own)
    windows, output = write_windows(own.parent / "en.safetensors"), own.parent / "statistics"
    words = collecting(fetched(own), windows, output)
    assert_refused(output, "collect_statistics", words, message)


# Harmless ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def collected(tmp_path_factory) -> Path:
    return write_statistics_of_two(tmp_path_factory.mktemp("collected"))


HARMLESS = {
    "nothing": all_of(),
    "shards": shards(),
    "a shard that the index does not name": all_of(
        shards(), content("model-00003-of-00003.safetensors", save({UP: torch.zeros(48, 32)}))
    ),
    "pickled weights beside the others": pickles,
    "a buffer of an old checkpoint": tensors(
        {"model.layers.1.self_attn.rotary_emb.inv_freq": torch.ones(4)}
    ),
    "a tensor outside of the blocks": tensors({"value_head.weight": torch.ones(1, 32)}),
    "another implementation of attention": entries(
        CONFIG, _attn_implementation="flash_attention_2"
    ),
    "tokens beyond the embeddings that no text holds": more_tokens(3),
}


@pytest.mark.parametrize("name", HARMLESS)
def test_what_is_harmless_changes_no_number(own, collected, text, name):
    HARMLESS[name](own)
    model, folder = fetched(own), own.parent
    assert call("sample_calibration", *sampling(model, text, folder / "drawn")) == (0, [])
    assert call("collect_statistics", *collecting(model, folder / "drawn", folder / "sums"))[0] == 0
    windows = write_windows(folder / "windows")
    assert call("collect_statistics", *collecting(model, windows, folder / "en")) == (0, [])
    assert call("prune_model", *pruning(model, folder / "mask", WANDA, folder / "en"))[0] == 0
    sound = pruning(collected / "models/tiny", folder / "sound", WANDA, collected / "en")
    assert call("prune_model", *sound)[0] == 0
    for file, expected in (("en", collected / "en"), ("mask", folder / "sound")):
        found, wanted = read_tensors(folder / file)[0], read_tensors(expected)[0]
        assert found.keys() == wanted.keys()
        assert all(np.array_equal(array, wanted[key]) for key, array in found.items())
    assert not (folder / "unpickled").exists()
    assert not [path for path in model.iterdir() if path.suffix in (".bin", ".pth")]


def test_the_trap_would_have_left_a_trace(tmp_path):
    pickle.loads(pickle.dumps(Trap(tmp_path / "unpickled")))
    assert (tmp_path / "unpickled").exists()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float64])
def test_the_largest_numbers_of_a_dtype_are_finite(own, dtype):
    number(UP, torch.finfo(dtype).max, dtype)(own)
    fetched(own)
