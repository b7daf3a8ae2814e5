"""Can a model take what an experiment asks of it? Known from its files, before any GPU job."""

from collections.abc import Iterable
from pathlib import Path

from multiprune.errors import InputError
from multiprune.models.architectures import architecture_of, read_config
from multiprune.models.checkpoints import starts_with_float16
from multiprune.models.positions import check_positions

NOTHING = {"dtype": "auto", "lengths": {}}  # is asked where nobody says


def demands(config: dict, model: str, calibration_sets: Iterable[str]) -> dict:
    """What a config asks of a model: `dtype`, and `lengths` by their keys in the config.

    `calibration_sets` are those that the experiment draws; pairs such as en-fr are demonstrations.
    """
    lengths = {"evaluation.perplexity.length": config["evaluation"]["perplexity"]["length"]}
    calibration, pairs = config["calibration"], ["-" in name for name in calibration_sets]
    if not all(pairs):
        lengths["calibration.length"] = calibration["length"]
    if any(pairs):
        lengths["calibration.demonstrations.length"] = calibration["demonstrations"]["length"]
    return {"dtype": config["models"][model]["dtype"], "lengths": lengths}


def check_fit(name: str, folder: Path, asked: dict) -> None:
    """Raise InputError where the model in a folder, `models.{name}`, does not fit its `demands`.

    The folder must hold config.json; weights that have not come yet are not looked at.
    """
    architecture, config = architecture_of(folder), read_config(folder)
    if not architecture.float16 and _in_float16(folder, config, asked["dtype"]):
        found = "float16" if asked["dtype"] == "float16" else "auto, which is float16 in its files"
        raise InputError(
            f"models.{name}.dtype: found {found}; the activations of {config['model_type']} "
            "overflow in it; set dtype: bfloat16 or float32"
        )
    check_positions(name, folder, asked["lengths"])


def check_known(config: dict, models: Path | str, calibration_sets: Iterable[str]) -> None:
    """`check_fit` for all models that are on this machine; `models` is the folder of downloads.

    A folder that is no model, or cannot be read, is let be: the job that fetches it says why.
    """
    for name, definition in config["models"].items():
        folder = Path(definition.get("folder", f"{models}/{name}")).expanduser()
        try:
            architecture_of(folder)
        except (InputError, OSError):
            continue
        check_fit(name, folder, demands(config, name, calibration_sets))


def _in_float16(folder: Path, config: dict, dtype: str) -> bool:
    """Whether `dtype` stands for float16; auto takes what config.json or else the files say."""
    if dtype != "auto":
        return dtype == "float16"
    named = config.get("dtype") or config.get("torch_dtype")
    return named == "float16" if named else starts_with_float16(folder)
