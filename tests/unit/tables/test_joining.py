"""Tables of several models below each other."""

import pytest

from multiprune.errors import InputError
from multiprune.files.tables import write_table
from multiprune.tables.correlation import COLUMNS
from multiprune.tables.joining import join


def test_join_keeps_order_and_bytes_and_refuses_other_columns(tmp_path):
    header = ",".join(COLUMNS)
    for model, value in (("b", "0.50"), ("a", "")):
        (tmp_path / model).mkdir()
        line = f"{model},0,1,up_proj,en,nan,{value}\n"
        (tmp_path / model / "correlation.csv").write_text(f"{header}\n{line}")
    write_table(tmp_path / "out.csv", join(tmp_path, ["b", "a"], "correlation"))
    assert (tmp_path / "out.csv").read_text() == (
        f"{header}\nb,0,1,up_proj,en,nan,0.50\na,0,1,up_proj,en,nan,\n"
    )
    (tmp_path / "a/correlation.csv").write_text("model,seed\n")
    with pytest.raises(InputError, match="columns model, seed; expected model, seed, block"):
        join(tmp_path, ["b", "a"], "correlation")
