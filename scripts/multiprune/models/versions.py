"""Versions of the libraries that numbers depend on, known without loading any of them."""

from importlib.metadata import version


def library_versions() -> dict[str, str]:
    """Name and version of each library."""
    return {name: version(name) for name in ("torch", "transformers", "tokenizers", "numpy")}
