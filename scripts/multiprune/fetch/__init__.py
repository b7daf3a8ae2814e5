"""Stage 1: models, corpora and task data, the only stage that touches the network.

Writes `<resources>/models/`, `corpora/` and `tasks/`.
Imports `experiment` and what is above it.
"""
