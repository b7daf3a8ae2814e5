"""Corpora out of packages that the tests make, of the shapes that the ready-made entries have."""

import json

import pytest

from multiprune.errors import InputError
from multiprune.fetch.corpora.package import files_pattern, read
from multiprune.fetch.splits import by_split
from unit.fetch import made_packages
from unit.fetch.made_packages import entry, sentence, write_deb, write_tarball

DOCUMENTS = [f"page{number}" for number in range(12)]
UNITS = range(1, 6)


def messages(language):
    return {
        page: {f"key.{unit}": sentence(language, f"{page}-{unit}") for unit in UNITS}
        for page in DOCUMENTS
    }


def rows_of(corpus, text, archive, script="Latn"):
    dealt, notes = read(corpus | {"script": script}, text, archive)
    return {row["id"]: (row["text"], split) for row, split in dealt}, notes


class TestScratch:
    def test_a_missing_message_in_the_middle_moves_no_other(self, tmp_path):
        texts = {language: messages(language) for language in ("en", "de", "ru")}
        del texts["de"]["page4"]["key.3"]
        archive = made_packages.scratch(tmp_path, texts)
        corpus = entry("scratch")
        english, notes = rows_of(corpus, "en", archive)
        german, lost = rows_of(corpus, "de", archive)
        russian, _ = rows_of(corpus, "ru", archive, "Cyrl")
        assert len(english) == len(russian) == 60
        assert english.keys() - german.keys() == {"page4:key.3"}
        assert german["page4:key.4"][0] == sentence("de", "page4-4").strip()
        assert russian["page4:key.4"][0] == sentence("ru", "page4-4").strip()
        for other in (german, russian):
            assert all(other[name][1] == english[name][1] for name in other)
        assert notes["units"]["kept"] == notes["units"]["of_reference"] == 60
        assert lost["units"]["missing"] == 1
        assert lost["units"]["kept"] == 59

    def test_a_message_with_markup_is_dropped(self, tmp_path):
        texts = {language: messages(language) for language in ("en", "de")}
        texts["en"]["page1"]["key.1"] += " <a href='x'>more</a>"
        texts["en"]["page1"]["key.2"] += " {name}"
        texts["de"]["page2"]["key.1"] += "<br/>"
        texts["de"]["page2"]["key.2"] += " 1 < 2 {}"
        archive = made_packages.scratch(tmp_path, texts)
        english, _ = rows_of(entry("scratch"), "en", archive)
        german, lost = rows_of(entry("scratch"), "de", archive)
        assert len(english) == 58
        assert english.keys().isdisjoint({"page1:key.1", "page1:key.2"})
        assert english.keys() - german.keys() == {"page2:key.1"}
        assert lost["units"]["markup"] == 1

    def test_markup_changes_no_split(self, tmp_path):
        texts = {"en": messages("en")}
        texts["en"]["page1"]["key.1"] += " {name}" * 99
        archive = made_packages.scratch(tmp_path, texts)
        without, _ = rows_of(entry("scratch"), "en", archive)
        whole, _ = rows_of(entry("scratch") | {"markup": None}, "en", archive)
        assert whole.keys() - without.keys() == {"page1:key.1"}
        assert all(whole[name][1] == without[name][1] for name in without)

    def test_documents_are_dealt_as_a_whole_and_by_size(self, tmp_path):
        archive = made_packages.scratch(tmp_path, {"en": messages("en")})
        dealt, _ = read(entry("scratch"), "en", archive)
        documents = {}
        for row, split in dealt:
            documents.setdefault(row["id"].split(":")[0], set()).add(split)
        assert all(len(splits) == 1 for splits in documents.values())
        sizes = {split: len(rows) for split, rows in by_split(dealt).items()}
        assert sizes == {"calibration": 35, "validation": 5, "test": 20}

    def test_what_is_not_translated_is_dropped_wherever_its_original_stands(self, tmp_path):
        texts = {language: messages(language) for language in ("en", "de", "ru")}
        texts["de"]["page1"]["key.1"] = texts["en"]["page1"]["key.1"]
        texts["de"]["page1"]["key.2"] = texts["en"]["page9"]["key.5"]  # of another place
        texts["de"]["page2"]["key.1"] = "  \u200b "
        texts["de"]["page2"]["key.2"] = texts["de"]["page2"]["key.3"]
        texts["ru"]["page3"]["key.1"] = "Changed English is no Russian: " * 3
        archive = made_packages.scratch(tmp_path, texts)
        german, lost = rows_of(entry("scratch"), "de", archive)
        units = lost["units"]
        assert (units["untranslated"], units["empty"], units["repeats"]) == (2, 1, 1)
        assert units["kept"] == len(german) == 56
        assert not {"page1:key.1", "page1:key.2", "page2:key.1"} & german.keys()
        _, lost = rows_of(entry("scratch"), "ru", archive, "Cyrl")
        assert lost["units"]["other_script"] == 1

    def test_a_unit_counts_by_its_reference(self, tmp_path):
        texts = {language: messages(language) for language in ("en", "de")}
        texts["en"]["page1"]["key.1"] = "Short."
        texts["de"]["page1"]["key.2"] = "Kurz."
        archive = made_packages.scratch(tmp_path, texts)
        german, _ = rows_of(entry("scratch"), "de", archive)
        assert "page1:key.1" not in german
        assert german["page1:key.2"][0] == "Kurz."

    def test_a_language_that_keeps_too_little_is_one_line(self, tmp_path):
        texts = {"en": messages("en"), "de": messages("en")}
        texts["de"]["page0"] = messages("de")["page0"]
        archive = made_packages.scratch(tmp_path, texts)
        with pytest.raises(InputError) as error:
            rows_of(entry("scratch"), "de", archive)
        assert "text 'de': nothing is kept for " in str(error.value)
        assert "kept 5," in str(error.value)
        assert "untranslated 55" in str(error.value)
        assert "\n" not in str(error.value)

    def test_an_unknown_language_is_answered_with_the_nearest(self, tmp_path):
        archive = made_packages.scratch(tmp_path, {"en": messages("en"), "pt-br": messages("pt")})
        with pytest.raises(InputError, match=r"'pt': .* holds none in .*; of its 2 nearest are pt"):
            rows_of(entry("scratch"), "pt", archive)

    def test_byte_order_marks_and_line_ends_are_no_text(self, tmp_path):
        broken = {page: json.dumps(units, indent=1) for page, units in messages("en").items()}
        files = {
            f"package/www/{page}/en.json": b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode()
            for page, text in broken.items()
        }
        files["package/www/page0/en.json"] = json.dumps(
            {"key.1": "\ufeffOne line\r\nand another one, which is long enough to count."}
        )
        corpus = entry("scratch")
        archive = write_tarball(made_packages.place(tmp_path, corpus, "en"), files)
        english, _ = rows_of(corpus, "en", archive)
        assert english["page0:key.1"][0] == (
            "One line and another one, which is long enough to count."
        )
        assert len(english) == 56

    @pytest.mark.parametrize("content", [b"{", b"\xff", b"[" * 100_000])
    def test_a_file_that_cannot_be_read_is_named(self, tmp_path, content):
        files = {"package/www/a/en.json": content}
        corpus = entry("scratch")
        archive = write_tarball(made_packages.place(tmp_path, corpus, "en"), files)
        with pytest.raises(InputError, match=r"package/www/a/en\.json is not json \(") as error:
            rows_of(corpus, "en", archive)
        assert "\n" not in str(error.value)

    def test_too_few_documents(self, tmp_path):
        archive = made_packages.scratch(tmp_path, {"en": {"page1": messages("en")["page1"]}})
        with pytest.raises(InputError, match=r"has 1 documents .*, 3 are needed"):
            rows_of(entry("scratch"), "en", archive)


