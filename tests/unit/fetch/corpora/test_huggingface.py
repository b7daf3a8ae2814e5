"""Text columns of data sets, read by the library's own loader from a local folder."""

import json
from pathlib import Path

import pytest
from datasets import Dataset

from multiprune.errors import InputError
from multiprune.fetch.corpora import huggingface
from multiprune.fetch.hub_datasets import dataset_errors, read_column
from multiprune.fetch.splits import SPLITS, read_corpus
from unit.fetch.data import hub_corpus


class TestLocalDataset:
    """The library's loader on a folder; rows 0 and 5 are blank."""

    @pytest.fixture
    def dataset(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        folder = tmp_path / "data"
        folder.mkdir()
        for split in ("train", "test"):
            rows = [
                {"sentence": f"{split} {number}" if number % 5 else " ", "n": number}
                for number in range(17)
            ]
            (folder / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return hub_corpus(str(folder)) | {"rows": 9}

    def test_rows_are_counted_without_blanks_and_dealt_by_number(self, dataset):
        rows, notes = read_corpus(dataset, "en", None)
        texts = {split: [row["text"] for row in rows[split]] for split in SPLITS}
        assert texts == {
            "calibration": [f"train {number}" for number in (1, 2, 3, 4, 7, 8, 9, 11)],
            "validation": ["train 6"],
            "test": [f"test {number}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 11)],
        }
        assert rows["validation"] == [{"id": "train.000007", "text": "train 6"}]
        assert notes == {"revision": None, "repeats_left_out": 0}

    def test_files_pattern_takes_the_language(self, dataset):
        change = {"files": "{text}*.jsonl", "splits": dict.fromkeys(SPLITS, "train")}
        rows, _ = read_corpus(dataset | change, "tes", None)
        assert [row["text"] for row in rows["test"]] == ["test 7", "test 8", "test 9"]

    def test_rows_are_in_normal_form_and_keep_their_lines(self, dataset):
        rows = ["\ufeffcafe\u0301\r\n\r\n  au\0 lait\r\n", "\u200b\u200d", *map(str, range(9))]
        path = Path(dataset["dataset"], "train.jsonl")
        path.write_text("".join(json.dumps({"sentence": row}) + "\n" for row in rows))
        change = {"splits": dict.fromkeys(SPLITS, "train"), "rows": 10}
        rows, _ = read_corpus(dataset | change, "en", None)
        assert rows["calibration"][:2] == [
            {"id": "train.000001", "text": "café\n\n  au lait"},
            {"id": "train.000003", "text": "0"},
        ]
        assert sum(map(len, rows.values())) == 10

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"column": "text"}, "has no column 'text'; its columns are sentence, n"),
            ({"column": "n"}, "column 'n' holds int, not text"),
            ({"config": "{text}"}, "config sw, .*'sw' not found"),
            ({"splits": dict.fromkeys(SPLITS, "dev")}, r"dev.*Available splits.*train.*test"),
        ],
    )
    def test_mistakes(self, dataset, change, message):
        with pytest.raises(InputError, match=message) as caught:
            read_corpus(dataset | change, "sw", None)
        assert "\n" not in str(caught.value)


CARDS = {
    "configs: [5]": r"`datasets` cannot read its files or its README.md \((Type|Attribute)Error",
    "dataset_info: {features: 5}": "`datasets` cannot read its files or its README.md",
    "a: [": "its README.md is not YAML",
}


@pytest.mark.parametrize("card", CARDS)
def test_the_card_of_a_local_dataset_is_no_answer_of_a_hub(tmp_path, monkeypatch, card):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "train.jsonl").write_text('{"text": "a"}\n')
    (tmp_path / "README.md").write_text(f"---\n{card}\n---\n")
    with pytest.raises(InputError, match=CARDS[card]) as caught:
        read_column(str(tmp_path), "train", "text", 5)
    assert str(caught.value).startswith(f"dataset {tmp_path}, config default, split train: ")
    assert "\n" not in str(caught.value)
    assert "hub" not in str(caught.value).replace(str(tmp_path), "")


def test_a_card_on_the_hub_may_be_a_login_page():
    with (
        pytest.raises(InputError, match=r"^d: the hub's answer is not .* page .*\(TypeError\)$"),
        dataset_errors("d", "org/data"),
    ):
        raise TypeError("configs")


# A row of a dataset that holds its languages as keys or columns, the column, and what it gives.
PARALLEL = {
    "a key a language": ({"translation": {"en": "Hi", "fr": "Salut"}}, "translation.{text}"),
    "a column a language": ({"sentence_en": "Hi", "sentence_fr": "Salut"}, "sentence_{text}"),
    "a column with a dot": ({"translation.en": "Hi", "translation.fr": "Salut"}, "translation.fr"),
    "a key behind a column with a dot": ({"a.b": {"en": "Hi", "fr": "Salut"}}, "a.b.{text}"),
    "a key with a dot": ({"a": {"b.en": "Hi", "b.fr": "Salut"}}, "a.b.{text}"),
    "keys in keys": ({"a": {"b": {"fr": "Salut"}, "n": 1}}, "a.b.{text}"),
    "a column like the beginning of another": (
        {"sentence": "Hi", "sentence.x": {"fr": "Salut"}},
        "sentence.x.{text}",
    ),
}


