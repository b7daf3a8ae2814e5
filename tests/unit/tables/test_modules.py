"""What every table is: a file with literal constants, which its job and the report read."""

import inspect
import re

import pytest
from docutils.core import publish_parts

from multiprune.evaluation.consistency import chance_consistency
from multiprune.experiment.grid import OTHER_TABLE
from multiprune.experiment.table_grids import NEEDS, VIEWS
from multiprune.registry import constants, find
from unit.columns import COLUMNS


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_says_what_it_is(name):
    table = constants("tables", name)
    assert table["COLUMNS"][0] == "model"
    assert len(set(table["COLUMNS"])) == len(table["COLUMNS"])
    assert isinstance(table["STANDARD"], bool)
    assert len(table["TITLE"]) < 40
    assert isinstance(table["PLACE"], int)
    assert table.get("NEEDS", next(iter(NEEDS))) in NEEDS
    others = {what for what in table["READS"] if what.startswith(OTHER_TABLE)}
    assert {what.removeprefix(OTHER_TABLE) for what in others} <= COLUMNS.keys() - {name}
    assert set(table["READS"]) - others <= VIEWS.keys() | {"claims"}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_table_is_made_from_results_model_and_grid(name):
    module = find("tables", name, having="COLUMNS")
    given = list(inspect.signature(module.tabulate).parameters.values())
    assert [parameter.name for parameter in given[:3]] == ["results", "model", "grid"]
    reads = {what.removeprefix(OTHER_TABLE) for what in module.READS}
    further = {parameter.name for parameter in given[3:] if parameter.default is parameter.empty}
    assert further <= reads


@pytest.mark.parametrize("name", COLUMNS)
def test_captions_explain_every_column(name):
    text = constants("tables", name)["CAPTION"]
    publish_parts(text, writer="html", settings_overrides={"halt_level": 2, "report_level": 2})
    explained = {
        word for words in re.findall(r"\*\*(.+?)\*\*", text, re.S) for word in words.split(", ")
    }
    assert set(COLUMNS[name]) - {"model", "method", "sparsity", "seed"} <= explained


def test_the_caption_states_the_chance_of_rankc():
    text = " ".join(constants("tables", "consistency")["CAPTION"].split())
    for choices, word in ((2, "two choices"), (3, "three"), (4, "four")):
        assert f"{chance_consistency(choices):.2f} with {word}" in text