def verses(language, lost=()):
    return [
        (1, chapter, verse, sentence(language, f"{chapter}.{verse}"))
        for chapter in range(1, 13)
        for verse in range(1, 6)
        if (chapter, verse) not in lost
    ]


class TestBible:
    def test_verses_are_paired_by_book_chapter_and_verse(self, tmp_path):
        books = {"k": verses("en"), "s": verses("de", lost=[(2, 3)]), "h": verses("sw")}
        archive = made_packages.bible(tmp_path, books)
        english, _ = rows_of(entry("bible"), "en", archive)
        german, lost = rows_of(entry("bible"), "de", archive)
        assert english["1.2:4"][0] == sentence("en", "2.4").strip()
        assert german["1.2:4"] == (sentence("de", "2.4").strip(), english["1.2:4"][1])
        assert english.keys() - german.keys() == {"1.2:3"}
        assert lost["units"]["missing"] == 1

    def test_a_translation_that_its_list_calls_protected_cannot_be_had(self, tmp_path):
        archive = made_packages.bible(tmp_path, {"k": verses("en"), "h": verses("sw")})
        with pytest.raises(InputError, match=r"found text 'sw', allowed are ar, de, en, es, fa,"):
            rows_of(entry("bible"), "sw", archive)

    def test_a_query_that_does_not_fit_is_one_line(self, tmp_path):
        archive = made_packages.bible(tmp_path, {"k": verses("en")})
        for query in ("select 1 from nowhere", "select :text, 1 from bible"):
            with pytest.raises(InputError, match=r"bible\.db is not sqlite") as error:
                rows_of(entry("bible", query=query), "en", archive)
            assert "\n" not in str(error.value)


