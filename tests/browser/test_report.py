"""The report of an experiment in a browser: it is whole, and the check notices when it is not."""

import json
import re
import shutil
from pathlib import Path

import pytest
from browser.check_report import examine
from playwright.sync_api import Browser

pytestmark = pytest.mark.slow


def figure(name: str) -> str:
    return f"results/tiny/figures/{name}-tiny-llama.png"


def table(name: str) -> str:
    return f"results/tiny/tables/{name}.html"


def test_a_reader_finds_every_page_figure_and_table(browser: Browser, reported: Path):
    assert examine(browser, reported) == []


def test_each_kind_of_damage_is_noticed(browser: Browser, reported: Path, tmp_path: Path):
    folder = tmp_path / reported.name
    shutil.copytree(reported, folder, ignore=shutil.ignore_patterns("tiny-llama"))
    page = (folder / "report.html").read_text(encoding="utf-8")
    (folder / "report.html").write_text(damaged(page), encoding="utf-8")
    assert sorted(set(examine(browser, folder))) == sorted(
        [
            "error in a script: absent is not defined",
            "error in the console: broken",
            "error in the console: Failed to load resource: net::ERR_FAILED",
            "no answer: http://127.0.0.1:9/logo.png",
            "the report asks for http://127.0.0.1:9/logo.png",
            "front page: its figure cannot be shown",
            "front page: another figure",
            f"report: {figure('feature_overlap')} is missing",
            f"{figure('method_comparison')}: the picture cannot be shown",
            f"{figure('method_comparison')}: another picture",
            f"{figure('sparsity_by_block')}: another picture",
            f"{figure('ratio_to_baseline')}: no caption",
            f"{figure('perplexity_by_language')}: another caption",
            f"{table('overlap')}: columns ['a', 'b']",
            "Figures > other: entries stand as 5",
            "Figures > tiny-llama: entries stand as 1 2 3 4 6 8",
            f"{table('overlap')}: does not say model, seed, set_a, set_b",
            f"{table('overlap')}: 1 rows of 8",
            f"{table('overlap')}: the link holds another table",
            f"{table('summary')}: the caption holds a template's text",
        ]
    )


def damaged(page: str) -> str:
    """The report with everything wrong that may go wrong, each in another place."""
    results, categories = variable(page, "results"), variable(page, "categories")
    categories["Figures"]["tiny-llama"].remove(figure("feature_overlap"))
    # As if there were two models; this is no damage.
    categories["Figures"]["other"] = [categories["Figures"]["tiny-llama"].pop()]
    results[figure("method_comparison")]["data_uri"] = "data:image/png;base64,AAAA"
    other = results[figure("claims_forest")]
    results[figure("sparsity_by_block")]["data_uri"] = other["data_uri"]
    results[figure("ratio_to_baseline")]["caption"] = ""
    results[figure("perplexity_by_language")]["caption"] = other["caption"]
    small = "<table><thead><tr><th>a<th>b<tbody><tr><td>1<td>2</table>"
    link = "<a download href=';base64,AAAA'>CSV</a>"
    results[table("overlap")]["data_uri"] = f"data:text/html,{small}{link}"
    results[table("summary")]["caption"] = "{{ snakemake.config }}"
    for name, content in (("results", results), ("categories", categories)):
        page = page.replace(written(page, name), json.dumps(content))
    begin = "data:image/png;base64,\\n"
    assert page.count(begin) == 1
    page = page.replace(begin, f"{begin}AAAA")
    before, end, after = page.rpartition("</body>")
    scripts = "<script>console.error('broken')</script><script>absent()</script>"
    return f"{before}{scripts}<img src='http://127.0.0.1:9/logo.png'>{end}{after}"


def variable(page: str, name: str) -> dict:
    """An object that the report's scripts read."""
    return json.loads(written(page, name))


def written(page: str, name: str) -> str:
    return re.search(rf'<script id="{name}">\s*var {name} = (.*);\s*</script>', page)[1]
