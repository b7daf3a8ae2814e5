"""Stage 6: records, masks and statistics -> tidy tables, one file a table.

reads   what the stages before wrote
writes  <results>/tables/
Imports `uncertainty`, `evaluation` and what is below it.
"""
