"""How much of the test text stands in the calibration text as well, in other sentences.

No text is in two splits, but sentences may differ in a word. What tells is the share of the runs of
eight words in test text that calibration text has too.
"""

import re
from collections.abc import Iterable, Iterator

LENGTH = 8  # words
# Writing without blanks between words, of which each character counts as one: Thai, Lao, Tibetan,
# Burmese, Khmer, kana and Han.
UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")


def share_of_near_twins(calibration: Iterable[str], test: Iterable[str]) -> float:
    """Share of the runs in `test` that are in `calibration` too; 0 where there are none."""
    known = {run for text in calibration for run in _runs(text)}
    asked = [run in known for text in test for run in _runs(text)]
    return sum(asked) / max(1, len(asked))


def _runs(text: str) -> Iterator[int]:
    """Hashes of the runs of words in a text; words alone would need much more memory."""
    words = WORD.findall(text.lower())
    return (hash(tuple(words[i : i + LENGTH])) for i in range(len(words) - LENGTH + 1))