def page(language, name, ids=UNITS):
    return "".join(
        f'<p id="par{unit}" class="paragraph" dir="auto">{sentence(language, f"{name}-{unit}")}</p>'
        for unit in ids
    )


class TestOfficeHelp:
    corpus = entry("libreoffice-help")

    def test_paragraphs_are_paired_by_id_in_packages_that_lie_side_by_side(self, tmp_path):
        english = {f"a/{name}": page("en", name) for name in DOCUMENTS}
        german = {f"a/{name}": page("de", name) for name in DOCUMENTS}
        german["a/page4"] = page("de", "page4", ids=[1, 2, 4, 5])
        made_packages.office_help(tmp_path, "en-us", "en-US", english)
        archive = made_packages.office_help(tmp_path, "de", "de", german)
        rows, lost = rows_of(self.corpus, "de", archive)
        assert rows["a/page4:par4"][0] == sentence("de", "page4-4").strip()
        assert lost["units"] == {
            "of_reference": 60, "kept": 59, "missing": 1, "other_shape": 0, "empty": 0, "markup": 0,
            "untranslated": 0, "other_script": 0, "repeats": 0,
        }  # fmt: skip

    def test_only_paragraphs_with_an_id_and_one_name_of_each_menu(self, tmp_path):
        body = (
            '<h1 id="h">Heading</h1><p class="paragraph">Without an id, and long enough to be it.'
            '</p><p id="t" class="tablehead">Of another class, and long enough to be a unit.</p>'
            '<p id="m" class="paragraph">Choose <span class="switchinline"><span class="MAC">The '
            "Program - Settings</span><span>Tools - Options</span></span> to see the dialog<p "
            'id="twice" class="paragraph">This id stands in two places of the page, so it goes.'
            '<p id="twice" class="paragraph">This id stands in two places of the page, once more.'
        )
        pages = {f"a/{name}": page("en", name) for name in DOCUMENTS} | {"a/menu": body}
        archive = made_packages.office_help(tmp_path, "en-us", "en-US", pages)
        rows, _ = rows_of(self.corpus, "en-us", archive)
        found = {name: text for name, (text, _split) in rows.items() if name.startswith("a/menu")}
        assert found == {"a/menu:m": "Choose Tools - Options to see the dialog"}

    def test_the_archive_of_the_reference_is_needed(self, tmp_path):
        pages = {f"a/{name}": page("de", name) for name in DOCUMENTS}
        archive = made_packages.office_help(tmp_path, "de", "de", pages)
        with pytest.raises(InputError, match=r"libreoffice-help-en-us\.deb: no such file"):
            rows_of(self.corpus, "de", archive)


