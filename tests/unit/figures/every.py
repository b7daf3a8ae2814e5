"""Every figure by its name."""

from multiprune.registry import find, names

FIGURES = {name: find("figures", name) for name in names("figures", having="TABLES")}
