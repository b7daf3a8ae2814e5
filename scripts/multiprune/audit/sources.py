"""What results record of the files that they were made from, against the files that stand there.

A table, a document and a figure record the path and the SHA-256 of each. All others record hashes
alone; which files these are of is known to Snakemake, which noted what the job read.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path, PurePath

from safetensors import safe_open

from multiprune.errors import InputError
from multiprune.files.checksums import origin_of
from multiprune.files.hashes import sha256_file
from multiprune.files.json import parse_json
from multiprune.files.manifests import MANIFEST, fingerprint, intact_manifest, parse_manifest
from multiprune.pruning.files import pruning_hash

Sources = Mapping[Path, Sequence[Path] | None]  # None where Snakemake does not know them

SHA256 = re.compile(r"[0-9a-f]{64}")
# A record is of one language, the job that writes it of all; one of examples is of no text.
RECORD = re.compile(
    r"[^/]+/seed\d+/(?:perplexity|downstream|examples)/.+/(?P<language>[^/]+)\.json"
)
PNG = b"\x89PNG\r\n\x1a\n"
COMMENT = b"Comment\0"  # where matplotlib puts the origin


def other_sources(results: Path, made: Sources, harmed: set[Path]) -> Iterator[tuple[Path, Path]]:
    """Files, each with one that it was made from and that is another by now.

    Where one of the two is `harmed` or missing, there is nothing to compare.
    """
    sha256, hash_of = cache(sha256_file), cache(recorded_hash)

    def stands(path: Path) -> bool:
        return path.is_file() and path.resolve() not in harmed

    for path in sorted(made):
        if not path.absolute().is_relative_to(results.absolute()) or not stands(path):
            continue
        for source, recorded in named_sources(path).items():
            # Times are no result: a job that runs again leaves the claims as they are.
            timed = source.absolute().is_relative_to(results.absolute() / "benchmarks")
            if stands(source) and not timed and recorded != sha256(source):
                yield path, source
        sources = [source for source in own_sources(results, path, made[path]) if stands(source)]
        recorded = recorded_hashes(path) if sources else []
        for source in sources:
            if not names(recorded, source, hash_of(source)):
                yield path, source


def other_texts(made: Sources) -> Iterator[tuple[Path, Path]]:
    """Manifests of corpora, each with the text that it was split from and that is another now."""
    for path, sources in sorted(made.items()):
        if path.name != MANIFEST or path.parent.parent.parent.name != "corpora":
            continue
        recorded = (intact_manifest(path) or {}).get("source")
        for source in sources or ():
            if recorded and source.is_file() and sha256_file(source) != recorded:
                yield path, source


def named_sources(path: Path) -> dict[Path, str]:
    """Files and hashes that a table, a document or a figure records in its origin."""
    if path.suffix == ".png":
        origin = origin_of_png(path)
    elif origin_of(path).is_file():
        try:
            origin, _checksum = parse_json(origin_of(path))
        except ValueError:  # a finding of its own
            origin = {}
    else:
        origin = {}
    return {Path(name): recorded for name, recorded in origin.get("inputs", {}).items()}


def origin_of_png(path: Path) -> dict:
    """The origin in the text of a PNG; empty where there is none."""
    content = path.read_bytes()
    place = len(PNG)
    while content.startswith(PNG) and place < len(content):
        length = int.from_bytes(content[place : place + 4])
        kind, data = content[place + 4 : place + 8], content[place + 8 : place + 8 + length]
        if kind == b"tEXt" and data.startswith(COMMENT):
            return json.loads(data.removeprefix(COMMENT))
        place += 12 + length  # length, kind and CRC have four bytes each
    return {}


def own_sources(results: Path, path: Path, sources: Sequence[Path] | None) -> list[Path]:
    """What Snakemake noted for a file that records hashes alone, other languages' text left out."""
    if path.suffix not in (".json", ".safetensors"):
        return []
    record = RECORD.fullmatch(path.absolute().relative_to(results.absolute()).as_posix())
    # An exported model says which mask and model it is of; numbers are in its card.
    exported = path.name == MANIFEST
    return [
        source
        for source in sources or ()
        if not (record or exported)
        or source.name == MANIFEST
        or source.suffix == ".safetensors"
        or (record and source.parent.name == record["language"])
    ]


def recorded_hashes(path: Path) -> list[tuple[str, str]]:
    """Every SHA-256 in a JSON file or in the metadata of a safetensors file, with its key."""
    if path.suffix == ".json":
        content, _checksum = parse_json(path)
    else:
        # Its checksum has been compared: large files are not read once more.
        with safe_open(path, framework="np") as file:
            text = file.metadata()
        content = {key: json.loads(v) if v.startswith("{") else v for key, v in text.items()}
    return list(hashes_in(content))


def hashes_in(content: object, key: str = "") -> Iterator[tuple[str, str]]:
    """Every SHA-256 among values, at any depth, with the key that it stands under."""
    if isinstance(content, dict):
        for name, entry in content.items():
            yield from hashes_in(entry, name)
    elif isinstance(content, str) and SHA256.fullmatch(content):
        yield key, content


def names(recorded: list[tuple[str, str]], source: Path, digest: str) -> bool:
    """Whether a hash is recorded of a file: under its name, where something is, else under any."""
    own = {found for key, found in recorded if PurePath(key).name in (source.name, source.stem)}
    return digest in (own or {found for _key, found in recorded})


def recorded_hash(path: Path) -> str:
    """What is recorded of a file: of models the fingerprint, of masks and weights the tensors'."""
    with suppress(InputError, ValueError):  # of another form, which its readers refuse
        if path.name == MANIFEST:
            return fingerprint(parse_manifest(path))
        if path.parent.parent.name in ("masks", "weights") and path.suffix == ".safetensors":
            return pruning_hash(path)
    return sha256_file(path)
