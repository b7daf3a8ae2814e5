"""Records of a sweep on disk: one of each candidate, `{candidate}.json`, and `chosen.json`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from multiprune.artefacts import read_json, set_aside
from multiprune.errors import InputError

CHOSEN = "chosen.json"

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
    content = read_json(path)
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


def read_choice(path: Path | str) -> dict:
    """What `choose_constants.py` wrote."""
    choice = read_json(path)
    if not isinstance(choice.get("constants"), dict) or "chosen" not in choice:
        set_aside(path, "is not a choice of constants")
    return choice
