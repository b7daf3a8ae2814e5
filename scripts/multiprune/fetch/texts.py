"""Readers of fetched text, which compare it with its manifest."""

from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.aside import set_aside
from multiprune.files.json import read_json_lines
from multiprune.files.manifests import MANIFEST, check_files
from multiprune.files.writing import link_target


def read_rows(path: Path | str) -> list[dict[str, str]]:
    """Rows `{"id", "text"}` of a corpus file, whose hash must be the one in its manifest.

    Jobs ask for the texts, not for the manifest: without it, the text is set aside to get both.
    """
    path = link_target(path)  # what is wrong with it is told, and mended, where it stands
    manifest = path.with_name(MANIFEST)
    if path.is_file() and not manifest.exists():
        set_aside(path, f"has no {MANIFEST} beside it")
    check_files(manifest, [path.name])
    return read_json_lines(path)


def read_paragraphs(path: Path | str) -> list[str]:
    """Texts of a corpus file, one paragraph a line; raises InputError where there is none."""
    texts = [row["text"] for row in read_rows(path)]
    if not texts:
        raise InputError(f"{path}: has no paragraphs")
    return texts
