"""Text out of a package of npm, PyPI or Debian, parallel by the ids that the package has.

Ready-made entries are in `experiment.package_corpora`. Ids are `document:unit`, the same in every
language; documents are dealt to the splits as a whole.
"""

import re
import sys
from difflib import get_close_matches
from pathlib import Path

from multiprune.errors import InputError
from multiprune.experiment.package_corpora import (
    TEXT,
    archive_definition,
    archive_name,
    check_text,
    code_of,
)
from multiprune.fetch.archives import check_exists, read_archive
from multiprune.fetch.definitions import needed_source, require_keys
from multiprune.fetch.enough import Windows
from multiprune.fetch.near_twins import share_of_near_twins
from multiprune.fetch.parallel_units import (
    Reference,
    Unit,
    beside_reference,
    normalised,
    reference_of,
)
from multiprune.fetch.splits import SPLITS, Dealt, by_split
from multiprune.registry import find


def read(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Rows of a language; `source` is the archive of its package.

    The archive of the reference's package, where it is another, lies beside it. Keys of `corpus`
    are those of a config, a ready-made entry being filled in, and `script`, which the language's
    text is held against. Notes: how many units are lost in which way, and the near twins.
    """
    require_keys(corpus, ["registry", "package", "files", "format", "reference"])
    check_text(corpus, text, "--definition")
    archive = needed_source(source, "the archive of a package")
    own, others = _both(corpus, archive, text)
    what = f"{archive}, text {text!r}"
    dealt, counts = _kept(corpus, text, own, reference_of(others, what, corpus.get("markup")))
    rows = by_split(dealt)
    lost = ", ".join(f"{way} {number}" for way, number in counts.items())
    if missing := [split for split in SPLITS if not rows[split]]:
        raise InputError(
            f"{what}: nothing is kept for {' and '.join(missing)} (paragraphs: {lost}); take "
            "another text, or leave the language out"
        )
    texts = {split: [row["text"] for row in rows[split]] for split in SPLITS}
    twins = round(share_of_near_twins(texts["calibration"], texts["test"]), 4)
    print(f"paragraphs: {lost}; near twins in test text: {twins:.1%}", file=sys.stderr)
    return dealt, {"units": counts, "near_twins": twins}


def check(corpus: dict, pinned: dict, text: str, source: Path | None, windows: Windows) -> str:
    """Whether the registry has the package; its rows are known when it is here."""
    check_text(corpus, text, "text")
    return check_exists(archive_definition(corpus, text))


def _kept(
    corpus: dict, text: str, units: list[Unit], reference: Reference
) -> tuple[list[Dealt], dict[str, int]]:
    form = corpus["format"]
    return beside_reference(
        units,
        reference,
        script=corpus.get("script"),
        is_reference=re.fullmatch(_spelt_freely(corpus["reference"]), text) is not None,
        markup=corpus.get("markup"),
        numbered=form == "text" or (form in ("html", "xml") and "unit" not in corpus),
    )


def _both(corpus: dict, archive: Path, text: str) -> tuple[list[Unit], list[Unit]]:
    """Units of a language and of the reference; an archive that has both is read once."""
    reference = corpus["reference"]
    beside = archive.with_name(Path(archive_name(corpus, reference)).name)
    one = archive_name(corpus, text) == archive_name(corpus, reference)
    files = _files(corpus, archive, [text, reference] if one else [text])
    own = _units(corpus, archive, text, files)
    if text == reference:
        return own, own
    files = files if one else _files(corpus, beside, [reference])
    return own, _units(corpus, archive if one else beside, reference, files)


def _files(corpus: dict, archive: Path, texts: list[str]) -> dict[str, bytes | None]:
    """Every file of an archive by its name, with the content of those of some languages."""
    patterns = [files_pattern(corpus["files"], code_of(corpus, text)) for text in texts]
    return read_archive(archive, lambda name: any(one.fullmatch(name) for one in patterns))


def _units(corpus: dict, archive: Path, text: str, files: dict[str, bytes | None]) -> list[Unit]:
    """All units of a language, normalised, in the order of the files' names."""
    code = code_of(corpus, text)
    pattern = files_pattern(corpus["files"], code)
    form = find("fetch.formats", corpus["format"], what="format")
    found = []
    for name in sorted(files):
        if (match := pattern.fullmatch(name)) is None:
            continue
        try:
            inner = form.units(files[name], corpus, code)
        except ValueError as error:
            reason = " ".join(str(error).split())
            raise InputError(f"{archive}: {name} is not {corpus['format']} ({reason})") from None
        for document, unit, content in inner:
            whole = "/".join(filter(None, (*match.groups(), document)))
            found.append((whole, unit, content))
    if not found:
        raise InputError(_no_text(corpus, archive, text, list(files)))
    return normalised(found)


def files_pattern(files: str, code: str | None) -> re.Pattern:
    """The names of a language's files; the stars are groups. None: of any language, the first."""
    parts = []
    for part in re.split(r"(\{text\}|\*\*|\*)", files):
        if part == TEXT:
            own = r"(?P<text>[A-Za-z0-9._-]+?)" if code is None else _spelt_freely(code)
            parts.append("(?P=text)" if code is None and own in parts else own)
        else:
            parts.append({"**": "(.*)", "*": "([^/]*)"}.get(part, re.escape(part)))
    return re.compile("".join(parts))


def _spelt_freely(code: str) -> str:
    """A code in any spelling: one and the same package may say pt-br, pt-BR and pt_BR."""
    letters = "".join("[-_]" if letter in "-_" else re.escape(letter) for letter in code)
    return f"(?i:{letters})"


def _no_text(corpus: dict, archive: Path, text: str, names: list[str]) -> str:
    where = f"text {text!r}: {archive} holds none in {corpus['files']}"
    if TEXT not in corpus["files"]:
        return f"{where}; check `text`, `files` and `query`"
    pattern = files_pattern(corpus["files"], None)
    known = sorted({match["text"] for name in names if (match := pattern.fullmatch(name))})
    alike = [code for code in known if code.startswith(text)]
    nearest = list(dict.fromkeys([*alike, *get_close_matches(text, known, n=4)]))[:4] or known[:4]
    hint = f"; of its {len(known)} nearest are {', '.join(nearest)}" if known else ""
    return f"{where}{hint}; check `text` and `files`"
