"""How many tokens a model was made for, by its config.json alone: known before any GPU job."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.models.architectures import decoder_config, read_config

KEYS = ("max_position_embeddings", "n_positions", "max_seq_len")  # of a config.json
# Of what is known, Llama 4 Scout has most, 10 million. Some models compute a row for each position
# while they are opened, so a config that states more takes all memory.
MOST_POSITIONS = 2**24


def positions(config: dict) -> int | None:
    """The limit that a `decoder_config` names; None where there is none."""
    found = (config.get(key) for key in KEYS)
    return next((most for most in found if isinstance(most, int) and most), None)


def check_positions(name: str, folder: Path | str, lengths: dict[str, int]) -> None:
    """Raise InputError where a window is longer than the positions of the model in a folder.

    The model is `models.{name}` of a config, and `lengths` are by their keys there.
    """
    most = positions(decoder_config(read_config(folder)))
    for key, length in lengths.items():
        if most is not None and length > most:
            raise InputError(
                f"{key}: found {length}, but models.{name} has {most} positions; lower it, for all "
                "models, or leave out this model"
            )
