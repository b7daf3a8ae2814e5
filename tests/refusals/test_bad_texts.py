"""Texts that people have: each works, or ends fetch_corpus.py with one line and without a file."""

import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from script_calls import call, refusal
from tiny import write_llama

from multiprune.fetch.splits import SPLITS
from multiprune.files.json import read_json_lines
from multiprune.files.manifests import write_manifest
from multiprune.files.tensors import read_tensors
from multiprune.models.tokenizer import load_tokenizer

SCRIPTS = Path(__file__).parents[2] / "scripts"
MARK, HIDDEN, JOINER, NON_JOINER = "\ufeff", "\u200b", "\u200d", "\u200c"
TURN = (*["calibration"] * 6, "validation", *["test"] * 3)  # of ten paragraphs


def joined(paragraphs: list[str], separator: str = "\n\n") -> bytes:
    return separator.join(paragraphs).encode()


def numbered(text: str, form: str = "NFC") -> list[str]:
    """Twenty paragraphs, in a normal form of Unicode."""
    return [unicodedata.normalize(form, f"{text} {number}") for number in range(20)]


LATIN = numbered("all human beings are born free")
GERMAN = "Würde ist unantastbar"
ARABIC = numbered("يُولَدُ جَمِيعُ النَّاسِ أَحْرَارًا مُتَسَاوِينَ فِي الْكَرَامَةِ")
HEBREW = numbered("כָּל בְּנֵי הָאָדָם נוֹלְדוּ בְּנֵי חוֹרִין")
TYPED = "\u05db\u05bc\u05b8\u05dc"  # dagesh before vowel; Unicode puts the vowel first
MIXED = numbered(
    f"Würde человек 人人 मनुष्{JOINER}य می{NON_JOINER}شود 👩{JOINER}🚀 {HEBREW[0]} ไทยไทย"
)
HUGE = " ".join(["free and equal"] * 2**17)  # 2 MB
CUT = len(joined([*LATIN, "W"]))  # bytes before what follows the W of a last paragraph


def arguments(folder: Path, source: Path | None, corpus: dict | None = None) -> list:
    definition = {"corpus": corpus or {"kind": "text", "folder": "texts"}, "text": "en"}
    manifest = folder / "resources/corpora/own/en/manifest.json"
    words = ["--definition", json.dumps(definition), "--manifest", manifest]
    return [*words, "--lock", folder / "lock.yaml", *(["--source", source] if source else [])]


def written(path: Path, data: bytes) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


def splits_in(folder: Path) -> dict[str, list[str]]:
    texts = folder / "resources/corpora/own/en"
    return {s: [row["text"] for row in read_json_lines(texts / f"{s}.jsonl")] for s in SPLITS}


def assert_nothing_is_left(folder: Path) -> None:
    resources = folder / "resources"
    assert not [path for path in resources.rglob("*") if not path.is_dir()]
    assert not list((resources / "corpora/own").iterdir())
    assert not (folder / "lock.yaml").exists()


# Refused -----------------------------------------------------------------------------------------

