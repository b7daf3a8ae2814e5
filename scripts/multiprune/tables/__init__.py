"""Stage 6: records, masks and statistics -> tidy tables, one file a table.

A table is a module that defines COLUMNS. READS says what its job reads: `perplexity`, `downstream`,
`examples` (records), `masks`, `sweep`, `statistics` (of the calibration languages),
`all_statistics` (of every calibration set), `claims` (the file of claims) and `table:NAME` (another
table of the same model, None where it is not made). STANDARD is True for a table of every
experiment that can fill it; others are made where a figure reads them. TITLE is what the report
calls it, PLACE its place in the menu. NEEDS, where it is there, says what a config must have.
ON_PAGE, where it is there, lists the columns that the report shows. CAPTION explains the columns in
the report, as reStructuredText. All of these are literals, which are read without importing the
module. `tabulate(results, model, grid)` makes the table.

Reads what the stages before wrote. Writes `<results>/tables/`.
Imports `claims`, `uncertainty`, `evaluation` and what is above it.
"""
