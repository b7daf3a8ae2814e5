"""Manifests: what a downloaded folder holds, from which definition, and the hash of every file.

A folder of resources/ is shared by experiments. Its `manifest.json` reads
`{"definition": {...}, "revision": str or null, "files": {name: {"sha256": ..., "bytes": ...}}}`
plus what a source wants to record. A folder appears as a whole, by rename, or not at all.
"""

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.aside import set_aside, set_both_aside
from multiprune.files.folders import IN_PROGRESS, folder_lock, leads_below, replacing_folder
from multiprune.files.hashes import sha256_file, sha256_json
from multiprune.files.json import parse_json, read_json, write_json

MANIFEST = "manifest.json"
VERIFIED = ".verified.json"  # what the files were made by, their sizes and times when last hashed
LARGE = 50 * 2**20  # bytes; files from here on are not hashed by every job
A_DAY = 24 * 60 * 60  # seconds
NO_MANIFEST = "is not a manifest (definition, revision and files are expected)"


def write_manifest(
    folder: Path | str, definition: dict, revision: str | None = None, **notes: object
) -> None:
    """Hash all files below `folder`, through symbolic links, and write its manifest.

    `notes` are further keys to record, such as the version of a package.
    """
    folder = Path(folder)
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": sha256_file(path),
            "bytes": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path not in (folder / MANIFEST, folder / VERIFIED)
        and not path.is_relative_to(folder / IN_PROGRESS)
    }
    content = {**notes, "definition": definition, "revision": revision, "files": files}
    write_json(folder / MANIFEST, content)


def read_manifest(path: Path | str) -> dict:
    """Read a manifest; one whose shape is wrong is set aside with an InputError."""
    manifest = read_json(path)
    if not _well_formed(manifest):
        set_aside(path, NO_MANIFEST)
    return manifest


def manifest_beside(path: Path | str) -> dict:
    """The manifest of the folder that a file lies in."""
    return read_manifest(Path(path).with_name(MANIFEST))


def parse_manifest(path: Path | str) -> dict:
    """A manifest that stays where it is, broken or not; ValueError where it is broken."""
    manifest, _checksum = parse_json(path)
    if not _well_formed(manifest):
        raise ValueError(NO_MANIFEST)
    return manifest


def intact_manifest(path: Path | str) -> dict | None:
    """A manifest; None where there is none, and where it is broken, which its next reader says."""
    try:
        return parse_manifest(path)
    except (OSError, ValueError):
        return None


def _well_formed(manifest: dict) -> bool:
    files = manifest.get("files")
    return (
        isinstance(manifest.get("definition"), dict)
        and isinstance(manifest.get("revision"), str | None)
        and isinstance(files, dict)
        and all(leads_below(name) and _describes_file(entry) for name, entry in files.items())
    )


def _describes_file(entry: object) -> bool:
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("sha256"), str)
        and isinstance(entry.get("bytes"), int)
    )


def fingerprint(manifest: dict) -> str:
    """SHA-256 of names and hashes of the files: equal content gives equal fingerprints.

    The definition does not count: the same files may come from a hub or from a local folder.
    """
    return sha256_json({name: entry["sha256"] for name, entry in manifest["files"].items()})


def checked_fingerprint(folder: Path | str) -> str:
    """Fingerprint of a downloaded folder whose files are those that its manifest records.

    Hashes of LARGE files are taken once a day, while their sizes and times stay as they were;
    damage that changes neither is found the next day, or by `audit`.
    """
    manifest_path = Path(folder) / MANIFEST
    manifest = read_manifest(manifest_path)
    names = _to_hash(manifest_path, manifest)
    check_files(manifest_path, names)
    if len(names) == len(manifest["files"]):
        note_verified(manifest_path, _note(manifest_path).get("made_by"))
    return fingerprint(manifest)


def note_verified(manifest_path: Path, made_by: dict | None) -> None:
    """Record that the files beside a manifest are what it says; a read-only folder keeps none."""
    note = {"files": _states(manifest_path.parent, read_manifest(manifest_path))}
    with suppress(OSError):
        path = manifest_path.with_name(VERIFIED)
        write_json(path, note if made_by is None else note | {"made_by": made_by})


def _note(manifest_path: Path) -> dict:
    """What was noted; empty where nothing was, or where it is broken."""
    try:
        return parse_json(manifest_path.with_name(VERIFIED))[0]
    except (OSError, ValueError):
        return {}


def _to_hash(manifest_path: Path, manifest: dict) -> list[str]:
    """The files whose hashes are to be compared now: LARGE ones once a day."""
    files, states = manifest["files"], _states(manifest_path.parent, manifest)
    path = manifest_path.with_name(VERIFIED)
    recent = path.is_file() and time.time() - path.stat().st_mtime < A_DAY
    if recent and _note(manifest_path).get("files") == states:
        return [name for name in files if files[name]["bytes"] < LARGE]
    return list(files)


