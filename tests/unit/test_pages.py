"""The documentation: what runs wrote stands in it as it is, and the README is short."""

import re
from pathlib import Path

import pytest
import yaml
from script_calls import call, refusal

from fill_pages import filled
from multiprune.errors import InputError
from multiprune.experiment.validation import validate

ROOT = Path(__file__).parents[2]
PAGE = "before\n\n<!-- from demo/sum.txt -->\nold\n<!-- end -->\n\nafter\n"


def test_blocks_stand_as_their_files_have_them():
    pages = re.search(r"^FILLED = (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert len(pages) == 5
    for page in pages:
        text = (ROOT / page).read_text(encoding="utf-8")
        assert "<!-- from " in text
        assert filled(text, ROOT) == text, f"{page}: make docs"


def test_text_is_code_and_markdown_is_itself(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/sum.txt").write_text("\n1 2\n3\n")
    once = filled(PAGE, tmp_path)
    assert once == (
        "before\n\n<!-- from demo/sum.txt -->\n\n```text\n1 2\n3\n```\n\n<!-- end -->\n\nafter\n"
    )
    assert filled(once, tmp_path) == once
    (tmp_path / "demo/sum.md").write_text("| a |\n")
    assert "-->\n\n| a |\n\n<!--" in filled(PAGE.replace(".txt", ".md"), tmp_path)


def test_a_file_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"^demo/sum.txt: no such file; a page has a block"):
        filled(PAGE, tmp_path)
    Path("page.md").write_text(PAGE)
    assert "demo/sum.txt: no such file" in refusal("fill_pages", "page.md")
    assert Path("page.md").read_text() == PAGE
    Path("demo").mkdir()
    Path("demo/sum.txt").write_text("3\n")
    assert call("fill_pages", "page.md") == (0, [])
    assert "```text\n3\n```" in Path("page.md").read_text()


def test_a_block_without_its_end_takes_no_text_with_it(tmp_path):
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo/sum.txt").write_text("3\n")
    with pytest.raises(InputError, match="a block has no <!-- end -->"):
        filled(PAGE.replace("<!-- end -->", "", 1) + PAGE, tmp_path)


def test_the_smallest_config_is_whole_and_says_what_must_be_said():
    page = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```yaml\n(# yaml-language-server.*?)```", page, re.DOTALL)
    config = yaml.safe_load(text)
    assert validate(config).sparsities == [0.5]
    for key in set(config) - {"calibration", "evaluation"}:
        with pytest.raises(InputError, match=key):
            validate({name: value for name, value in config.items() if name != key})


def test_the_readme_is_short_and_its_links_lead_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert len(links) > 10
    assert [link for link in links if not (ROOT / link).exists()] == []
