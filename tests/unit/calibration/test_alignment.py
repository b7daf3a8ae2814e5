"""Parallel texts that part ways: refused by their counts or their lengths, in both scripts."""

import json
import math
import random
import re
from pathlib import Path

import pytest
from script_calls import assert_refused, call, refusal
from tiny import byte_tokenizer, write_llama

import sample_demonstrations
from multiprune.calibration.alignment import Lengths, check_counts, check_lengths, compare_lengths
from multiprune.errors import InputError
from multiprune.files.json import read_json, read_json_lines, write_json_lines
from multiprune.files.manifests import read_manifest, write_manifest
from multiprune.files.tensors import read_tensors

# Characters of the fifty paragraphs of the Declaration's articles, English and Chinese.
ENGLISH = [
    170, 250, 265, 67, 113, 95, 76, 252, 166, 66, 199, 196, 313, 238, 93, 93, 87, 177, 40, 103,
    224, 92, 119, 83, 53, 294, 227, 71, 52, 120, 72, 257, 341, 143, 80, 211, 92, 124, 359, 158,
    304, 344, 97, 158, 166, 142, 113, 332, 116, 224,
]  # fmt: skip
CHINESE = [
    43, 70, 79, 17, 35, 32, 20, 71, 48, 18, 58, 46, 63, 59, 17, 29, 22, 45, 9, 27, 59, 22, 27, 24,
    13, 75, 65, 17, 15, 25, 17, 70, 92, 37, 18, 58, 21, 36, 95, 43, 75, 75, 25, 36, 45, 44, 36, 90,
    34, 56,
]  # fmt: skip


def texts(lengths: list[int]) -> dict[str, str]:
    return {f"p{number:03d}": "x" * length for number, length in enumerate(lengths)}


def compared(source: list[int], target: list[int]) -> Lengths:
    return compare_lengths(texts(source), texts(target))


class TestLengths:
    def test_one_outlier_by_hand(self):
        """Ratios are 2, but 32 for the third: off by 4 doublings.

        Half of the thirty wrong pairs are off by at most 2: 9 by one doubling, 7 by two.
        """
        assert compared([4, 8, 16, 32, 64, 128], [8, 16, 512, 64, 128, 256]) == Lengths(6, 1)

    @pytest.mark.parametrize(("length", "outliers"), [(149, 0), (151, 1), (67, 0), (66, 1)])
    def test_texts_of_one_length_allow_a_factor_of_one_and_a_half(self, length, outliers):
        target = [100] * 9
        target[3] = length
        assert compared([100] * 9, target).outliers == outliers

    def test_texts_of_one_length_say_nothing_when_shifted(self):
        lines = [100 + number % 20 for number in range(100)]
        assert compared(lines[1:], lines[:-1]) == Lengths(99, 0)

    def test_ids_that_one_side_lacks_are_no_pairs(self):
        target = texts(CHINESE)
        for name in ("p004", "p030"):
            del target[name]
        assert compare_lengths(texts(ENGLISH), target) == Lengths(48, 0)

    def test_either_side_may_come_first(self):
        shifted = CHINESE[1:]
        assert compared(ENGLISH, shifted) == compared(shifted, ENGLISH[:-1])

    @pytest.mark.parametrize("pairs", [0, 1, 2])
    def test_hardly_any_pair(self, pairs):
        assert compared(ENGLISH[:pairs], CHINESE[:pairs]) == Lengths(pairs, 0)

    @pytest.mark.parametrize(
        ("pairs", "limit"),
        [
            (100, 0.25 + 2 * math.sqrt(0.25 * 0.75 / 100)),  # 0.337
            (25, 0.25 + 2 * math.sqrt(0.25 * 0.75 / 25)),  # 0.423
        ],
    )
    def test_limit_and_what_is_said(self, pairs, limit):
        assert Lengths(pairs, 0).limit == pytest.approx(limit)
        assert str(Lengths(25, 5)) == "20% of 25 pairs are outliers in length"


