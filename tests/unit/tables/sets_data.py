"""A grid of calibration sets, for the tables that compare them."""

from copy import deepcopy

from multiprune.experiment.grid import Grid


def grid_of(sets, seeds=(0,)) -> Grid:
    content = {
        "seeds": list(seeds),
        "languages": {},
        "methods": {"dense": {"seeds": [seeds[0]], "sparsities": ["0"], "calibration": []}},
        "calibration_sets": list(sets),
    }
    return Grid.of(deepcopy(content))
