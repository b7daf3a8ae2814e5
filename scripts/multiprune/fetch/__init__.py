"""Stage 1: models, corpora and task data, the only stage that touches the network.

writes  <resources>/models/, corpora/, tasks/
Imports `files`, `models`, `experiment`.
"""
