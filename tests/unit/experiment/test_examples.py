"""Examples and labels in a config: what is filled in, refused, planned, and what reruns."""

import pytest
from tiny import small_config

from multiprune.errors import InputError
from multiprune.experiment import table_grids
from multiprune.experiment.examples import runs
from multiprune.experiment.methods import method_options
from multiprune.experiment.plan import Plan
from multiprune.experiment.validation import validate


def config_with(**examples) -> dict:
    config = small_config() | {"sparsities": [0.3, 0.5, 0.6]}
    config["methods"]["wanda"] = {"score": "wanda", "sparsities": [0.7]}
    return config | {"evaluation": {"examples": {"prompts": {"en": "All"}, **examples}}}


def test_the_middle_sparsity_is_taken_by_all_methods_that_have_it():
    experiment = validate(config_with())
    assert experiment.evaluation.examples.sparsity == 0.5
    assert runs(experiment) == [(0, "dense", "0"), (0, "magnitude", "0.5")]
    assert runs(validate(config_with(sparsity=0.7)))[1:] == [(0, "wanda", "0.7")]


def test_the_plan_has_a_record_a_model_and_the_table():
    plan = Plan(validate(config_with()))
    folder = "<results>/tiny/seed0/examples"
    assert plan.all_examples("tiny") == [f"{folder}/dense/0.json", f"{folder}/magnitude/0.5.json"]
    assert "examples" in plan.tables
    without = Plan(validate(small_config()))
    assert without.all_examples("tiny") == []
    assert "examples" not in without.tables


@pytest.mark.parametrize(
    ("examples", "said"),
    [
        ({"prompts": {"eng": "All"}}, "evaluation.examples.prompts: unknown language 'eng'"),
        ({"sparsity": 0.4}, "evaluation.examples.sparsity: found 0.4, allowed are 0.3, 0.5, 0.6"),
        ({"prompts": {"en": " "}}, "evaluation.examples.prompts.en"),
        ({"prompts": {"en": "a\nb"}}, "evaluation.examples.prompts.en"),
    ],
)
def test_what_leads_nowhere_is_refused(examples, said):
    with pytest.raises(InputError) as caught:
        validate(config_with(**examples))
    assert str(caught.value).startswith(said)


def labelled(label: str) -> dict:
    config = small_config()
    config["methods"]["wanda"] = {"score": "wanda", "label": label}
    return config


@pytest.mark.parametrize("label", ["magnitude", "dense"])
def test_a_label_is_no_other_methods_name(label):
    with pytest.raises(InputError, match=f"methods.wanda.label: found '{label}'"):
        validate(labelled(label))


@pytest.mark.parametrize("label", ["", " Wanda", "Wanda ", "a$b$", "a\\b", "a\nb", "x" * 41])
def test_a_label_is_short_text_without_formulas(label):
    with pytest.raises(InputError, match=r"methods\.wanda\.label"):
        validate(labelled(label))


def test_a_label_changes_what_figures_see_and_nothing_else():
    plain, named = validate(small_config()), validate(labelled("Wanda (ours)"))
    assert method_options(named, "wanda") == method_options(plain, "wanda")
    for table in table_grids.tables(named):
        same = table_grids.grid_of_table(plain, table)
        assert table_grids.grid_of_table(named, table) == same, table
    assert table_grids.figures_grid(named)["labels"] == {"wanda": "Wanda (ours)"}
    assert table_grids.figures_grid(named) != table_grids.figures_grid(plain)


def test_figures_do_not_depend_on_examples():
    with_examples = small_config() | {"evaluation": {"examples": {"prompts": {"en": "All"}}}}
    plain, asked = validate(small_config()), validate(with_examples)
    assert table_grids.figures_grid(asked) == table_grids.figures_grid(plain)
    assert table_grids.whole_grid(asked)["examples"]["languages"] == ["en"]