class TestRealLengths:
    def test_the_declaration_is_parallel(self):
        assert check_lengths("en-zh", texts(ENGLISH), texts(CHINESE)) == Lengths(50, 0)

    @pytest.mark.parametrize("without", [0, 1, 4])
    def test_one_paragraph_too_few_at_the_beginning(self, without):
        shifted = texts(CHINESE[:without] + CHINESE[without + 1 :])
        expected = (
            r"en-zh: \d\d% of 49 pairs are outliers in length, allowed are at most 37%: paragraphs "
            r"of equal ids are no translations of each other; give texts in which no side lacks a "
            r"paragraph, or leave the language out"
        )
        with pytest.raises(InputError) as caught:
            check_lengths("en-zh", texts(ENGLISH), shifted)
        assert re.fullmatch(expected, str(caught.value))

    def test_nine_pairs_are_too_few_to_judge(self):
        check_lengths("en-zh", texts(ENGLISH[:9]), texts(CHINESE[20:29]))

    def test_chance_refuses_no_right_pair_whatever_its_size(self):
        """Loose translations, of which one in a hundred is off by a factor of 1.9."""
        draw = random.Random(0)
        for _ in range(1000):
            source = [math.ceil(120 * math.exp(draw.gauss(0, 0.65))) for _ in range(60)]
            target = [math.ceil(0.9 * length * math.exp(draw.gauss(0, 0.25))) for length in source]
            pairs = draw.randint(1, 60)
            check_lengths("a-b", texts(source[:pairs]), texts(target[:pairs]))


def manifest(text: str, count: int | None, **corpus: str) -> dict:
    definition = {"corpus": {"kind": "text", "folder": "/data/own", **corpus}, "text": text}
    notes = {} if count is None else {"paragraphs": count}
    return {"definition": definition, "revision": None, "files": {}, **notes}


class TestCounts:
    def test_both_numbers_and_what_to_do(self):
        with pytest.raises(InputError) as caught:
            check_counts(manifest("en", 100), manifest("de", 99))
        assert str(caught.value) == (
            "/data/own: en has 100 paragraphs, de 99; parallel texts are paired by "
            "position and need as many: add what is missing, or set `paragraphs: lines`, where an "
            "empty line stands for what is missing"
        )

    def test_lines_are_called_lines(self):
        sides = (manifest(text, n, paragraphs="lines") for text, n in (("en", 100), ("de", 99)))
        with pytest.raises(InputError) as caught:
            check_counts(*sides)
        assert str(caught.value) == (
            "/data/own: en has 100 lines, de 99; parallel texts are paired by position "
            "and need as many: an empty line stands for what is missing"
        )

    @pytest.mark.parametrize("ours", [None, 99])
    def test_only_what_both_note_is_compared(self, ours):
        check_counts(manifest("en", ours), manifest("de", None))
        check_counts(manifest("en", ours), manifest("de", ours))


# The example of a translator who left out the fifth of a hundred sentences.

SENTENCES = {
    "en": [f"sentence number {number}" for number in range(1, 101)],
    "de": [f"Satz Nummer {number}" for number in range(1, 101)],
}
NAMES = {"en": "English", "de": "German"}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = write_llama(tmp_path_factory.mktemp("model"), max_position_embeddings=512)
    write_manifest(folder, {"kind": "local"})
    return folder


def split(folder: Path, separator: str, de: list[str], **corpus: str) -> Path:
    """The corpus of both languages, made by fetch_corpus.py."""
    for language, paragraphs in (("en", SENTENCES["en"]), ("de", de)):
        source = folder / f"{language}.txt"
        source.write_text(separator.join(paragraphs) + "\n", encoding="utf-8")
        definition = {
            "corpus": {"kind": "text", "folder": str(folder), **corpus},
            "text": language,
        }
        output = folder / "corpora" / language / "manifest.json"
        words = ["--definition", json.dumps(definition), "--source", source]
        assert call("fetch_corpus", *words, "--manifest", output, "--lock", folder / "lock") == (
            0,
            [],
        )
    return folder / "corpora"


def demonstrations(model: Path, corpora: Path, output: Path) -> list:
    options = {
        "model": model, "name": "en-de", "shots": 4, "samples": 15, "length": 512,
        "start-token": "count", "seed": 0,
        "source": corpora / "en/calibration.jsonl", "source-name": NAMES["en"],
        "target": corpora / "de/calibration.jsonl", "target-name": NAMES["de"],
        "output": output,
    }  # fmt: skip
    return [f"--{key}={value}" for key, value in options.items()]


def cloze(corpora: Path, output: Path) -> list:
    options = {
        "pivot": corpora / "en/test.jsonl", "text": corpora / "de/test.jsonl", "language": "de",
        "task": "cloze", "seed": 0, "output": output,
        "settings": '{"kind": "parallel_cloze", "items": 20, "context_characters": 10, '
        '"choice_characters": 8}',
    }  # fmt: skip
    return [f"--{key}={value}" for key, value in options.items()]