LATIN_1 = joined([*LATIN, ""]) + "Würde".encode("latin-1")
REFUSED = {
    "nothing but white space": (" \t\r\n\u3000\n\n \n".encode(), "has 0 paragraphs, at least 10"),
    "nothing but zero-width characters": (joined([HIDDEN + JOINER] * 20), "has 0 paragraphs"),
    "megabytes of blank lines": (b"\n \n" * 10**6, "has 0 paragraphs"),
    "one line of megabytes": (HUGE.encode(), "has 1 paragraphs, at least 10 are needed"),
    "one paragraph too few": (joined(LATIN[:9]), "has 9 paragraphs, at least 10 are needed"),
    "Latin-1": (LATIN_1, f"line 41 is not UTF-8 (byte 0xfc) at offset {CUT}; convert the file"),
    "Latin-1 behind a byte order mark": (
        MARK.encode() + LATIN_1,
        f"line 41 is not UTF-8 (byte 0xfc) at offset {CUT + 3}; convert the file",
    ),
    "cut off within a character": (
        joined([*LATIN, "Würde"])[: CUT + 1],
        f"line 41 is not UTF-8 (byte 0xc3) at offset {CUT}; convert the file",
    ),
    "half a surrogate pair": (b"a\n\xed\xa0\x80", "line 2 is not UTF-8 (byte 0xed) at offset 2;"),
    "UTF-16": ("ab".encode("utf-16"), "line 1 is not UTF-8 (byte 0xff) at offset 0;"),
    "UTF-16 without a mark": ("ab".encode("utf-16-le"), "line 1 holds a NUL character; is this"),
    "one paragraph again and again": (
        joined(["the same"] * 40),
        "no text for validation and test (paragraphs found: calibration 1, validation 0, test 0;",
    ),
    "test text that is calibration text": (
        joined([*LATIN[:7], *LATIN[:3]] * 4),
        "no text for test (paragraphs found: calibration 6, validation 1, test 0;",
    ),
    "the same but for byte order marks": (
        joined([*LATIN[:7], *(MARK + text for text in LATIN[:3])]),
        "no text for test (paragraphs found: calibration 6, validation 1, test 0;",
    ),
    "the same but for the normal form": (
        joined([*numbered(GERMAN)[:7], *numbered(GERMAN, "NFD")[:3]]),
        "no text for test (paragraphs found: calibration 6, validation 1, test 0;",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_text(tmp_path, name):
    data, message = REFUSED[name]
    source = written(tmp_path / "texts/en.txt", data)
    line = refusal("fetch_corpus", *arguments(tmp_path, source))
    assert f"{source}" in line
    assert message in line
    assert_nothing_is_left(tmp_path)
    assert source.read_bytes() == data


def a_folder(path: Path) -> None:
    path.mkdir()


def a_loop(path: Path) -> None:
    path.symlink_to(path.with_suffix(".other"))
    path.with_suffix(".other").symlink_to(path)


def a_broken_medium(path: Path) -> None:
    path.symlink_to("/proc/self/mem")  # whose first page nobody can read, not even root


PLACES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a folder in its place": (a_folder, "cannot be read (Is a directory)"),
    "symbolic links in a circle": (a_loop, "cannot be read (Too many levels of symbolic links)"),
    "a link to nothing": (lambda path: path.symlink_to("gone.txt"), "no such file"),
    "the medium does not answer": (a_broken_medium, "cannot be read (Input/output error)"),
    "only another language is there": (
        lambda path: written(path.with_name("de.txt"), joined(LATIN)),
        "no such file",
    ),
    "a name that differs in case": (
        lambda path: written(path.with_name("EN.txt"), joined(LATIN)),
        "no such file",
    ),
}


@pytest.mark.parametrize("name", PLACES)
def test_refused_place(tmp_path, name):
    make, message = PLACES[name]
    source = tmp_path / "texts/en.txt"
    source.parent.mkdir()
    make(source)
    line = refusal("fetch_corpus", *arguments(tmp_path, source))
    assert line == (
        f"error: {source}: {message}; own text is a file in UTF-8, {{text}}.txt or {{text}}.jsonl "
        "a language"
    )
    assert_nothing_is_left(tmp_path)


# Works -------------------------------------------------------------------------------------------

WORKS = {
    "a byte order mark": (joined([MARK + LATIN[0], *LATIN[1:]]), LATIN),
    "byte order marks where files were joined": (
        joined([MARK + joined(LATIN[:7]).decode(), MARK + joined(LATIN[7:]).decode()]),
        LATIN,
    ),
    "lone carriage returns": (joined(LATIN, "\r\r"), LATIN),
    "three kinds of line ends": (
        joined(["\r\n\r\n".join(LATIN[:5]), "\r\r".join(LATIN[5:9]), *LATIN[9:]]),
        LATIN,
    ),
    "a line end within a paragraph": (joined(LATIN).replace(b"human ", b"human\r"), LATIN),
    "Unicode's own line and page ends": (
        "\n\n".join(LATIN).replace("human ", "human\u2028").replace("born ", "born\x0c").encode(),
        LATIN,
    ),
    "Arabic with vowel signs": (joined(ARABIC), ARABIC),
    "Hebrew with points": (joined(HEBREW), HEBREW),
    "points in the order of typing": (joined([TYPED, *HEBREW[1:]]), ["כָּל", *HEBREW[1:]]),
    "many scripts and joiners": (joined(MIXED), MIXED),
    "marks of direction, soft hyphens and zero-width spaces": (
        joined([f"\u2067{HEBREW[0]}\u2069", "Men\u00adschen", f"ไทย{HIDDEN}ไทย", *LATIN]),
        [HEBREW[0], "Menschen", "ไทยไทย", *LATIN],
    ),
    "repeated in any disguise": (
        joined([*LATIN, *(text.replace("human", "hu\u00adm\u200ban") for text in LATIN)]),
        LATIN,
    ),
    "combining marks": (joined(numbered(GERMAN, "NFD")), numbered(GERMAN)),
    "lines of zero-width characters": (joined(LATIN, f"\n{HIDDEN}\n"), LATIN),
    "paragraphs of zero-width characters": (joined(LATIN, f"\n\n{HIDDEN}\n\n"), LATIN),
    "repeated paragraphs": (joined([*LATIN, *reversed(LATIN)]), LATIN),
    "repeated in another normal form": (
        joined([*numbered(GERMAN), *numbered(GERMAN, "NFD")]),
        numbered(GERMAN),
    ),
}


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = write_llama(tmp_path_factory.mktemp("model"))
    write_manifest(folder, {"kind": "local"})
    return folder


@pytest.mark.parametrize("name", WORKS)
def test_works(tmp_path, model, name):
    data, paragraphs = WORKS[name]
    source = written(tmp_path / "texts/en.txt", data)
    code, lines = call("fetch_corpus", *arguments(tmp_path, source))
    assert code == 0, lines
    expected = {split: [] for split in SPLITS}
    for position, paragraph in enumerate(paragraphs):
        expected[TURN[position % 10]].append(unicodedata.normalize("NFC", paragraph))
    assert splits_in(tmp_path) == expected
    check_windows(tmp_path, model, expected["calibration"])


def check_windows(folder: Path, model: Path, paragraphs: list[str]) -> None:
    """Every calibration window is a piece of the text, byte by byte."""
    text, output = folder / "resources/corpora/own/en/calibration.jsonl", folder / "en.safetensors"
    options = ("--name", "en", "--samples", 4, "--length", 16, "--start-token", "count")
    options += ("--seed", 0, "--output", output)
    assert call("sample_calibration", "--model", model, "--text", text, *options) == (0, [])
    ids = load_tokenizer(model)("".join(f"{paragraph}\n" for paragraph in paragraphs))["input_ids"]
    assert set(ids) <= set(range(2, 258))  # a token a byte, none of them special
    for window in read_tensors(output)[0]["input_ids"]:
        assert "".join(map(chr, window)) in "".join(map(chr, ids))


# Runs a command from a process that is small itself: a child begins with its parent's memory.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""


def test_a_huge_paragraph_costs_little(tmp_path):
    source = written(tmp_path / "texts/en.txt", joined([HUGE * 4, *LATIN]))  # 8 MB in one line
    command = [sys.executable, SCRIPTS / "fetch_corpus.py", *arguments(tmp_path, source)]
    measured = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, command)],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    seconds, kibibytes = map(float, measured.stdout.split())
    assert seconds < 30  # 2 here, most of them for imports
    assert kibibytes < 300_000
    assert splits_in(tmp_path)["calibration"][0] == HUGE * 4


