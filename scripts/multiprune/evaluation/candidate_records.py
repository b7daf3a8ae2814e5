"""Records of a sweep on disk.

One of each candidate, `{candidate}.json`, and `chosen.json`. Where finalists are measured on all
seeds, also `screened.json`, of the same shape as the choice, and one `finalists.json` a seed.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multiprune.errors import InputError
from multiprune.files.aside import set_aside
from multiprune.files.json import read_json

CHOSEN, SCREENED, FINALISTS = "chosen.json", "screened.json", "finalists.json"
FEWEST_WINDOWS = 2  # for a standard error
# What is read of a choice and of each entry of its ranking.
CHOICE = {
    "chosen": str,
    "constants": dict,
    "sparsity": int | float,
    "ranking": list,
    "seeds": int,
    "finalists": list | None,
}
RANK = {
    "candidate": str,
    "constants": dict,
    "perplexity": int | float,
    "log_ratio": int | float,
    "standard_error": int | float,
    "within": bool,
}

Losses = dict[str, np.ndarray]  # by language, an entry per window


@dataclass(frozen=True)
class Scores:
    """A candidate's losses (nats) and token counts of each window, by language.

    `text` identifies languages, text and window length: it is equal where windows can be paired.
    """

    candidate: str
    text: dict
    losses: Losses
    tokens: Losses


def read_scores(folder: Path | str, candidate: str) -> Scores:
    """The record of a candidate; one that was not measured on validation text is an InputError."""
    path = Path(folder) / f"{candidate}.json"
    return _scores(path, read_json(path), candidate)


def _scores(path: Path, content: dict, candidate: str) -> Scores:
    try:
        measured = content["languages"]
        losses = {name: np.array(entry["window_nll"], float) for name, entry in measured.items()}
        tokens = {name: np.array(entry["window_tokens"], float) for name, entry in measured.items()}
        texts = {name: entry["provenance"]["tokens"] for name, entry in measured.items()}
        text = {"split": content["split"], "length": content["length"], "tokens": texts}
        found = content["candidate"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        set_aside(path, f"is not the record of a candidate ({error})")
    if found != candidate or not losses:
        set_aside(path, f"is the record of {found} on {len(losses)} languages")
    if text["split"] != "validation":
        raise InputError(
            f"{path}: was measured on {text['split']} text, constants are chosen on validation text"
        )
    return Scores(candidate, text, losses, tokens)


def read_all_scores(folder: Path | str, names: list[str]) -> list[Scores]:
    """The records of several candidates; InputError where they were not measured on one text."""
    scores = [read_scores(folder, name) for name in names]
    for other in scores[1:]:
        if other.text != scores[0].text:
            raise InputError(
                f"{folder}: {other.candidate} was measured on other text, or other windows of it, "
                f"than {names[0]}; remove the folder and run the same command again"
            )
    return scores


def read_finalists(paths: list[Path]) -> list[Scores]:
    """Of each finalist, in the order of the files, the mean losses over the files' seeds."""
    contents = [read_json(path).get("candidates") for path in paths]
    for path, content in zip(paths, contents, strict=True):
        if not isinstance(content, dict) or not content:
            set_aside(path, "is not the record of finalists")
    found = []
    for name in contents[0]:
        scores = [
            _scores(path, content.get(name, {}), name)
            for path, content in zip(paths, contents, strict=True)
        ]
        if any(other.text != scores[0].text for other in scores):
            raise InputError(
                f"{paths[0]}: {name} was measured on other text than with another seed; remove "
                "the finalists.json of all seeds and run the same command again"
            )
        languages = scores[0].losses
        losses = {code: np.mean([one.losses[code] for one in scores], axis=0) for code in languages}
        found.append(Scores(name, scores[0].text, losses, scores[0].tokens))
    return found


def check_windows(language: str, count: int) -> None:
    """InputError where a language's text has too few windows for a standard error."""
    if count < FEWEST_WINDOWS:
        raise InputError(
            f"validation text of {language}: has {count} window, at least {FEWEST_WINDOWS} needed; "
            "lower evaluation.perplexity.length, add text, or give fixed constants instead of "
            "choose"
        )


def read_choice(path: Path | str) -> dict:
    """What `choose_constants.py` wrote."""
    choice = read_json(path)
    wrong = _wrong_key(choice, CHOICE) or next(
        (f"ranking.{key}" for rank in choice["ranking"] if (key := _wrong_key(rank, RANK))), None
    )
    if wrong:
        set_aside(path, f"is not a choice of constants ({wrong})")
    return choice


def _wrong_key(content: object, kinds: dict) -> str | None:
    """The first key that is missing or of another type."""
    entries = content if isinstance(content, dict) else {}
    return next(
        (key for key, kind in kinds.items() if not isinstance(entries.get(key), kind)), None
    )
