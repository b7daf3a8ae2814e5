import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patience import patience
from tiny import byte_tokenizer, start_token_tokenizer, write_llama

import sample_demonstrations
from multiprune.calibration.demonstrations import (
    Side,
    monolingual_lines,
    tokenize_samples,
    translation_lines,
)
from multiprune.errors import InputError
from multiprune.files.json import write_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import read_tensors

SCRIPTS = Path(__file__).parents[3] / "scripts"
END = 1  # the byte tokenizer's end token


def side(name: str, prefix: str, ids) -> Side:
    return Side(name, {f"p{number:02d}": f"{prefix}{number}" for number in ids})


ENGLISH = side("English", "e", range(12))
FRENCH = side("French", "f", range(12))


def draw(source=ENGLISH, target=FRENCH, shots=3, samples=4, seed=0, name="en-fr"):
    return translation_lines(source, target, shots, samples, seed, name)


def text(tokens) -> str:
    return byte_tokenizer().decode(tokens)


def test_a_demonstration_by_hand():
    lines = [[("English", "Hi"), ("French", "Ça"), ("English", "no")]]
    samples = tokenize_samples(lines, byte_tokenizer(), 60)
    whole = "English: Hi</s>French: Ça</s>English: no</s>"
    expected = len(b"English: Hi" + "French: Ça".encode() + b"English: no") + 3
    assert samples.lengths.tolist() == [expected]
    assert text(samples.input_ids[0, :expected]) == whole
    assert not samples.input_ids[0, expected:].any()
    assert samples.input_ids.dtype == samples.lengths.dtype == np.int32
    assert samples.truncated == 0


def test_source_then_target_of_the_same_paragraph():
    for lines in draw():
        assert [name for name, _ in lines] == ["English", "French"] * 3
        sentences = [sentence for _, sentence in lines]
        assert [s[1:] for s in sentences[::2]] == [s[1:] for s in sentences[1::2]]
        assert {s[0] for s in sentences[::2]} == {"e"}


def test_long_samples_lose_their_end_and_are_counted():
    lines = [[("A", "b" * 6)], [("A", "b" * 7)], [("A", "b" * 8)]]  # 10, 11 and 12 tokens
    samples = tokenize_samples(lines, byte_tokenizer(), 11)
    assert samples.lengths.tolist() == [10, 11, 11]
    assert samples.truncated == 1
    assert [row[length - 1] == END for row, length in zip(*arrays(samples), strict=True)] == [
        True, True, False,
    ]  # fmt: skip


def arrays(samples):
    return samples.input_ids, samples.lengths


def test_no_start_token_even_from_a_tokenizer_that_adds_one():
    lines = draw()
    found = tokenize_samples(lines, start_token_tokenizer(), 64)
    np.testing.assert_array_equal(
        found.input_ids, tokenize_samples(lines, byte_tokenizer(), 64).input_ids
    )
    assert start_token_tokenizer()("a")["input_ids"][0] == 0


def test_seed_name_and_order_of_the_pair_matter():
    draws = [
        draw(),
        draw(seed=1),
        draw(name="en-de"),
        draw(FRENCH, ENGLISH, name="fr-en"),
    ]
    assert draw() == draws[0]
    assert len({repr(lines) for lines in draws}) == 4
    assert draws[3][0][0][0] == "French"


def test_only_paragraphs_of_both_sides_are_drawn_whatever_the_order_of_the_files():
    target = side("French", "f", [11, 3, 7, 1, 99])
    lines = draw(target=target, shots=4, samples=20)
    assert {sentence[1:] for sample in lines for _, sentence in sample} == {"1", "3", "7", "11"}
    assert lines == draw(target=side("French", "f", [1, 99, 11, 3, 7]), shots=4, samples=20)


@pytest.mark.parametrize(
    ("lines", "needed", "found"),
    [
        (lambda: draw(target=side("French", "f", [1, 2, 40])), 3, 2),
        (lambda: monolingual_lines(side("French", "f", range(5)), 3, 1, 0, "en-fr"), 6, 5),
    ],
)
def test_too_few_paragraphs_name_both_numbers(lines, needed, found):
    expected = (
        rf"^en-fr: a sample of demonstrations needs {needed} different paragraphs, the texts give "
        rf"{found}; lower calibration\.demonstrations\.shots or give more parallel text$"
    )
    with pytest.raises(InputError, match=expected):
        lines()


@settings(deadline=None)
@given(st.integers(1, 6), st.integers(0, 9), st.integers(1, 30), st.integers(0, 2**32))
def test_none_twice_in_a_sample_and_all_used_before_any_is_used_again(shots, more, samples, seed):
    ids = range(shots + more)
    lines = draw(side("A", "a", ids), side("B", "b", ids), shots, samples, seed)
    drawn = [[sentence for name, sentence in sample if name == "A"] for sample in lines]
    assert all(len(set(sample)) == shots for sample in drawn)
    counts = Counter({f"a{number}": 0 for number in ids})
    counts.update(sentence for sample in drawn for sentence in sample)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_the_control_has_as_many_lines_all_different_and_of_one_language():
    pair, control = draw(samples=9), monolingual_lines(FRENCH, 3, 9, 0, "fr-fr")
    assert [len(lines) for lines in control] == [len(lines) for lines in pair]
    for lines in control:
        assert {name for name, _ in lines} == {"French"}
        assert len({sentence for _, sentence in lines}) == 6
    assert monolingual_lines(FRENCH, 3, 9, 1, "fr-fr") != control


