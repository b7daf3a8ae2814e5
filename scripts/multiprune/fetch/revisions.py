"""Lock file of hub revisions: a branch is resolved once and stays at that commit.

`config/{experiment}.lock.yaml` maps `models/NAME` or `corpora/NAME` to the branch and the commit it
stood for at the first fetch. It is meant to be committed beside the config, like any lock file.
"""

import re
from pathlib import Path

import yaml

from multiprune.errors import InputError
from multiprune.files.locks import locked
from multiprune.files.manifests import intact_manifest
from multiprune.files.writing import replacing

HEAD = "# Commits that branches stood for when they were first fetched; commit this file.\n"
COMMIT = re.compile(r"[0-9a-f]{40}")


class RevisionLock:
    """The lock file of one experiment; safe to use from several jobs at once."""

    def __init__(self, path: Path | str):
        self.path = Path(path)

    def pin(self, key: str, definition: dict) -> dict:
        """The definition with its branch replaced by the locked commit, where there is one.

        Raises InputError where the lock speaks of another repository or branch.
        """
        if definition.get("kind") != "huggingface" or is_commit(definition["revision"]):
            return definition
        entry = self._read().get(key)
        if entry is None:
            return definition
        asked = {"repo": repository(definition), "revision": definition["revision"]}
        held = {name: entry.get(name) for name in asked}
        if held != asked or not is_commit(entry.get("commit")):
            raise InputError(
                f"{self.path}: {key} is locked for {held['repo']} at {held['revision']}, the "
                f"config asks for {asked['repo']} at {asked['revision']}; delete the entry"
            )
        return {**definition, "revision": entry["commit"]}

    def must_agree(self, folder: str, definition: dict, manifest: Path | str) -> None:
        """Raise InputError where a download is of another commit than the locked one.

        `folder` is models/NAME or corpora/NAME/LANGUAGE, below the folder of downloads.
        """
        definition = definition.get("corpus", definition)
        if definition["kind"] != "huggingface" or (held := intact_manifest(manifest)) is None:
            return
        key = "/".join(folder.split("/")[:2])
        self.must_have(key, definition, held["revision"], Path(manifest).parent)

    def must_have(self, key: str, definition: dict, commit: str | None, folder: Path) -> None:
        """Raise InputError where a folder holds another commit than the locked one."""
        locked = self.pin(key, definition)["revision"]
        if is_commit(locked) and commit != locked:
            raise InputError(
                f"{folder}: holds commit {commit}, {self.path} asks for "
                f"{locked}; remove the folder to fetch it again, or the entry to lock what is there"
            )

    def record(self, key: str, definition: dict, commit: str | None) -> None:
        """Keep the commit that a branch was resolved to, unless the key is locked already."""
        if definition.get("kind") != "huggingface" or commit is None:
            return
        if is_commit(definition["revision"]):
            return
        with locked(self.path.with_name(f".{self.path.name}.guard")):
            entries = self._read()
            if key not in entries:
                entries[key] = {
                    "repo": repository(definition),
                    "revision": definition["revision"],
                    "commit": commit,
                }
                with replacing(self.path) as temporary:
                    temporary.write_text(HEAD + yaml.safe_dump(entries), encoding="utf-8")

    def _read(self) -> dict:
        try:
            entries = yaml.safe_load(self.path.read_text(encoding="utf-8")) or {}
        except FileNotFoundError:
            return {}
        except (yaml.YAMLError, UnicodeDecodeError):
            entries = None
        if not isinstance(entries, dict) or not all(isinstance(e, dict) for e in entries.values()):
            raise InputError(f"{self.path}: is not a lock file; delete it to lock revisions anew")
        return entries


def is_commit(revision: object) -> bool:
    """Whether a revision is a full commit hash, which never moves."""
    return isinstance(revision, str) and COMMIT.fullmatch(revision) is not None


def found_commit(definition: dict, used: str | None, now: str | None) -> str:
    """What preflight says of a hub's commit: the one `used`, and where the branch is `now`."""
    if used == now or is_commit(definition["revision"]):
        return f"commit {used}"
    return (
        f"commit {used} is locked; {definition['revision']} of {repository(definition)} has moved "
        f"to {now} since"
    )


def repository(definition: dict) -> str:
    """The hub repository of a model or a corpus."""
    return definition.get("repo") or definition["dataset"]
