"""Figures, one file each with its caption.

reads   tables
writes  <results>/figures/, captions/
Imports `tables`, `claims`.
"""
