"""Stage 2: windows of tokens, demonstrations.

reads   <resources>/corpora/, the tokenizer
writes  <results>/{model}/seed{seed}/calibration/
Imports `fetch` and what is below it.
"""
