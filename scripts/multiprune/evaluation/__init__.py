"""Stage 5: perplexity, downstream tasks, constants chosen on validation text; readers of these.

Reads masks, texts and tasks. Writes `<results>/{model}/seed{seed}/perplexity/`, `downstream/` and
`sweep/`.
Imports `pruning` and what is above it, and `uncertainty`.
"""
