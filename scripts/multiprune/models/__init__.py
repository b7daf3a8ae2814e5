"""A model folder: its architecture, weights read one by one, loading, tokenizer.

Reads `<resources>/models/{model}/`.
Imports `files`.
"""
