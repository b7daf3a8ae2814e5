"""The form for whoever has the paper: blank it is refused, filled in it confirms the constants."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from multiprune.errors import InputError
from multiprune.experiment.deviations import render
from multiprune.experiment.grid import OURS, PUBLISHED
from multiprune.experiment.method_facts import facts
from multiprune.experiment.reading import load
from multiprune.experiment.validation import validate

ROOT = Path(__file__).parents[3]
PAPER, FORM = ROOT / "config/paper.yaml", ROOT / "config/m-wanda-from-the-paper.yaml"
FILLED = {
    " of: #": " of: mean_abs #",
    "dispersion: #": "dispersion: variance #",
    "activation_on: #": "activation_on: added #",
    "activation_relative: #": "activation_relative: true #",
    "correlation_of: #": "correlation_of: norms #",
    "dispersion_weight:": "dispersion_weight: 0.1",
    "activation_weight: #": "activation_weight: 0.5 #",
    "activation_threshold:": "activation_threshold: 2.0",
    "direction: #": "direction: keep_specific #",
    "strength: #": "strength: 0.1 #",
    "samples: #": "samples: 64 #",
    "length: #": "length: 1024 #",
    "start_token: #": "start_token: read #",
    "dataset: #": "dataset: a/b #",
    "files: #": 'files: "{text}/*.json.gz" #',
    "sparsities: #": "sparsities: [0.5, 0.6] #",
    "seeds: #": "seeds: [0, 1, 2] #",
    "{length: }": "{length: 1024}",
}


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    text = FORM.read_text(encoding="utf-8")
    head, sources = text.split("\nsources:\n")
    for blank, value in FILLED.items():
        assert head.count(blank) == 1, blank
        head = head.replace(blank, value)
    path = tmp_path / "filled.yaml"
    path.write_text(f"{head}\nsources:\n{sources.replace('page: }', 'page: 4}')}", encoding="utf-8")
    return path


def test_blank_it_is_refused_in_one_line_that_says_where_to_look():
    with pytest.raises(InputError) as error:
        validate(load([PAPER, FORM]))
    line = str(error.value)
    assert line.startswith(
        "still blank: methods.m-wanda.norm.dispersion (Choenni & Titov 2025, the section that "
        "states the score); methods.m-wanda.norm.dispersion_weight (Choenni"
    )
    assert "; seeds (" in line
    assert line.endswith("; fill them in, or delete their lines")
    assert "\n" not in line


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("      strength: 0.1 #", "methods.m-wanda.allocation.strength ("),
        ("seeds: [0, 1, 2] #", "seeds ("),
        ("page: 4}", "the page of methods.m-wanda.norm.dispersion ("),
    ],
)
def test_one_blank_is_enough(filled, line, named):
    text = filled.read_text(encoding="utf-8")
    blank = line.split(":")[0] + ":" + (" }" if line.endswith("}") else " #")
    filled.write_text(text.replace(line, blank, 1), encoding="utf-8")
    with pytest.raises(InputError, match=r"^still blank: ") as error:
        validate(load([PAPER, filled]))
    assert named in str(error.value)


def test_a_line_that_is_deleted_is_no_blank(filled):
    kept = [
        line
        for line in filled.read_text(encoding="utf-8").splitlines()
        if "activation_threshold" not in line
    ]
    filled.write_text("\n".join(kept), encoding="utf-8")
    validate(load([PAPER, filled]))


def test_filled_in_it_confirms_the_constants(filled):
    before, after = load([PAPER]), load([PAPER, filled])
    experiment = validate(after)
    norm = experiment.methods["m-ria"].norm
    assert (norm.dispersion, norm.dispersion_weight, norm.activation_threshold) == (
        "variance",
        0.1,
        2,
    )
    assert experiment.seeds == [0, 1, 2]
    assert facts(validate(before))["m-wanda"]["constants"] == OURS
    for name in ("m-wanda", "m-ria", "m-wanda-sequential"):
        assert facts(experiment)[name]["constants"] == PUBLISHED, name
    old, new = render(before, "paper.yaml"), render(after, "both")
    row = "| `methods.m-wanda.norm.dispersion_weight` | "
    assert old.index(row) < old.index("## Confirmed")
    assert new.index(
        f"{row}`0.1` | Choenni & Titov 2025, the section that states the score, page 4 |"
    ) > (new.index("## Confirmed"))


def test_the_page_of_both_is_written_as_the_form_says(filled, tmp_path):
    page = tmp_path / "DEVIATIONS.md"
    command = ["scripts/document_config.py", "--config", PAPER, filled, "--deviations", page]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, timeout=120)
    assert page.read_text(encoding="utf-8").startswith("# What is confirmed and what is not")
    assert "page 4" in page.read_text(encoding="utf-8")


def test_the_form_is_yaml_and_names_no_constant_twice():
    assert set(yaml.safe_load(FORM.read_text(encoding="utf-8"))) == {
        "methods", "corpora", "calibration", "sparsities", "seeds", "evaluation", "sources",
    }  # fmt: skip
