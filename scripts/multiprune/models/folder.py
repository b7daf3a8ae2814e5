"""The names of the files of a model folder."""

import re
from collections.abc import Iterable
from fnmatch import fnmatchcase

from multiprune.files.manifests import MANIFEST

SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
LICENCES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "USE_POLICY*", "*TERMS*")  # in capitals
PICKLED_WEIGHTS = re.compile(r"pytorch_model(-\d{5}-of-\d{5})?\.bin")
INDICES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
PICKLED = (".bin", ".pt", ".pth", ".ckpt", ".pkl")


def is_model_file(name: str) -> bool:
    """Whether a file may belong to a model, by its name alone."""
    if name.startswith(".") or name == MANIFEST:
        return False
    return name.endswith(SUFFIXES) or is_licence(name)


def is_licence(name: str) -> bool:
    """Whether a file is a licence or a notice, by its name alone."""
    named = any(fnmatchcase(name.upper(), pattern) for pattern in LICENCES)
    return named and not name.endswith(PICKLED)


def pickled_weights(names: Iterable[str]) -> list[str]:
    """The files that hold a model's weights as pickles; none where there are safetensors."""
    names = list(names)
    if any(name.endswith(".safetensors") for name in names):
        return []
    return sorted(filter(PICKLED_WEIGHTS.fullmatch, names))
