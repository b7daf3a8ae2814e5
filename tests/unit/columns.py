"""Columns of every table, by its name."""

from multiprune.registry import constants, names

COLUMNS = {name: constants("tables", name)["COLUMNS"] for name in names("tables", having="COLUMNS")}
