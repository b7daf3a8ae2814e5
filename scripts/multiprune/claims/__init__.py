"""What the papers say, measured: definitions, measurements, verdicts, documents.

Imports `uncertainty`, `evaluation` and what is above it.
"""
