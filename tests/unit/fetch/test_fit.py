"""What an experiment asks of a model against what the model can do, before any GPU job."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from command_lines import fetched, fetching, sampling, write_text
from loopback_hub import Fetching, Repository
from refusals.model_changes import CONFIG, entries
from script_calls import assert_refused, call, refusal
from tiny import write_llama
from tiny_architectures import ARCHITECTURES, write_model

from multiprune.errors import InputError
from multiprune.experiment.config import all_calibration_sets, validate
from multiprune.fetch.fit import check_fit, check_known, demands

ROOT = Path(__file__).parents[3]
GEMMA = ["gemma", "gemma2", "gemma3", "gemma3_text", "gemma4", "gemma4_text", "vaultgemma"]
OTHERS = sorted({name for name in ARCHITECTURES if "_with_" not in name} - set(GEMMA))
LENGTHS = ["calibration.length", "calibration.demonstrations.length"]
LENGTHS += ["evaluation.perplexity.length"]


def asked(dtype: str = "auto", **lengths: int) -> dict:
    return {"dtype": dtype, "lengths": lengths}


def config_alone(folder: Path, **content: object) -> Path:
    """A folder as it is before the weights have come."""
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(content))
    return folder


def test_demands_by_hand():
    config = validate(yaml.safe_load((ROOT / "config/demo.yaml").read_text()))
    found = demands(config, "smollm2-135m", all_calibration_sets(config))
    lengths = dict(zip(LENGTHS, (128, 512, 128), strict=True))
    assert found == {"dtype": "auto", "lengths": lengths}
    assert demands(config, "smollm2-135m", ["en"])["lengths"].keys() == set(LENGTHS[::2])
    assert demands(config, "smollm2-135m", ["en-fr"])["lengths"].keys() == set(LENGTHS[1:])
    assert demands(config, "smollm2-135m", [])["lengths"].keys() == set(LENGTHS[2:])


# Precision ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("model_type", GEMMA)
def test_the_gemma_family_is_refused_in_float16(model_type, tmp_path):
    folder = config_alone(tmp_path / "m", model_type=model_type)
    with pytest.raises(InputError) as error:
        check_fit("g", folder, asked("float16"))
    assert str(error.value) == (
        f"models.g.dtype: found float16; the activations of {model_type} overflow in it; set "
        "dtype: bfloat16 or float32"
    )
    for dtype in ("bfloat16", "float32", "auto"):
        check_fit("g", folder, asked(dtype))


@pytest.mark.parametrize("model_type", OTHERS)
def test_other_families_are_not(model_type, tmp_path):
    folder = config_alone(tmp_path / "m", model_type=model_type, torch_dtype="float16")
    check_fit("m", folder, asked("float16"))
    check_fit("m", folder, asked("auto"))


@pytest.mark.parametrize("name", ["gemma2", "gemma3"])
@pytest.mark.parametrize("stored", ["float16", "bfloat16"])
@pytest.mark.parametrize("key", ["dtype", "torch_dtype", None])
def test_auto_is_what_the_config_or_else_the_files_say(name, stored, key, tmp_path):
    folder = write_model(name, tmp_path / "m", getattr(torch, stored))
    content = json.loads((folder / CONFIG).read_text())
    del content["dtype"]
    (folder / CONFIG).write_text(json.dumps(content | ({key: stored} if key else {})))
    if stored == "float16":
        with pytest.raises(InputError, match=r"^models\.g\.dtype: found auto, which is float16 in"):
            check_fit("g", folder, asked())
    else:
        check_fit("g", folder, asked())
    check_fit("g", folder, asked("float32"))


# Positions ---------------------------------------------------------------------------------------

POSITIONS = {
    "llama": {"max_position_embeddings": 64},
    "gpt2": {"n_positions": 64},
    "mpt": {"max_seq_len": 64},
    "gemma3": {"text_config": {"max_position_embeddings": 64, "model_type": "gemma3_text"}},
    "mistral3": {"max_position_embeddings": 9, "text_config": {"max_position_embeddings": 64}},
}


@pytest.mark.parametrize("key", LENGTHS)
@pytest.mark.parametrize("model_type", POSITIONS)
def test_windows_beyond_the_positions_are_refused(model_type, key, tmp_path):
    folder = config_alone(tmp_path / "m", model_type=model_type, **POSITIONS[model_type])
    check_fit("m", folder, asked(**{key: 64}))
    with pytest.raises(InputError) as error:
        check_fit("m", folder, asked(**{key: 65}))
    assert str(error.value) == (
        f"{key}: found 65, but models.m has 64 positions; lower it, for all models, or leave out "
        "this model"
    )


@pytest.mark.parametrize("model_type", ["bloom", "llama"])
def test_a_model_that_names_no_positions_has_no_limit(model_type, tmp_path):
    folder = config_alone(tmp_path / "m", model_type=model_type, seq_length=64)
    check_fit("m", folder, asked(**dict.fromkeys(LENGTHS, 131072)))


# Where it is asked -------------------------------------------------------------------------------


def test_a_local_model_is_refused_when_it_is_fetched(tmp_path):
    own = write_llama(tmp_path / "own")
    words = [*fetching(own), "--asked", json.dumps(asked(**{LENGTHS[0]: 257}))]
    line = refusal("fetch_model", *words)
    assert line.startswith("error: calibration.length: found 257, but models.tiny has 256 ")
    assert not (tmp_path / "models/tiny").exists()
    words[-1] = json.dumps(asked(**{LENGTHS[0]: 256}))
    assert call("fetch_model", *words) == (0, [])


class FetchingFor(Fetching):
    """Runs of the script for an experiment that asks for something."""

    asked = asked()

    def execute(self, arguments, *others, **options):
        return super().execute([*arguments, "--asked", json.dumps(self.asked)], *others, **options)


def test_no_weights_are_downloaded_for_a_refused_model(tmp_path, monkeypatch):
    own = write_llama(tmp_path / "own")
    files = {path.name: path.read_bytes() for path in own.iterdir()}
    runs, repository = FetchingFor(tmp_path, monkeypatch), Repository(files)
    runs.asked = asked(**{LENGTHS[2]: 512})
    line = runs.refuse(repository)
    assert line.startswith("error: evaluation.perplexity.length: found 512, but models.tiny has 25")
    assert repository.weights() == []
    runs.asked = asked(**{LENGTHS[2]: 128})
    again = Repository(files)
    runs.succeed(again)
    assert [name for name, _start, _size in again.transfers] == ["model.safetensors"]


def test_downloaded_weights_stay_where_the_precision_alone_is_wrong(tmp_path, monkeypatch):
    own = write_model("gemma", tmp_path / "own", torch.float16)
    entries(CONFIG, dtype=None)(own)
    files = {path.name: path.read_bytes() for path in own.iterdir()}
    runs, repository = FetchingFor(tmp_path, monkeypatch), Repository(files)
    assert "models.tiny.dtype: found auto, which is float16 in its files" in runs.refuse(repository)
    runs.asked = asked("float32")
    again = Repository(files)
    runs.succeed(again)
    assert again.transfers == []


def test_windows_and_demonstrations_are_not_even_drawn(tmp_path):
    model, text = fetched(write_llama(tmp_path / "own")), write_text(tmp_path / "text")
    words = sampling(model, text, tmp_path / "windows")
    words[words.index("--length") + 1] = 257
    assert_refused(
        tmp_path / "windows", "sample_calibration", words, "calibration.length: found 257, but"
    )
    place = words.index("--text")
    words[place : place + 2] = ["--source", text, "--target", text, "--shots", 1]
    words += ["--source-name", "English", "--target-name", "English"]
    assert_refused(
        tmp_path / "windows", "sample_demonstrations", words, f"{LENGTHS[1]}: found 257, but"
    )


def test_models_on_this_machine_are_known_before_any_job(tmp_path):
    config = validate(yaml.safe_load((ROOT / "config/demo.yaml").read_text()))
    own = write_llama(tmp_path / "own", max_position_embeddings=127)
    known = {**config["models"]["smollm2-135m"], "kind": "local", "folder": str(own)}
    config["models"] = {"new": config["models"]["smollm2-135m"], "none": {**known, "folder": "no"}}
    check_known(config, tmp_path / "models", ["en"])
    config["models"]["own"] = known
    with pytest.raises(InputError, match=r"found 128, but models\.own has 127 positions"):
        check_known(config, tmp_path / "models", ["en"])
    del config["models"]["own"]
    write_llama(tmp_path / "models/new", max_position_embeddings=126)
    with pytest.raises(InputError, match=r"found 128, but models\.new has 126 positions"):
        check_known(config, tmp_path / "models", ["en"])
