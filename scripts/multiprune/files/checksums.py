"""Files that cannot hold a checksum of their own: tables, pages, figures, captions, claims.

Beside each stands its SHA-256, in a hidden file `.{name}.sha256` of the format of `sha256sum`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from multiprune.files.hashes import sha256_file
from multiprune.files.writing import replacing


@contextmanager
def replacing_signed(target: Path | str) -> Iterator[Path]:
    """As `artefacts.replacing`; the checksum of what was written takes its place beside it."""
    target = Path(target)
    with replacing(target) as temporary, replacing(checksum_of(target)) as checksum:
        yield temporary
        checksum.write_text(f"{sha256_file(temporary)}  {target.name}\n", encoding="utf-8")


def checksum_of(path: Path) -> Path:
    """Where the checksum of a file stands."""
    return path.with_name(f".{path.name}.sha256")


def checksum_problem(path: Path) -> str | None:
    """Whether a file differs from its checksum; one that was written elsewhere has none."""
    checksum = checksum_of(path)
    if not checksum.is_file():
        return None
    recorded = checksum.read_text(encoding="utf-8", errors="replace")[:64]
    return None if recorded == sha256_file(path) else DIFFERS


CHECKSUM = "multiprune_sha256"  # key of a file's own SHA-256, in JSON and safetensors


DIFFERS = "is not what was written: its SHA-256 differs from the one that it records"
