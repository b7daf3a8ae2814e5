"""Figures, one file each with its caption.

A figure is a module that defines TABLES, the tables of a model that it is drawn from. `STANDARD` is
True for a figure that is drawn where the config names none. TITLE is what the report calls it,
PLACE its place in the menu. All are literals, which are read
without importing the module. `draw(tables, grid)` gives the figure, `caption(tables, grid, model)`
the reStructuredText below it. No figure imports another one: what they share is in a file without
TABLES.

Reads tables. Writes `<results>/figures/` and `captions/`.
Imports `claims`, `evaluation` and what is above it.
"""
