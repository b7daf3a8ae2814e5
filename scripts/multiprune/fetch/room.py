"""Is a user's own text long enough for its windows? Known from file sizes, before any job.

How many tokens a text has is known only to a tokenizer: numbers here are about right where it knows
the language, and too low elsewhere.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from multiprune.experiment.downloads import text_file
from multiprune.experiment.grid import CALIBRATION
from multiprune.experiment.methods import evaluated, languages
from multiprune.experiment.settings.experiment import Experiment
from multiprune.fetch.splits import SHARES

BYTES_PER_TOKEN = 4
ENOUGH_WINDOWS = 30  # below, an interval is wide, and rests on few places of the text


def too_short(experiment: Experiment) -> Iterator[str]:
    """A line for each text that seems too short to calibrate on, so that a run would fail."""
    asked = experiment.calibration
    needed = asked.samples * asked.length
    for language in languages(experiment, CALIBRATION):
        if (size := _size(experiment, language)) is None:
            continue
        about = _tokens(size, "calibration")
        if about < needed:
            yield (
                f"{_file(experiment, language)}: has {size:,} bytes, about {about:,} tokens to "
                f"calibrate on; {asked.samples} windows of {asked.length} tokens need {needed:,}"
            )


def few_windows(experiment: Experiment) -> Iterator[str]:
    """A line for the texts that are short to test on."""
    asked = experiment.evaluation.perplexity
    length, split = asked.length, asked.split
    windows = {
        language: min(_tokens(size, split), asked.tokens or sys.maxsize) // length
        for language in evaluated(experiment)
        if (size := _size(experiment, language)) is not None
    }
    if few := {language: count for language, count in windows.items() if count < ENOUGH_WINDOWS}:
        fewest = min(few, key=few.get)
        yield (
            f"own text of {', '.join(few)}: gives about {few[fewest]} {split} windows of {length} "
            f"tokens ({fewest}) or more; below {ENOUGH_WINDOWS} intervals are wide and rest on few "
            "places"
        )


def _file(experiment: Experiment, language: str) -> str:
    return text_file(experiment, experiment.languages[language].corpus, language)


def _size(experiment: Experiment, language: str) -> int | None:
    """Bytes of a language's own text; None for other corpora, and where it is missing."""
    path = Path(_file(experiment, language))
    return path.stat().st_size if path.is_file() else None


def _tokens(size: int, split: str) -> int:
    return size * SHARES[split] // sum(SHARES.values()) // BYTES_PER_TOKEN
