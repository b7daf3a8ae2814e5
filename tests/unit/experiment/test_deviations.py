from pathlib import Path

import yaml

from multiprune.experiment.config import validate
from multiprune.experiment.deviations import render

CONFIG = Path(__file__).parents[3] / "config"


def test_the_page_is_not_stale():
    config = yaml.safe_load((CONFIG / "paper.yaml").read_text(encoding="utf-8"))
    validate(yaml.safe_load((CONFIG / "paper.yaml").read_text(encoding="utf-8")))
    page = (CONFIG / "DEVIATIONS.md").read_text(encoding="utf-8")
    assert page == render(config, "paper.yaml"), "run make docs"


def test_every_constant_of_m_wanda_has_a_source():
    config = yaml.safe_load((CONFIG / "paper.yaml").read_text(encoding="utf-8"))
    method = config["methods"]["m-wanda"]
    for axis, names in {
        "norm": ("dispersion", "dispersion_weight", "activation_weight"),
        "allocation": ("direction", "strength"),
    }.items():
        for name in names:
            assert name in method[axis]
            assert config["sources"][f"methods.m-wanda.{axis}.{name}"]["verified"] is False


def test_rows_by_hand():
    config = {
        "seeds": [0, 1],
        "methods": {"a": {"score": "wanda"}},
        "sources": {
            "seeds": {"verified": False, "source": "ours | not theirs"},
            "methods.a.score": {"verified": True, "source": "paper"},
        },
    }
    page = render(config, "x.yaml")
    assert "| `seeds` | `[0, 1]` | ours \\| not theirs |\n" in page
    assert "| `methods.a.score` | `wanda` | paper |\n" in page
    assert page.index("## Not confirmed") < page.index("`seeds`") < page.index("## Confirmed")
