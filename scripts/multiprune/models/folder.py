"""The names of the files of a model folder."""

from fnmatch import fnmatchcase

from multiprune.files.manifests import MANIFEST

SUFFIXES = (".safetensors", ".json", ".txt", ".model", ".jinja")
LICENCES = ("LICEN[CS]E*", "COPYING*", "NOTICE*", "USE_POLICY*", "*TERMS*")  # in capitals
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
