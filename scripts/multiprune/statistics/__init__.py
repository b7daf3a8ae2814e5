"""Stage 3: additive activation statistics, and how alike languages are by them.

reads   windows, the model
writes  <results>/{model}/seed{seed}/statistics/
Imports `calibration` and what is below it.
"""
