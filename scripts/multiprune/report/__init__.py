"""What the report's first page says: results in words, the headline figure, and their origin.

`findings` needs the summary table, and is what a job writes. `opening` and `origin` run while the
report is written, in the process of Snakemake itself: they import no pandas.

Reads tables, figures, records, benchmarks. Writes `<results>/captions/findings.rst`.
Imports `files` and `experiment`.
"""
