"""The report's menu: titles behind numbers that sort as text."""

from types import SimpleNamespace

from tiny import small_config

from multiprune.experiment.options import Options
from multiprune.experiment.table_grids import possible_figures
from multiprune.experiment.validation import validate


def entries(**changes) -> list[str]:
    config = small_config() | changes
    options = Options(validate(config))
    figures = changes.get("figures") or ["method_comparison", "claims_forest", "feature_overlap"]
    return [options.menu_of_figure(SimpleNamespace(figure=name))["figure"] for name in figures]


def test_figures_are_numbered_by_their_place_among_those_that_are_drawn():
    assert entries() == ["1 Methods compared", "8 Claims and verdicts", "7 Overlap of features"]
    assert entries(figures=["claims_forest", "method_comparison"]) == [
        "2 Claims and verdicts",
        "1 Methods compared",
    ]


def test_tables_are_numbered_too():
    options = Options(validate(small_config()))
    assert options.menu_of_table(SimpleNamespace(table="summary")) == {
        "table": "1 Methods compared"
    }


def test_two_digits_sort_behind_one():
    said = entries(figures=sorted(possible_figures(validate(small_config()))))
    assert len(said) > 9
    assert sum(entry.startswith("\u2007") for entry in said) == 9
    numbers = [int(entry.split()[0].strip("\u2007")) for entry in sorted(said, key=as_browsers)]
    assert numbers == list(range(1, len(said) + 1))


def as_browsers(entry: str) -> str:
    """Spaces of any width stand before digits, as in the collation of Unicode."""
    return entry.replace("\u2007", " ")
