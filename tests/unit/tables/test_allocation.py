"""What the records of masks say of each block."""

import pytest

from multiprune.errors import InputError
from multiprune.files.json import write_json
from multiprune.tables.allocation import COLUMNS, tabulate
from unit.tables.perplexity_data import METHODS, grid_of


def test_allocation_rows_come_from_the_masks(tmp_path):
    blocks = [
        {"block": 0, "parameters": 8, "pruned": 3, "sparsity": 0.375, "target": 0.4,
         "importance": 0.7},
        {"block": 1, "parameters": 8, "pruned": 4, "sparsity": 0.5, "target": 0.6,
         "importance": None},
    ]  # fmt: skip
    path = tmp_path / "m/seed0/masks/magnitude/0.5.json"
    write_json(path, {"blocks": blocks})
    methods = {name: METHODS[name] for name in ("dense", "magnitude")}
    table = tabulate(tmp_path, "m", grid_of(methods=methods))
    assert list(table.columns) == COLUMNS
    assert table[["block", "target", "achieved"]].values.tolist() == [
        [0, 0.4, 0.375],
        [1, 0.6, 0.5],
    ]
    assert table["importance"].isna().tolist() == [False, True]
    write_json(path, {"blocks": "?"})
    with pytest.raises(InputError, match="set aside as"):
        tabulate(tmp_path, "m", grid_of(methods=methods))


def test_allocation_rows_of_moved_weights_come_from_their_own_folder(tmp_path):
    block = {"block": 3, "parameters": 8, "sparsity": 0.25, "target": 0.3, "importance": 1.0}
    write_json(tmp_path / "m/seed1/weights/sparsegpt/0.3.json", {"blocks": [block]})
    own = {"seeds": [1], "sparsities": ["0.3"], "artefact": "weights"}
    methods = {"dense": METHODS["dense"], "sparsegpt": own}
    table = tabulate(tmp_path, "m", grid_of(methods=methods))
    assert table[["method", "seed", "block", "achieved"]].values.tolist() == [
        ["sparsegpt", 1, 3, 0.25]
    ]
