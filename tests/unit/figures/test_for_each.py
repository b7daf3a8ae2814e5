"""Figures of a method that has some languages only, each under a model of its own."""

import matplotlib
import pandas as pd
import pytest
from docutils.core import publish_parts

from multiprune.experiment.grid import Grid
from multiprune.figures import language_panels, perplexity_by_language, ratio_to_baseline, style
from multiprune.figures.labels import labelled
from multiprune.files.json import write_json
from multiprune.files.tables import read_table, write_table
from multiprune.tables import allocation, consistency, downstream, perplexity, summary
from unit.columns import COLUMNS
from unit.figures.every import FIGURES
from unit.tables.downstream_data import grid_of, write_plausible
from unit.tables.perplexity_data import write_record

MADE = {
    "perplexity": perplexity, "summary": summary, "downstream": downstream,
    "consistency": consistency, "allocation": allocation,
}  # fmt: skip
DRAWN = {name: figure for name, figure in FIGURES.items() if set(figure.TABLES) <= set(MADE)}
MEMBERS = {"en": "m-wanda-en", "sw": "m-wanda-sw"}
TASKS = {"belebele": ["en", "fr", "sw"], "xwinograd": ["en", "fr"]}


def grid() -> Grid:
    """m-wanda, which some figures draw beside wanda, is pruned for en and for sw."""
    found = grid_of(TASKS, ["wanda", "owl", "m-wanda"], sparsities=("0.3", "0.5"), length=20)
    whole = found.methods["m-wanda"]
    for language, member in MEMBERS.items():
        own = {"calibration": [language], "member_of": "m-wanda", "allocation": "owl"}
        found.methods[member] = whole | own
    for language, family in (("en", "ine"), ("fr", "ine"), ("sw", "nic")):
        found.languages[language]["family"] = family
    whole |= {"calibration": sorted(MEMBERS), "members": MEMBERS, "allocation": "owl"}
    found.labels["m-wanda"] = "Own"
    found.labels.update({member: f"Own, {language}" for language, member in MEMBERS.items()})
    return found


@pytest.fixture(scope="module")
def drawn_from(tmp_path_factory) -> tuple[dict[str, pd.DataFrame], Grid]:
    """Tables made of the records that there would be, read from files, and the grid."""
    folder, one = tmp_path_factory.mktemp("each"), grid()
    write_plausible(folder, one, 20)
    answers = folder / "m/seed0/downstream"
    for member in MEMBERS.values():
        for sparsity in ("0.3", "0.5"):
            (answers / member).mkdir(exist_ok=True)
            (answers / member / sparsity).symlink_to(answers / "m-wanda" / sparsity)
    for method, settings in one.methods.items():
        for sparsity in settings["sparsities"]:
            for place, language in enumerate(one.languages_of(method, one.languages)):
                loss = 2 + place + float(sparsity) * (1 + 0.1 * len(method))
                if not one.is_whole(method):
                    write_record(folder, method, sparsity, 0, language, loss)
    for method, sparsity, seed in one.pruned():
        blocks = [
            {"block": block, "parameters": 4, "target": share, "importance": 1, "sparsity": share}
            for block, share in enumerate((float(sparsity) - 0.1, float(sparsity) + 0.1))
        ]
        write_json(folder / f"m/seed{seed}/masks/{method}/{sparsity}.json", {"blocks": blocks})
    return {name: _read(folder, name, module, one) for name, module in MADE.items()}, one


def _read(folder, name, module, one):
    write_table(folder / f"{name}.csv", module.tabulate(folder, "m", one))
    return read_table(folder / f"{name}.csv", COLUMNS[name])


@pytest.mark.parametrize("name", DRAWN)
def test_every_figure_is_drawn_and_described(drawn_from, name):
    tables, one = labelled(*drawn_from)
    figure = DRAWN[name].draw(tables, one)
    figure.draw_without_rendering()
    said = " ".join(text.get_text() for text in figure.findobj(matplotlib.text.Text))
    caption = DRAWN[name].caption(tables, one, "m")
    publish_parts(caption, settings_overrides={"halt_level": 2, "report_level": 5})
    assert "nan" not in f"{said} {caption}".split()
    if name == "sparsity_by_block":
        assert "Own, sw" in f"{said} {caption}"
    elif name == "increase_by_language":
        assert "Own" not in f"{said} {caption}"  # the baseline alone is shown
    elif name == "method_comparison":
        assert "Own" not in said
        assert "Left out, for having languages of their own: Own." in caption
    else:
        assert "Pruned for each of some languages, a model each: Own (2 languages)." in caption
        assert "Own" in f"{said} {caption}"
        assert "Own, en" not in said


def test_a_line_for_each_of_its_languages(drawn_from):
    tables, one = labelled(*drawn_from)
    figure = perplexity_by_language.draw(tables, one)
    lines = {axes.get_title(): len(axes.lines) for axes in figure.axes}
    assert lines == {"wanda": 3, "owl": 3, "Own": 2}


def test_a_cell_for_each_of_its_languages(drawn_from):
    tables, one = labelled(*drawn_from)
    cells = ratio_to_baseline.select(tables["perplexity"], one)
    assert set(cells.loc[cells["method"] == "Own", "language"]) == {"en", "sw"}
    said = ratio_to_baseline.caption(tables, one, "m")
    assert "of 2 languages" in said


def test_a_mark_for_each_of_its_languages(drawn_from):
    tables, one = labelled(*drawn_from)
    rows = DRAWN["downstream_by_language"].select(tables["downstream"], one.confidence)
    here = language_panels.with_dense(rows)
    own = here[(here["method"] == "Own") & (here["task"] == "xwinograd")]
    assert set(own["language"]) == {"en"}  # the task has no Swahili


def test_members_take_no_colour_of_other_methods():
    one = grid()
    with_members = style.method_colours(one)
    for member in MEMBERS.values():
        del one.methods[member]
    alone = style.method_colours(one)
    assert {method: with_members[method] for method in alone} == alone
