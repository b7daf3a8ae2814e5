"""Stage 2: windows of tokens, demonstrations.

Reads `<resources>/corpora/` and the tokenizer. Writes `<results>/{model}/seed{seed}/calibration/`.
Imports `fetch` and what is above it.
"""
