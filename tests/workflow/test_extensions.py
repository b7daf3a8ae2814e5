"""A table, a figure, a score and a norm are added by writing files, as two pages of docs/ say."""

import json
import re

import pandas as pd
import pytest
from PIL import Image
from workflow.expected import FIGURES, MODEL, evaluations, figures, masks, tables
from workflow.running import ROOT, Workflow


def examples(page: str) -> dict[str, str]:
    """The files that a page tells to save, by their paths."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return dict(re.findall(r"Save this as\s`(\S+)`:\n\n```python\n(.*?)```", text, re.DOTALL))


EXAMPLES = examples("tables_and_figures.md")
METHODS = examples("scores_and_norms.md")
LIBRARY = "scripts/multiprune"
FIGURE = f"{LIBRARY}/figures/spread.py"
PICTURE = f"results/tiny/figures/spread-{MODEL}.png"
TABULATED, DRAWN = f"tabulate_results {MODEL} spread", f"draw_figure spread {MODEL}"
ADDED = {TABULATED, "join_tables spread", DRAWN, "all"}


@pytest.fixture
def extended(project: Workflow) -> Workflow:
    """The finished experiment with the files of the page."""
    assert set(EXAMPLES) == {f"{LIBRARY}/tables/spread.py", FIGURE}
    for path, text in EXAMPLES.items():
        (project.folder / path).write_text(text, encoding="utf-8")
    return project


def test_files_that_nothing_names_rerun_nothing(extended: Workflow):
    assert extended.jobs() == set()


def test_the_figure_can_be_asked_for_by_its_path(extended: Workflow):
    assert extended.jobs(PICTURE) == {TABULATED, DRAWN}


def test_one_line_in_the_config_adds_the_figure_and_its_table(extended: Workflow):
    with extended.edit_config() as config:
        config["figures"] = [*FIGURES, "spread"]
    assert extended.jobs() == ADDED
    outcome = extended.run("--show-failed-logs")
    assert outcome.code == 0, outcome.text
    assert extended.jobs() == set()
    spread = pd.read_csv(extended.folder / "results/tiny/tables/spread.csv")
    perplexity = pd.read_csv(extended.folder / "results/tiny/tables/perplexity.csv")
    most = perplexity.groupby(["method", "sparsity"])["ratio_to_dense"].max()
    found = spread.set_index(["method", "sparsity"])["most"]
    pd.testing.assert_series_equal(found.sort_index(), most.sort_index(), check_names=False)
    with Image.open(extended.folder / PICTURE) as image:
        assert min(image.size) > 100
    caption = extended.folder / f"results/tiny/captions/spread-{MODEL}.rst"
    assert f"{found.max():.3f} times" in caption.read_text()
    extended.replace(FIGURE, "Range over languages of", "Range over all languages of")
    assert extended.jobs() == {DRAWN, "all"}


def test_a_standard_figure_needs_no_line_in_the_config(extended: Workflow):
    extended.replace(FIGURE, "STANDARD = False", "STANDARD = True")
    assert extended.jobs() == ADDED


def test_a_standard_table_is_made_without_a_figure(extended: Workflow):
    (extended.folder / FIGURE).unlink()
    table = f"{LIBRARY}/tables/spread.py"
    extended.replace(table, "STANDARD = False", "STANDARD = True")
    assert extended.jobs() == {TABULATED, "join_tables spread", "all"}


def test_a_figure_of_another_name_is_refused_with_the_nearest(extended: Workflow):
    with extended.edit_config() as config:
        config["figures"] = ["spred"]
    outcome = extended.run("--dry-run")
    assert outcome.code != 0
    assert outcome.lines_with("figures: unknown figure 'spred'", "did you mean 'spread'?")


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ('("perplexity",)', '("perplexty",)', "READS: unknown word 'perplexty'"),
        ('TITLE = "Spread over languages"\n', "", "TITLE is missing, or is no literal"),
    ],
)
def test_a_table_that_does_not_say_what_it_must_is_one_line(fresh, old, new, line):
    table = fresh.folder / f"{LIBRARY}/tables/spread.py"
    table.write_text(EXAMPLES[f"{LIBRARY}/tables/spread.py"].replace(old, new))
    outcome = fresh.run("--dry-run")
    assert outcome.code != 0
    assert outcome.lines_with("error in the config: tables/spread.py: ", line)
    assert "Traceback" not in outcome.text


def test_a_norm_is_a_file_a_class_and_a_method_that_names_it(project: Workflow):
    norm, keys = f"{LIBRARY}/pruning/norms/largest.py", f"{LIBRARY}/experiment/settings/norms.py"
    page = (ROOT / "docs/scores_and_norms.md").read_text(encoding="utf-8")
    (options,) = re.findall(r"```python\n(class .*?)```", page, re.DOTALL)
    (union,) = re.findall(r"`(Pooled [\w| ]+)`", page)
    (project.folder / norm).write_text(METHODS[norm], encoding="utf-8")
    project.replace(keys, "Norm = Annotated[\n", f"{options}\n\nNorm = Annotated[\n")
    project.replace(keys, union.removesuffix(" | Largest"), union)
    assert project.jobs() == set()
    with project.edit_config() as config:
        config["methods"]["largest"] = {
            "score": "wanda", "norm": {"kind": "largest"}, "sparsities": [0.5],
        }  # fmt: skip
    new = {"largest 0.5"}
    expected = masks(new) | evaluations(new) | tables("perplexity", "allocation") | figures()
    assert project.jobs() == expected
    mask = f"results/tiny/{MODEL}/seed0/masks/largest/0.5.json"
    outcome = project.run("--show-failed-logs", mask)
    assert outcome.code == 0, outcome.text
    made, wanda = (
        json.loads((project.folder / mask.replace("largest", name)).read_text())
        for name in ("largest", "wanda")
    )
    assert made["pruned"] != wanda["pruned"]


def test_a_score_is_a_file_and_a_method_that_names_it(project: Workflow):
    score = f"{LIBRARY}/pruning/scores/power.py"
    (project.folder / score).write_text(METHODS[score], encoding="utf-8")
    assert project.jobs() == set()
    with project.edit_config() as config:
        config["methods"] |= {
            "root": {"score": "power", "sparsities": [0.5]},
            "whole": {"score": "power", "power": 1, "sparsities": [0.5]},
        }
    new = {"root 0.5", "whole 0.5"}
    expected = masks(new) | evaluations(new) | tables("perplexity", "allocation") | figures()
    assert project.jobs() == expected
    table = "results/tiny/tables/perplexity.csv"
    outcome = project.run("--show-failed-logs", table)
    assert outcome.code == 0, outcome.text
    perplexity = pd.read_csv(project.folder / table)
    at = perplexity[perplexity["sparsity"] == 0.5].pivot(
        index="language", columns="method", values="perplexity"
    )
    assert at["whole"].equals(at["wanda"])  # the power 1 is Wanda's score
    assert not at["root"].equals(at["wanda"])
    with project.edit_config() as config:
        config["methods"]["root"]["powr"] = 2
    outcome = project.run("--dry-run")
    assert outcome.lines_with("methods.root: unknown key 'powr'", "did you mean 'power'?")
