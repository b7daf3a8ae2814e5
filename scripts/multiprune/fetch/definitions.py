"""What the fetch scripts are given: a definition, where its folder is, and where links to it go."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.writing import link


def add_arguments(parser: argparse.ArgumentParser, definition: str) -> None:
    """Options that every fetch script has; `definition` says what --definition is."""
    parser.add_argument("--definition", required=True, help=definition)
    parser.add_argument("--manifest", required=True, type=Path, help="FOLDER/manifest.json")
    parser.add_argument("--lock", required=True, type=Path, help="lock file of hub revisions")
    parser.add_argument("--links", type=Path, nargs="*", default=[], help="links to its files")


def link_outputs(options: argparse.Namespace) -> None:
    """Make each of --links a link to the file of its name in the folder."""
    for place in options.links:
        link(options.manifest.with_name(place.name), place)


def parse_definition(text: str, keys: Iterable[str] = ()) -> dict:
    """A definition given as JSON on a command line; it must be an object that has `keys`."""
    try:
        definition = json.loads(text)
    except ValueError as error:
        raise InputError(f"--definition: is not JSON ({error})") from None
    if not isinstance(definition, dict):
        raise InputError(f"--definition: a JSON object is expected, found {text}")
    require_keys(definition, keys)
    return definition


def require_keys(definition: dict, keys: Iterable[str]) -> None:
    """InputError where a definition lacks one of `keys`."""
    missing = sorted(key for key in keys if key not in definition)
    if missing:
        text = json.dumps(definition, sort_keys=True, ensure_ascii=False)
        raise InputError(f"definition {text}: lacks {', '.join(missing)}")


def needed_source(source: Path | None, what: str) -> Path:
    """The file that a text comes from; InputError where none was given."""
    if source is None:
        raise InputError(f"--source: is missing; this kind of corpus needs {what}")
    return source
