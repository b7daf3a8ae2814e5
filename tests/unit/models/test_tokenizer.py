"""Tokenizers that are a SentencePiece model alone, through the script that fetches a model."""

import io
import json
from contextlib import contextmanager
from pathlib import Path

import pytest
import sentencepiece
from command_lines import fetched, fetching, sampling, write_text
from loopback_hub import Fetching, Repository
from script_calls import call, refusal
from tiny import WORDS, write_llama

from multiprune.errors import InputError
from multiprune.fetch.models import package_gguf
from multiprune.files.tensors import read_tensors
from multiprune.models.tokenizer import load_tokenizer

VOCABULARY = 340  # 256 bytes are among them


@pytest.fixture(scope="module")
def pieces() -> bytes:
    """A small SentencePiece model with byte fallback, as those of Llama 2 and Mistral."""
    written = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*WORDS.values()] * 9),
        model_writer=written,
        vocab_size=VOCABULARY,
        model_type="bpe",
        byte_fallback=True,
        hard_vocab_limit=False,
        minloglevel=2,
    )
    return written.getvalue()


def with_pieces(folder: Path, pieces: bytes, size: int = VOCABULARY) -> Path:
    """A model whose only vocabulary is tokenizer.model."""
    write_llama(folder, vocab_size=size)
    for path in folder.glob("tokenizer*"):
        path.unlink()
    (folder / "tokenizer.model").write_bytes(pieces)
    settings = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "bos_token": "<s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    return folder


def test_its_tokens_are_those_of_sentencepiece(pieces, tmp_path):
    model = fetched(with_pieces(tmp_path / "own", pieces))
    encode = sentencepiece.SentencePieceProcessor(model_proto=pieces).encode
    tokenizer = load_tokenizer(model)
    for text in (*WORDS.values(), "Würde ☃ 42"):
        assert tokenizer(text, add_special_tokens=False)["input_ids"] == encode(text)
        assert tokenizer(text)["input_ids"] == [1, *encode(text)]


def test_calibration_windows_are_drawn_with_it(pieces, tmp_path):
    model = fetched(with_pieces(tmp_path / "own", pieces))
    text, output = write_text(tmp_path / "text"), tmp_path / "windows"
    assert call("sample_calibration", *sampling(model, text, output)) == (0, [])
    assert read_tensors(output)[0]["input_ids"].shape == (4, 16)


NO_PIECES = "its *.model file is no SentencePiece model; add its tokenizer.json"
BROKEN = {
    "no SentencePiece model": (
        lambda pieces: b"x" * 99,
        f"the tokenizer cannot be loaded ({NO_PIECES})",
    ),
    "cut off": (lambda pieces: pieces[:-999], f"the tokenizer cannot be loaded ({NO_PIECES})"),
    "empty": (lambda pieces: b"", "the vocabulary of the tokenizer is empty; copy it again"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_refused_when_it_is_fetched(name, pieces, tmp_path):
    change, message = BROKEN[name]
    own = with_pieces(tmp_path / "own", change(pieces))
    assert refusal("fetch_model", *fetching(own)) == f"error: model folder {own}: {message}"
    assert not (tmp_path / "models/tiny").exists()


def test_one_of_another_model_is_refused_before_the_weights_are_downloaded(
    pieces, tmp_path, monkeypatch
):
    own = with_pieces(tmp_path / "own", pieces, size=300)
    repository = Repository({path.name: path.read_bytes() for path in own.iterdir()})
    runs = Fetching(tmp_path, monkeypatch)
    ids = sentencepiece.SentencePieceProcessor(model_proto=pieces).get_piece_size()
    assert runs.refuse(repository) == (
        f"error: model org/tiny: the tokenizer has ids up to {ids - 1}, config.json makes the "
        "model's vocabulary 300 tokens; take the tokenizer that belongs to the model"
    )
    assert repository.weights() == []
    assert list(runs.manifest.parent.parent.iterdir()) == []


def test_one_of_another_model_is_refused_in_a_package(pieces, tmp_path, monkeypatch):
    @contextmanager
    def package(*_arguments):
        yield Path("tiny.gguf"), "1.0"

    monkeypatch.setattr(package_gguf, "gguf_file_of", package)
    monkeypatch.setattr(
        package_gguf, "convert_gguf", lambda _file, folder: with_pieces(folder, pieces, size=300)
    )
    with pytest.raises(InputError, match=r"^package tiny, tiny\.gguf: the tokenizer has ids up"):
        package_gguf.fetch({"package": "tiny"}, tmp_path, lambda _folder: None)