class TestHandbook:
    corpus = entry("debian-handbook")

    def paragraphs(self, language):
        return {name: [sentence(language, f"{name}-{u}") for u in UNITS] for name in DOCUMENTS}

    def test_pages_of_another_shape_are_dropped(self, tmp_path):
        german = self.paragraphs("de")
        del german["page4"][2]
        del german["page5"]
        german["page6"][0] = ""  # an empty paragraph holds its place
        pages = {"en-US": self.paragraphs("en"), "de-DE": german}
        archive = made_packages.handbook(tmp_path, pages)
        english, _ = rows_of(self.corpus, "en-US", archive)
        rows, lost = rows_of(self.corpus, "de-DE", archive)
        units = lost["units"]
        assert (units["other_shape"], units["missing"], units["empty"]) == (5, 5, 1)
        assert not [name for name in rows if name.startswith(("page4:", "page5:"))]
        assert rows["page6:00002"][0] == sentence("de", "page6-2").strip()
        assert all(rows[name][1] == english[name][1] for name in rows)

    def test_the_reference_in_another_spelling_is_itself(self, tmp_path):
        archive = made_packages.handbook(tmp_path, {"en-US": self.paragraphs("en")})
        rows = [rows_of(self.corpus, text, archive)[0] for text in ("en-US", "en-us", "en_US")]
        assert len(rows[0]) == 60
        assert rows[0] == rows[1] == rows[2]

    def test_a_damaged_package_is_one_line(self, tmp_path):
        archive = made_packages.handbook(tmp_path, {"en-US": self.paragraphs("en")})
        archive.write_bytes(archive.read_bytes()[:-200])
        with pytest.raises(InputError, match=r"is not a Debian package .* download it") as error:
            rows_of(self.corpus, "en-US", archive)
        assert "\n" not in str(error.value)


def test_pages_of_xml_and_files_of_text(tmp_path):
    """As gnome-user-docs and a plain package would be."""
    pages = {
        f"usr/{language}/{name}.page": "<page xmlns='x'><p>"
        + "</p><p>".join(sentence(language, f"{name}-{unit}") for unit in UNITS)
        + "</p></page>"
        for language in ("en", "de")
        for name in DOCUMENTS
    }
    corpus = {
        "kind": "package", "registry": "debian", "package": "docs", "reference": "en",
        "files": "usr/{text}/*.page", "format": "xml", "elements": ["p"],
    }  # fmt: skip
    archive = write_deb(made_packages.place(tmp_path, corpus, "en"), pages)
    rows, notes = rows_of(corpus, "de", archive)
    assert rows["page3:00002"][0] == sentence("de", "page3-2").strip()
    assert notes["units"]["kept"] == 60
    texts = {
        f"usr/{language}/{name}.page": "\n\n".join(sentence(language, f"{name}-{u}") for u in UNITS)
        for language in ("en", "de")
        for name in DOCUMENTS
    }
    texts["usr/de/page3.page"] += "\r\n\r\nOne more"
    corpus = {key: value for key, value in corpus.items() if key != "elements"}
    archive = write_deb(archive, texts)
    _, notes = rows_of(corpus | {"format": "text"}, "de", archive)
    assert (notes["units"]["other_shape"], notes["units"]["kept"]) == (5, 55)


def test_entities_of_xml_are_refused(tmp_path):
    bomb = '<!DOCTYPE p [<!ENTITY a "x">]><p>&a;</p>'
    corpus = {
        "kind": "package", "registry": "npm", "package": "p", "version": "1.0.0", "format": "xml",
        "files": "package/*/{text}.xml", "elements": ["p"], "reference": "en",
    }  # fmt: skip
    archive = write_tarball(made_packages.place(tmp_path, corpus, "en"), {"package/a/en.xml": bomb})
    with pytest.raises(InputError, match=r"is not xml .it declares the entity 'a'"):
        rows_of(corpus, "en", archive)


@pytest.mark.parametrize(
    ("pattern", "name", "document"),
    [
        ("a/{text}/**.html", "a/pt-BR/x/y.html", ("x/y",)),
        ("a/*/{text}.json", "a/www/PT_br.json", ("www",)),
        ("a/*/{text}.json", "a/www/x/pt-br.json", None),
        ("a/{text}.json", "a/pt.json", None),
        ("a/{text}.json", "a/pt-br-x.json", None),
    ],
)
def test_patterns_of_files(pattern, name, document):
    found = files_pattern(pattern, "pt-br").fullmatch(name)
    assert (found and found.groups()) == document
