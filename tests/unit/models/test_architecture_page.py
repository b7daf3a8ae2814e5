import re
from pathlib import Path

from tiny_architectures import ARCHITECTURES as TINY

from multiprune.models.architecture_page import MODELS, render
from multiprune.models.architectures import ARCHITECTURES

PAGE = Path(__file__).parents[3] / "docs" / "architectures.md"


def rows() -> dict[str, list[str]]:
    """Cells behind the model type of each row."""
    lines = [line for line in render().splitlines() if line.startswith("| `")][1:]
    cells = [[cell.strip() for cell in re.split(r"\|", line)[1:-1]] for line in lines]
    return {first.strip("`"): rest for first, *rest in cells}


def test_the_page_is_not_stale():
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make docs`"


def test_every_architecture_has_a_row_of_its_own():
    assert list(rows()) == list(ARCHITECTURES) == sorted(MODELS)
    assert all(len(cells) == 4 and cells[0] for cells in rows().values())


def test_blocks_are_where_the_classes_have_them():
    for name, cells in rows().items():
        assert cells[1] == f"`{TINY[name].blocks}`"
        assert cells[2] == (f"`{TINY[name].stored}`" if TINY[name].stored else "")


def test_rows_by_hand():
    found = rows()
    assert found["llama"][1:] == ["`model.layers`", "", ""]
    assert found["gpt2"][3] == "weights stored as inputs x outputs"
    assert found["gemma3"][1:] == [
        "`model.language_model.layers`",
        "`language_model.model.layers`",
        "vision tower; text model `gemma3_text`; not in float16: it overflows",
    ]
