"""Stage 3: additive activation statistics, and how alike languages are by them.

Reads windows and the model. Writes `<results>/{model}/seed{seed}/statistics/`.
Imports `calibration` and what is above it.
"""