# Datasets that keep their splits apart -----------------------------------------------------------


def dataset(folder: Path, **texts: list[str]) -> dict:
    """The definition of a local dataset whose splits hold these texts."""
    folder.mkdir()
    for split, rows in texts.items():
        lines = (json.dumps({"sentence": row}) + "\n" for row in rows)
        (folder / f"{split}.jsonl").write_text("".join(lines))
    splits = {"calibration": "train", "validation": "validation", "test": "test"}
    options = {"revision": "main", "column": "sentence", "splits": splits, "rows": 100}
    return {"kind": "huggingface", "dataset": str(folder), **options}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"train": LATIN[:9], "validation": LATIN[9:], "test": LATIN[:9]},
            "the text of calibration stands in test too, all 9 paragraphs; name splits of",
        ),
        (
            {"train": LATIN[:3], "validation": LATIN[3:4], "test": LATIN},
            "the text of calibration stands in test too, all 3 paragraphs",
        ),
        (
            {"train": LATIN[:8], "validation": LATIN[9:], "test": LATIN[9:]},
            "the text of validation stands in test too, all 11 paragraphs",
        ),
    ],
    ids=["identical", "contained", "validation"],
)
def test_a_dataset_with_the_same_text_in_two_splits_is_refused(
    tmp_path, monkeypatch, texts, message
):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    corpus = dataset(tmp_path / "data", **texts)
    line = refusal("fetch_corpus", *arguments(tmp_path, None, corpus))
    assert f"dataset {tmp_path / 'data'}, text 'en': {message}" in line
    assert_nothing_is_left(tmp_path)


DISGUISES: dict[str, Callable[[str], str]] = {
    "a byte order mark": lambda text: MARK + text,
    "line ends": lambda text: f"{text}\r\n",
    "another normal form": lambda text: unicodedata.normalize("NFD", text),
    "a soft hyphen": lambda text: text.replace("Würde", "Wür\u00adde"),
    "a zero-width space": lambda text: text.replace(" ", f"{HIDDEN} "),
    "a joiner that joins nothing": lambda text: text + JOINER,
    "a no-break space": lambda text: text.replace(" ", "\u00a0"),
    "a broken line": lambda text: text.replace(" ", "\r\n  "),
    "a NUL": lambda text: f"{text}\0",
}


@pytest.mark.parametrize("name", DISGUISES)
def test_no_test_text_calibrates_in_disguise(tmp_path, monkeypatch, name):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    texts = numbered(GERMAN)
    hidden = [DISGUISES[name](text) for text in texts[:3]]
    assert not set(hidden) & set(texts)
    corpus = dataset(
        tmp_path / "data", train=[*hidden, *texts[3:8]], validation=texts[8:10], test=texts[:3]
    )
    code, lines = call("fetch_corpus", *arguments(tmp_path, None, corpus))
    assert code == 0
    assert "3 rows that stand in a later split too are left out" in lines
    assert splits_in(tmp_path)["calibration"] == texts[3:8]


def test_rows_that_stand_in_the_test_split_too_do_not_calibrate(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    corpus = dataset(
        tmp_path / "data", train=LATIN[:10], validation=LATIN[8:14], test=[*LATIN[12:], LATIN[0]]
    )
    code, lines = call("fetch_corpus", *arguments(tmp_path, None, corpus))
    assert code == 0
    assert "5 rows that stand in a later split too are left out" in lines
    assert splits_in(tmp_path) == {
        "calibration": LATIN[1:8],
        "validation": LATIN[8:12],
        "test": [*LATIN[12:], LATIN[0]],
    }
