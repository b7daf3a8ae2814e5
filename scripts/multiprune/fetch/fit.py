"""Can a model take what an experiment asks of it? Known from its files, before any GPU job."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.models.architectures import architecture_of, read_config
from multiprune.models.positions import check_positions
from multiprune.models.precision import loaded_dtype

NOTHING = {"dtype": "auto", "lengths": {}}  # is asked where nobody says


def check_fit(name: str, folder: Path, asked: dict) -> None:
    """Raise InputError where the model in a folder, `models.{name}`, does not fit what is `asked`.

    The folder must hold config.json; weights that have not come yet are not looked at.
    """
    architecture, config = architecture_of(folder), read_config(folder)
    if not architecture.float16 and loaded_dtype(folder, asked["dtype"]) == "float16":
        found = "float16" if asked["dtype"] == "float16" else "auto, which is float16 in its files"
        raise InputError(
            f"models.{name}.dtype: found {found}; the activations of {config['model_type']} "
            "overflow in it; set dtype: bfloat16 or float32"
        )
    check_positions(name, folder, asked["lengths"])
