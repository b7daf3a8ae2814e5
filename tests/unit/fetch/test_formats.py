"""What each form makes of a file."""

import json

import pytest

from multiprune.registry import find

P = {"elements": ["p"]}
PARA = {"elements": ["div"], "classes": ["para"]}


def units(form: str, data: str, entry: dict) -> list[tuple[str, str, str]]:
    return find("fetch.formats", form).units(data.encode(), entry, "en")


@pytest.mark.parametrize(
    ("html", "entry", "found"),
    [
        ("<p>a <b>b</b>c<p>d</P><P/>", P, ["a bc", "d", ""]),  # ends that are left out
        ("<p>a<br>b</p>c<p>d<ul><li>e</ul>", P, ["a b", "d"]),
        ("<p>&lt;a&amp;&nbsp;&#228;<script>if (a < b) {}</script><!-- c --></p>", P, ["<a&\xa0ä"]),
        ("</div><p>a</i></p></p><p>b", P, ["a", "b"]),
        (
            '<div class="x para">a<div>b<div class="para">c</div>d</div></div><div>e</div>',
            PARA,
            ["a b d ", "c"],
        ),
        ('<p>a<i class="off">b<u>c</u></i>d', P | {"leave_out": ["off"]}, ["ad"]),
    ],
)
def test_html(html, entry, found):
    numbered = [("", f"{n:05d}", text) for n, text in enumerate(found, start=1)]
    assert [(d, u, t.replace("  ", " ")) for d, u, t in units("html", html, entry)] == numbered


def test_ids_of_elements():
    html = '<p id="b">x</p><p>without</p><p id="">empty</p><p id="a">y</p>'
    assert units("html", html, P | {"unit": "id"}) == [("", "b", "x"), ("", "a", "y")]


def test_xml_and_what_is_none():
    assert units("xml", "<page><p>a <em>b</em></p><q/><p/></page>", P) == [
        ("", "00001", "a b"),
        ("", "00002", ""),
    ]
    for broken in ("<page><p>a</page>", "", '<!DOCTYPE p SYSTEM "file:///etc/passwd"><p>&x;</q>'):
        with pytest.raises(ValueError, match=r"."):
            units("xml", broken, P)


MESSAGES = {"b": {"title": "T", "verses": [{"text": "1"}, {"text": "2", "n": 3}]}, "a": "x"}


@pytest.mark.parametrize(
    ("keys", "found"),
    [
        (
            None,
            [
                ("", "b.title", "T"),
                ("", "b.verses.0.text", "1"),
                ("", "b.verses.1.text", "2"),
                ("", "a", "x"),
            ],
        ),
        ("b.verses.*.text", [("", "b.verses.0.text", "1"), ("", "b.verses.1.text", "2")]),
        ("*.verses.*.text", [("b", "verses.0.text", "1"), ("b", "verses.1.text", "2")]),
        ("*", [("", "a", "x")]),
    ],
)
def test_json(keys, found):
    entry = {} if keys is None else {"keys": keys}
    assert units("json", json.dumps(MESSAGES), entry) == found


def test_a_database_is_only_read(tmp_path):
    with pytest.raises(ValueError, match="not a database"):
        units("sqlite", "not a database " * 100, {"query": "select 1, 2, 3 from x"})
    found = units("sqlite", "", {"query": "select 'a', 1, :text union select 'b', 2, null"})
    assert found == [("a", "1", "en"), ("b", "2", "")]
    with pytest.raises(ValueError, match="readonly"):
        units("sqlite", "", {"query": "create table x (y)"})


def test_text():
    assert units("text", "\ufeffa\r\nb\r\n\r\n\r\nc", {}) == [
        ("", "p00001", "a b"),
        ("", "p00002", "c"),
    ]
