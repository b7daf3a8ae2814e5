"""What is said of a config file before its values are looked at."""

import json
from pathlib import Path

import pytest

from multiprune.errors import InputError
from multiprune.experiment.reading import check_file, load

CONFIG = Path(__file__).parents[3] / "config"


def said(path: Path, content: str | bytes) -> str:
    """The message on a file with this content, without the file's name."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(InputError) as error:
        check_file(path)
    message = str(error.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message.removeprefix(str(path)).lstrip(":, ")


@pytest.mark.parametrize("path", [*CONFIG.glob("*.yaml")], ids=lambda path: path.stem)
def test_the_configs_of_the_repository_are_good(path: Path):
    check_file(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "line 3: 'a' stands twice, first in line 1; delete one of them"),
        ("a:\n- b: 1\n  c: 2\n  b: 3\n", "line 4: 'a.0.b' stands twice, first in line 2; "),
        ("a: {b: 1, b: 1}\n", "line 1: 'a.b' stands twice, first in line 1; "),
        ("a: 1\n'a': 2\n", "line 2: 'a' stands twice, first in line 1; "),
        ("a:\n\n  b: *c\n", "line 3: is not YAML: found undefined alias 'c'"),
        ("a: &a {b: [*a]}\n", "a.b.0 is an alias of what it stands in; write it out"),
        ("[" * 3000, "is nested too deeply"),
        (b"a: 1\nb: \xff\n", "line 2: is not UTF-8; convert the file"),
    ],
)
def test_a_mistake_is_one_line_with_its_place(tmp_path: Path, content: str | bytes, message: str):
    assert said(tmp_path / "mine.yaml", content).startswith(message)


def test_json_is_read_as_snakemake_reads_it(tmp_path: Path):
    path = tmp_path / "mine.json"
    assert said(path, '{"a": {"b": 1, "b": 2}}') == "the key 'b' stands twice; delete one"
    path.write_text(json.dumps({"a": {"b": [1]}}, indent="\t"))  # tabs, which YAML refuses
    check_file(path)


def test_what_yaml_allows_is_allowed(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    path.write_text(
        "\ufeffa: &a {x: 1, y: 2}\n"
        "b: {<<: *a, x: 3}\n"  # a merged key may be written over
        "c: [*a, *a]\n"
        "1: one\n"
        "'1': text, not a number\n",
        encoding="utf-8",
    )
    check_file(path)


def test_aliases_of_aliases_are_followed_once(tmp_path: Path):
    path = tmp_path / "mine.yaml"
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    path.write_text("\n".join(["a0: &a0 [0]", *levels]))  # 9 ** 39 entries if written out
    check_file(path)


def test_an_overlay_follows_its_base(tmp_path: Path):
    base, overlay = tmp_path / "base.yaml", tmp_path / "more.yaml"
    base.write_text("experiment: x\nmethods: {wanda: {score: wanda}}\n")
    overlay.write_text("methods: {ria: {score: ria}}\n")
    merged = load([base, overlay])
    assert merged["methods"] == {"wanda": {"score": "wanda"}, "ria": {"score": "ria"}}
    with pytest.raises(InputError) as error:
        load([overlay])
    assert str(error.value) == (
        "top level: experiment is missing; is this an overlay? give its base first: "
        f"config/demo.yaml {overlay}"
    )