def _states(folder: Path, manifest: dict) -> dict[str, list]:
    """What tells that a file may have changed since its hash was taken."""
    states = {}
    for name, entry in manifest["files"].items():
        path = folder / name
        state = path.stat() if path.is_file() else None
        states[name] = [entry["sha256"], *((state.st_size, state.st_mtime_ns) if state else ())]
    return states


def check_files(manifest_path: Path | str, names: Iterable[str] | None = None) -> None:
    """Compare files with their manifest.

    `names` restricts the check. At the first file that differs, the file and the manifest are
    renamed to `*.corrupt`, so that Snakemake builds the folder again, and InputError is raised.
    """
    manifest_path = Path(manifest_path)
    files = read_manifest(manifest_path)["files"]
    for name in files if names is None else names:
        if name not in files:
            raise InputError(
                f"{manifest_path}: lists no file {name!r}, only {', '.join(sorted(files))}"
            )
        reason = _difference(manifest_path.parent / name, files[name])
        if reason:
            set_both_aside(manifest_path, manifest_path.parent / name, reason)


def file_differences(folder: Path, manifest: dict) -> Iterator[tuple[str, str]]:
    """Names of the files that are not what a manifest says, and in what; nothing is set aside."""
    for name, entry in manifest["files"].items():
        if reason := _difference(folder / name, entry):
            yield name, reason


def _difference(path: Path, expected: dict, content: bool = True) -> str | None:
    if not path.is_file():
        return "is missing"
    found = path.stat().st_size
    if found != expected["bytes"]:
        return f"has {found} bytes, its manifest says {expected['bytes']}"
    if content and sha256_file(path) != expected["sha256"]:
        return "has another SHA-256 than its manifest says"
    return None


def other_definition(manifest_path: Path | str, definition: dict) -> str | None:
    """One line when the folder was built from another definition, else None.

    None as well where there is no manifest yet, or a broken one. Cheap enough to be asked for
    every model and corpus while a workflow is parsed.
    """
    manifest = intact_manifest(manifest_path)
    if manifest is None or (held := manifest["definition"]) == definition:
        return None
    folder = Path(manifest_path).parent
    return (
        f"{folder}: holds {_compact(held)} but the config asks for {_compact(definition)}; "
        f"give the new definition another key, or remove {folder} to build it again"
    )


def _compact(definition: dict) -> str:
    return json.dumps(definition, sort_keys=True, ensure_ascii=False)


def fill_folder(
    manifest_path: Path | str,
    definition: dict,
    fill: Callable[[Path], dict],
    made_by: dict | None = None,
    resumable: bool = False,
) -> dict:
    """Let `fill(folder)` fill a folder, describe it with the notes that it returns; its manifest.

    Whatever stood there goes only when all has ended well (`replacing_folder`). While another
    process, of this clone or of one that shares its downloads, fills the same folder, this one
    waits. A folder of another definition is an InputError. `made_by` is what the files depend on
    beside the definition, such as the code: a folder that is complete and made by the same is taken
    as it stands.
    """
    manifest_path = Path(manifest_path)
    if manifest_path.name != MANIFEST:
        raise InputError(f"--manifest {manifest_path}: the file must be called {MANIFEST}")
    # Before the lock as well: a complete folder may be one that nobody can write to.
    if standing := complete_manifest(manifest_path, definition, made_by):
        return standing
    folder = manifest_path.parent.absolute()
    with folder_lock(folder):
        if refusal := other_definition(manifest_path, definition):
            raise InputError(refusal)
        if standing := complete_manifest(manifest_path, definition, made_by):
            return standing
        with replacing_folder(folder, resumable) as partial:
            notes = fill(partial)
            write_manifest(partial, definition, **notes)
        if made_by is not None:
            note_verified(manifest_path, made_by)
    return read_manifest(manifest_path)


def complete_manifest(manifest_path: Path, definition: dict, made_by: dict | None) -> dict | None:
    """The manifest of a folder that holds all files of a definition, made by the same; else None.

    With `made_by` None there is no such folder.
    """
    manifest = intact_manifest(manifest_path)
    if made_by is None or manifest is None or manifest["definition"] != definition:
        return None
    if _note(manifest_path).get("made_by", {}) != made_by:
        return None
    names = _to_hash(manifest_path, manifest)
    for name, entry in manifest["files"].items():
        if _difference(manifest_path.parent / name, entry, name in names):
            return None
    print(f"{manifest_path.parent}: is complete already")
    return manifest
