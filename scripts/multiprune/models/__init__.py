"""A model folder: its architecture, weights read one by one, loading, tokenizer.

reads   <resources>/models/{model}/
Imports `files`.
"""
