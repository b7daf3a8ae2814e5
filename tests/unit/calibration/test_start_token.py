"""calibration.start_token, from text to statistics."""

import numpy as np
import pytest
from command_lines import call, collecting, sampling
from tiny import byte_tokenizer, start_token_tokenizer, write_llama

from multiprune.calibration.windows import Windows, read_windows
from multiprune.errors import InputError
from multiprune.files.json import write_json_lines
from multiprune.files.manifests import checked_fingerprint, write_manifest
from multiprune.files.tensors import read_tensors, write_tensors

START = 0
SAMPLES, LENGTH = 4, 16  # of `sampling`


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Text, and a model with each of two tokenizers, one of which begins texts with a token."""
    folder = tmp_path_factory.mktemp("inputs")
    for name, tokenizer in (("begins", start_token_tokenizer()), ("plain", byte_tokenizer())):
        write_llama(folder / name)
        tokenizer.save_pretrained(folder / name)
        write_manifest(folder / name, {})
    (folder / "text").mkdir()
    rows = [{"id": str(n), "text": f"paragraph {n} of the text"} for n in range(9)]
    write_json_lines(folder / "text/calibration.jsonl", rows)
    write_manifest(folder / "text", {})
    return folder


def sample(folder, model, start_token):
    """The windows file of a model, drawn by the script."""
    output = folder / f"{model}-{start_token}.safetensors"
    command = sampling(folder / model, folder / "text/calibration.jsonl", output)
    command[command.index("--start-token") + 1] = start_token
    assert call("sample_calibration", *command) == (0, [])
    return output


@pytest.mark.parametrize(
    ("start_token", "first", "counted"), [("none", 0, 64), ("read", 1, 60), ("count", 0, 64)]
)
def test_windows_of_a_tokenizer_that_begins_texts(folder, start_token, first, counted):
    path = sample(folder, "begins", start_token)
    windows, metadata = read_windows(path, checked_fingerprint(folder / "begins"))
    assert windows.input_ids.shape == (SAMPLES, LENGTH)
    starts = windows.input_ids == START
    assert starts.sum() == (0 if start_token == "none" else SAMPLES)
    assert starts[:, 0].all() == (start_token != "none")
    assert (windows.first, windows.counted) == (first, counted)
    assert metadata["unknown_tokens"] == "0"


def test_a_tokenizer_that_begins_texts_with_nothing_gives_the_same_bytes(folder):
    paths = [sample(folder, "plain", start_token) for start_token in ("none", "read", "count")]
    assert len({path.read_bytes() for path in paths}) == 1
    assert START not in read_tensors(paths[0])[0]["input_ids"]


@pytest.mark.parametrize(("start_token", "tokens"), [("none", 64), ("read", 60), ("count", 64)])
def test_statistics_count_what_the_windows_say(folder, start_token, tokens):
    windows = sample(folder, "begins", start_token)
    output = folder / f"statistics-{start_token}.safetensors"
    assert call("collect_statistics", *collecting(folder / "begins", windows, output)) == (0, [])
    arrays, metadata = read_tensors(output)
    assert int(metadata["tokens"]) == tokens
    assert metadata["unknown_tokens"] == "0"
    # Normalised inputs of attention: their mean square is 1, whatever is counted.
    (name,) = [name for name in arrays if name.endswith("layers.0.self_attn.k_proj.sum_sq")]
    assert arrays[name].sum() / len(arrays[name]) == pytest.approx(tokens, rel=1e-2)


def test_counted_tokens_by_hand():
    ids = np.zeros((2, 5), np.int32)
    assert Windows.full(ids).counted == 10
    assert Windows(ids, np.array([3, 5])).counted == 8
    assert Windows(ids, np.array([3, 5]), first=1).counted == 6


@pytest.mark.parametrize("lengths", [[1, 5], [0, 5], [5, 6], [5]])
def test_lengths_that_leave_nothing_to_count_are_refused(tmp_path, lengths):
    tensors = {"input_ids": np.zeros((2, 5), np.int32), "lengths": np.array(lengths, np.int32)}
    write_tensors(tmp_path / "w.safetensors", tensors, {"counted_from": "1"})
    with pytest.raises(InputError, match="its lengths are not those of its windows"):
        read_windows(tmp_path / "w.safetensors", "any")
