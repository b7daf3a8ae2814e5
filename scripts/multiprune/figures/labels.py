"""What figures call methods: the labels of the config in place of names.

Tables and the grid are renamed once, before a figure is drawn, so that no figure has to think of
labels. Order and relatives of a method follow its own name.
"""

from collections.abc import Mapping
from dataclasses import replace

import pandas as pd

from multiprune.experiment.grid import Grid

COLUMNS = ("method", "curve")  # of tables, that hold names of methods


def labelled(
    tables: Mapping[str, pd.DataFrame], grid: Grid
) -> tuple[dict[str, pd.DataFrame], Grid]:
    """The tables and the grid with each method under its label, where it has one."""
    if not grid.labels:
        return dict(tables), grid
    return {name: renamed(table, grid.labels) for name, table in tables.items()}, _of_grid(grid)


def renamed(table: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    """A table whose methods stand under their labels."""
    columns = [name for name in COLUMNS if name in table]
    return table.assign(
        **{name: [labels.get(cell, cell) for cell in table[name]] for name in columns}
    )


def own_name(method: str, grid: Grid) -> str:
    """The name in the config of what a figure calls a method."""
    return next((name for name, label in grid.labels.items() if label == method), method)


def relative(prefix: str, method: str, grid: Grid) -> str:
    """What a figure calls the method whose name is another one's behind a prefix."""
    name = f"{prefix}{own_name(method, grid)}"
    return grid.labels.get(name, name)


def _related(entry: dict, called: Mapping[str, str]) -> dict:
    """The members of a method, and the method that a member is of, by what figures call them."""
    found = {}
    if "members" in entry:
        members = entry["members"].items()
        found["members"] = {language: called.get(name, name) for language, name in members}
    if "member_of" in entry:
        found["member_of"] = called.get(entry["member_of"], entry["member_of"])
    return found


def _of_grid(grid: Grid) -> Grid:
    called = grid.labels
    methods = {
        called.get(name, name): entry
        | {"curve": called.get(entry.get("curve"), entry.get("curve"))}
        | _related(entry, called)
        for name, entry in grid.methods.items()
    }
    downstream = dict(grid.downstream)
    if "methods" in downstream:
        entries = downstream["methods"].items()
        downstream["methods"] = {called.get(name, name): entry for name, entry in entries}
    return replace(
        grid,
        methods=methods,
        baseline=called.get(grid.baseline, grid.baseline),
        downstream=downstream,
        choosing=[called.get(name, name) for name in grid.choosing],
    )
