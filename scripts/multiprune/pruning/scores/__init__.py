"""How important is weight (i, j)? One file a score; the lowest scores of a row are pruned.

Each has `score(weight, norm, **options)`: weight [rows, columns], norm [columns] -> like weight.
"""
