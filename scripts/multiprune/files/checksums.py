"""Files that cannot hold a checksum of their own: tables, pages, figures, captions, claims.

Beside each stands one hidden file, `.{name}.origin.json`: the SHA-256 of what was written, and of
tables and of what is written from them what they come from (`jobs.provenance`).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from multiprune.files.hashes import DIFFERS, sha256_file
from multiprune.files.json import parse_json, write_json
from multiprune.files.writing import replacing


@contextmanager
def replacing_signed(target: Path | str, origin: Mapping = {}) -> Iterator[Path]:
    """As `writing.replacing`; origin and checksum of what was written stand beside it."""
    target = Path(target)
    with replacing(target) as temporary:
        yield temporary
        write_json(origin_of(target), {"sha256": sha256_file(temporary), **origin})


def origin_of(path: Path | str) -> Path:
    """Where the checksum and the origin of a file stand."""
    path = Path(path)
    return path.with_name(f".{path.name}.origin.json")


def checksum_problem(path: Path) -> str | None:
    """What is wrong with a file or its checksum; one that was written elsewhere has none."""
    try:
        recorded = parse_json(origin_of(path))[0].get("sha256")
    except FileNotFoundError:
        return None
    except ValueError as error:
        return f"{origin_of(path).name} beside it {error}"
    return None if recorded == sha256_file(path) else DIFFERS
