"""Translation demonstrations as calibration samples (Kim et al. 2024), and their control.

A demonstration is one line `{Language name}: {sentence}{eos}` a sentence, the source before its
target. `shots` demonstrations, one after the other and without anything between them, are a sample.
The monolingual control has the same format and the same number of lines, all of one language: a
demonstration is two different sentences, since a sentence and its copy would only exercise copying.
A sample may begin with the tokenizer's start tokens; the end token of its lines is the tokenizer's.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from multiprune.errors import InputError
from multiprune.fetch.texts import read_rows
from multiprune.models.tokenization import encode

if TYPE_CHECKING:  # importing transformers takes seconds, which reading rows does not need
    from transformers import PreTrainedTokenizerBase

Line = tuple[str, str]  # language name, sentence


@dataclass(frozen=True)
class Side:
    """A language's name as it stands in a demonstration, and its sentences by id."""

    name: str
    sentences: dict[str, str]


@dataclass(frozen=True)
class Samples:
    """Token ids int32 [samples, length], 0 beyond each row's `lengths` int32 [samples].

    `truncated` is the number of samples that were longer than `length` and lost their end.
    """

    input_ids: np.ndarray
    lengths: np.ndarray
    truncated: int

    @property
    def read(self) -> np.ndarray:
        """bool [samples, length], False at padding."""
        return np.arange(self.input_ids.shape[1]) < self.lengths[:, None]


def read_sentences(path: Path | str) -> dict[str, str]:
    """Texts of a corpus file by id."""
    return {row["id"]: row["text"] for row in read_rows(path)}


def translation_lines(
    source: Side, target: Side, shots: int, samples: int, seed: int, name: str
) -> list[list[Line]]:
    """Each sample's 2 * shots lines: source, target, source, target ...

    Sentences are aligned by id; an id that one side lacks is never drawn. Raises InputError where
    fewer than `shots` ids are shared.
    """
    ids = aligned(source, target)
    drawn = _draw(ids, shots, samples, seed, name)
    return [
        [(side.name, side.sentences[row]) for row in rows for side in (source, target)]
        for rows in drawn
    ]


def monolingual_lines(
    language: Side, shots: int, samples: int, seed: int, name: str
) -> list[list[Line]]:
    """The control: as many lines a sample as with a pair, all different and of one language.

    Raises InputError where the language has fewer than 2 * shots sentences.
    """
    drawn = _draw(sorted(language.sentences), 2 * shots, samples, seed, name)
    return [[(language.name, language.sentences[row]) for row in rows] for rows in drawn]


def aligned(source: Side, target: Side) -> list[str]:
    """Ids that both sides have, sorted: the order of lines in the files carries no meaning."""
    return sorted(source.sentences.keys() & target.sentences.keys())


def tokenize_samples(
    samples: list[list[Line]],
    tokenizer: "PreTrainedTokenizerBase",
    length: int,
    start: Sequence[int] = (),
) -> Samples:
    """Token ids of the samples, each begun with the `start` tokens and cut at `length` tokens.

    Raises InputError where the tokenizer has no end token to close a line with.
    """
    if tokenizer.eos_token_id is None:
        raise InputError(
            f"{tokenizer.name_or_path}: the tokenizer has no end token (eos_token), which closes "
            "each line of a demonstration; name one in tokenizer_config.json"
        )
    rows = np.zeros((len(samples), length), dtype=np.int32)
    lengths = np.zeros(len(samples), dtype=np.int32)
    truncated = 0
    for index, lines in enumerate(samples):
        texts = [f"{name}: {sentence}" for name, sentence in lines]
        closed = ([*line, tokenizer.eos_token_id] for line in encode(texts, tokenizer))
        tokens = list(chain(start, *closed))
        truncated += len(tokens) > length
        lengths[index] = min(len(tokens), length)
        rows[index, : lengths[index]] = tokens[:length]
    return Samples(rows, lengths, truncated)


def _draw(ids: list[str], count: int, samples: int, seed: int, name: str) -> list[list[str]]:
    if len(ids) < count:
        raise InputError(
            f"{name}: a sample of demonstrations needs {count} different paragraphs, the texts "
            f"give {len(ids)}; lower calibration.demonstrations.shots or give more parallel text"
        )
    random = np.random.default_rng([seed, *name.encode()])
    deals = _deals(len(ids), count, random)
    return [[ids[position] for position in next(deals)] for _ in range(samples)]


def _deals(paragraphs: int, count: int, random: np.random.Generator) -> Iterator[list[int]]:
    # Cards from a shuffled deck: none twice in a sample, none again before all have been dealt.
    deck: list[int] = []
    while True:
        hand = deck[:count]
        deck = deck[count:]
        if len(hand) < count:
            shuffled = random.permutation(paragraphs).tolist()
            held = set(hand)
            deck = [card for card in shuffled if card not in held] + sorted(held)
            missing = count - len(hand)
            hand, deck = hand + deck[:missing], deck[missing:]
        yield hand
