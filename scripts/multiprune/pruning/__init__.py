"""Stage 4: scores, norms, allocations, masks.

reads   weights, statistics
writes  <results>/{model}/seed{seed}/masks/, weights/
Imports `statistics` and what is below it.
"""
