"""What the papers say, measured: definitions, measurements, verdicts, documents.

Imports `tables` and what is below it.
"""
