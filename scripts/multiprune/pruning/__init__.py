"""Stage 4: scores, norms, allocations, masks.

Reads weights and statistics. Writes `<results>/{model}/seed{seed}/masks/` or `weights/`.
Imports `statistics` and what is above it.
"""