def test_every_paragraph_is_as_likely():
    drawn = Counter(
        sentence for seed in range(1000) for _, sentence in draw(shots=3, samples=1, seed=seed)[0]
    )
    counts = [drawn[f"e{number}"] for number in range(12)]
    assert sum(counts) == 3000
    assert min(counts) > 190  # 250 are expected, 14 is a standard deviation
    assert max(counts) < 310


def test_a_tokenizer_without_an_end_token_is_one_line():
    tokenizer = byte_tokenizer()
    tokenizer.eos_token = None
    with pytest.raises(InputError, match=r"has no end token \(eos_token\)"):
        tokenize_samples(draw(), tokenizer, 64)


# The script.


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    for code, language in (("en", ENGLISH), ("fr", side("French", "f", [5, *range(8, 14)]))):
        (folder / code).mkdir()
        rows = [{"id": name, "text": sentence} for name, sentence in language.sentences.items()]
        write_json_lines(folder / code / "calibration.jsonl", rows)
        write_manifest(folder / code, {})
    write_llama(folder / "model")
    write_manifest(folder / "model", {})
    return folder


def sample(folder, monkeypatch, source="en", target="fr", shots=2, start_token="count"):
    """Run the script in this process; returns its tensors and metadata."""
    names = {"en": "English", "fr": "French"}
    arguments = {
        "model": folder / "model",
        "source": folder / source / "calibration.jsonl",
        "target": folder / target / "calibration.jsonl",
        "source-name": names[source], "target-name": names[target],
        "name": f"{source}-{target}", "shots": shots, "samples": 4, "length": 48,
        "start-token": start_token, "seed": 0,
        "output": folder / "out.safetensors",
    }  # fmt: skip
    monkeypatch.setattr(
        "sys.argv", ["x", *[f"--{key}={value}" for key, value in arguments.items()]]
    )
    sample_demonstrations.main()
    return read_tensors(folder / "out.safetensors")


def test_the_file_and_its_report(folder, monkeypatch, capsys):
    tensors, metadata = sample(folder, monkeypatch)
    assert tensors["input_ids"].shape == (4, 48)
    texts = [text(row[:n]) for row, n in zip(tensors["input_ids"], tensors["lengths"], strict=True)]
    assert all(re.match(r"English: e(\d+)</s>French: f\1</s>English: e\d", row) for row in texts)
    # Names, sentences of one digit and ends are 48 tokens: a sample with a p10 or p11 is too long.
    cut = sum(not row.endswith("</s>") for row in texts)
    assert 0 < cut < 4
    tokens = tensors["lengths"].sum()
    assert metadata.items() >= {
        "paragraphs": "5", "truncated": str(cut), "tokens": str(tokens), "shots": "2",
        "dropped_from_source": "7", "dropped_from_target": "2", "length_outliers": "0.0",
    }.items()  # fmt: skip
    assert capsys.readouterr().out.splitlines() == [
        f"en-fr: 4 samples, {tokens} tokens; cut at 48 tokens: {cut}",
        "en-fr: 5 aligned paragraphs; without a counterpart and dropped: 7 English, 2 French",
        "en-fr: 0% of 5 pairs are outliers in length",
    ]


def test_one_file_twice_is_the_control(folder, monkeypatch, capsys):
    tensors, metadata = sample(folder, monkeypatch, "en", "en")
    assert "length_outliers" not in metadata
    assert all(row.count("English: e") >= 3 for row in map(text, tensors["input_ids"]))
    assert "aligned" not in capsys.readouterr().out


def test_a_mistake_leaves_no_file(folder, monkeypatch):
    (folder / "out.safetensors").unlink(missing_ok=True)
    with pytest.raises(InputError, match=r"^en-fr: a sample of demonstrations needs 6 "):
        sample(folder, monkeypatch, shots=6)
    assert not (folder / "out.safetensors").exists()


def test_hash_seeds_change_nothing():
    code = (
        "from multiprune.calibration.demonstrations import Side, translation_lines\n"
        "sides = [Side(n, {f'{i}x': f'{n}{i}' for i in range(30)}) for n in ('A', 'B')]\n"
        "print(translation_lines(*sides, 4, 20, 0, 'a-b'))"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": str(SCRIPTS)},
            capture_output=True, text=True, check=True, timeout=patience(180),
        ).stdout
        for seed in ("1", "2", "3")
    ]  # fmt: skip
    assert len(printed[0]) > 1000
    assert len(set(printed)) == 1


def test_a_sample_begins_with_the_start_token_once_and_is_cut_with_it():
    lines = draw(shots=1, samples=1)
    bare = tokenize_samples(lines, byte_tokenizer(), 64)
    begun = tokenize_samples(lines, byte_tokenizer(), 64, [7])
    size = int(bare.lengths[0])
    assert begun.lengths.tolist() == [size + 1]
    assert begun.input_ids[0, : size + 1].tolist() == [7, *bare.input_ids[0, :size]]
    assert tokenize_samples(lines, byte_tokenizer(), size, [7]).truncated == 1


def test_control_tokens_in_a_sentence_end_no_line():
    found = tokenize_samples([[("English", "<s>20</s>")]], byte_tokenizer(), 64)
    assert found.input_ids[0].tolist().count(END) == 1  # the line's own