def test_unequal_counts_are_refused_by_both_before_anything_is_written(tmp_path, model):
    corpora = split(tmp_path, "\n\n", SENTENCES["de"][:4] + SENTENCES["de"][5:])
    said = f"error: {tmp_path}: en has 100 paragraphs, de 99; parallel texts are paired by"
    output = tmp_path / "out" / "en-de.safetensors"
    assert_refused(output, "sample_demonstrations", demonstrations(model, corpora, output), said)
    task = tmp_path / "out" / "de" / "task.json"
    assert_refused(task, "build_parallel_task", cloze(corpora, task), said)
    assert not (tmp_path / "out").exists()


def test_an_empty_line_keeps_its_number_and_is_no_pair(tmp_path, model, monkeypatch, capsys):
    de = ["" if number == 5 else text for number, text in enumerate(SENTENCES["de"], start=1)]
    corpora = split(tmp_path, "\n", de, paragraphs="lines")
    assert read_manifest(corpora / "de/manifest.json")["paragraphs"] == 100
    rows = read_json_lines(corpora / "de/calibration.jsonl")
    assert rows[3:6] == [
        {"id": "line000004", "text": "Satz Nummer 4"},
        {"id": "line000006", "text": "Satz Nummer 6"},
        {"id": "line000011", "text": "Satz Nummer 11"},
    ]
    output = tmp_path / "en-de.safetensors"
    monkeypatch.setattr("sys.argv", ["x", *demonstrations(model, corpora, output)])
    sample_demonstrations.main()
    tensors, metadata = read_tensors(output)
    ends = zip(tensors["input_ids"], tensors["lengths"], strict=True)
    whole = "".join(byte_tokenizer().decode(row[:end]) for row, end in ends)
    pairs = re.findall(r"English: sentence number (\d+)</s>German: Satz Nummer (\d+)</s>", whole)
    assert len(pairs) == 60
    assert all(ours == theirs for ours, theirs in pairs)
    assert {"4", "6"} <= {ours for ours, _ in pairs}
    assert "5" not in {ours for ours, _ in pairs}
    assert metadata.items() >= {"paragraphs": "59", "length_outliers": "0.0"}.items()
    assert capsys.readouterr().out.splitlines()[1:] == [
        "en-de: 59 aligned paragraphs; without a counterpart and dropped: 1 English, 0 German",
        "en-de: 0% of 59 pairs are outliers in length",
    ]


# As many paragraphs on both sides, but the second and the last are each lacking on one of them.


@pytest.fixture
def drifted(tmp_path) -> Path:
    sides = {"en": ENGLISH[:-1], "de": [*CHINESE[:1], *CHINESE[2:]]}
    words = ["right", "to", "rest", "and", "leisure", "of", "all", "kinds"]
    for language, lengths in sides.items():
        folder = tmp_path / "corpora" / language
        rows = []
        for number, length in enumerate(lengths):
            draw = random.Random(f"{language} {number}")
            text = " ".join(draw.choices(words, k=length))[: 4 * length]
            rows.append({"id": f"p{number:06d}", "text": text})
        for name in ("calibration", "test"):
            write_json_lines(folder / f"{name}.jsonl", rows)
        write_manifest(folder, {}, paragraphs=49)
    return tmp_path / "corpora"


def test_lengths_are_checked_by_both_scripts(tmp_path, model, drifted):
    said = r"\d\d% of 49 pairs are outliers in length, allowed are at most 37%: "
    output = tmp_path / "out" / "en-de.safetensors"
    line = refusal("sample_demonstrations", *demonstrations(model, drifted, output))
    assert re.match(f"error: en-de: {said}", line)
    task = tmp_path / "out" / "de" / "task.json"
    assert re.match(f"error: de: {said}", refusal("build_parallel_task", *cloze(drifted, task)))
    assert not (tmp_path / "out").exists()


def test_the_task_keeps_what_the_check_found(tmp_path, drifted):
    task = tmp_path / "out" / "en" / "task.json"
    words = [word.replace("de/test", "en/test") for word in cloze(drifted, task)]
    assert call("build_parallel_task", *words) == (0, [])
    assert read_json(task).items() >= {"paragraphs": 49, "length_outliers": 0.0}.items()