class TestLanguagesInColumns:
    """One data set for all languages, as JSON and as Parquet."""

    def corpus(self, folder, rows, column, form="json"):
        folder.mkdir()
        if form == "parquet":
            Dataset.from_list(rows).to_parquet(folder / "train.parquet")
        else:
            lines = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / "train.jsonl").write_text(lines)
        splits = dict.fromkeys(SPLITS, "train")
        return hub_corpus(str(folder)) | {"column": column, "splits": splits, "rows": 10}

    @pytest.mark.parametrize("form", ["json", "parquet"])
    @pytest.mark.parametrize("name", PARALLEL)
    def test_column(self, tmp_path, name, form):
        row, column = PARALLEL[name]
        rows = [json.loads(json.dumps(row).replace("Salut", f"Salut {n}")) for n in range(10)]
        found, _ = read_corpus(self.corpus(tmp_path / "d", rows, column, form), "fr", None)
        assert [row["text"] for row in found["validation"]] == ["Salut 6"]

    @pytest.mark.parametrize("form", ["json", "parquet"])
    def test_a_language_that_a_row_lacks_is_a_blank_row(self, tmp_path, form):
        rows = [{"translation": {"en": f"Hi {n}", "fr": f"Salut {n}"}} for n in range(13)]
        rows[1] = {"translation": {"en": "Hi 1", "fr": None}}
        rows[2] = {"translation": {"en": "Hi 2"}}
        rows[3] = {"translation": None}
        corpus = self.corpus(tmp_path / "d", rows, "translation.{text}", form)
        found, _ = read_corpus(corpus, "fr", None)
        assert [row["id"] for row in found["calibration"]] == [
            f"train.{number:06d}" for number in (1, 5, 6, 11, 12, 13)
        ]

    @pytest.mark.parametrize(
        ("column", "message"),
        [
            (
                "translation",
                "has no column 'translation'; its columns are translation.en, translation.fr, n",
            ),
            (
                "n",
                "column 'n' holds int, not text; choose another among translation.en, "
                "translation.fr, n",
            ),
            (
                "translation.{text}",
                "has no column 'translation.sw'; its columns are translation.en, translation.fr, n",
            ),
            ("n.{text}", "has no column 'n.sw'; its columns are translation.en, translation.fr, n"),
            ("translation.", "has no column 'translation.'; its columns are translation.en, "),
        ],
    )
    def test_mistakes_list_the_keys(self, tmp_path, column, message):
        rows = [{"translation": {"en": "Hi", "fr": "Salut"}, "n": 1}]
        corpus = self.corpus(tmp_path / "d", rows, column)
        with pytest.raises(InputError) as caught:
            read_corpus(corpus, "sw", None)
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


ASKED = {"calibration": [1, 2002]}


class TestEnoughRows:
    """Eight bytes a row, so ten tokens at most; six of seven rows calibrate."""

    @pytest.fixture
    def corpus(self, tmp_path, monkeypatch):
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
        for split in ("train", "test"):
            rows = [{"sentence": f"{split[:2]} {number:05d}"} for number in range(600)]
            (tmp_path / f"{split}.jsonl").write_text("\n".join(map(json.dumps, rows)))
        return hub_corpus(str(tmp_path))

    def test_no_more_are_read_than_show_it(self, corpus, monkeypatch):
        asked = []
        monkeypatch.setattr(
            huggingface,
            "read_column",
            lambda *words, **names: asked.append(names["rows"]) or read_column(*words, **names),
        )
        corpus["rows"] = 4000
        found = huggingface.check(corpus, corpus, "en", None, ASKED)
        assert found.endswith(
            "calibration 220, validation 36, test 256 paragraphs in the first 256 rows"
        )
        assert set(asked) == {256}
        with pytest.raises(
            InputError, match="has 515 rows, at most 5,150 tokens; 1 windows of 9000"
        ):
            huggingface.check(corpus, corpus, "en", None, {"calibration": [1, 9000]})
        assert set(asked) == {256, 2048, 4000}
        huggingface.check(corpus, corpus, "en", None, {})
        assert asked[-1] == 1

    def test_rows_of_the_config_are_the_most(self, corpus):
        corpus["rows"] = 100
        with pytest.raises(InputError, match="has 86 rows, at most 860 tokens"):
            huggingface.check(corpus, corpus, "en", None, ASKED)
