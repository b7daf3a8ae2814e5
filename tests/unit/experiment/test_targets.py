import pytest

from multiprune.errors import InputError
from multiprune.experiment.plan import Plan
from multiprune.experiment.targets import check_targets, files
from multiprune.experiment.validation import validate
from unit.experiment.data import changed

RULES = {"all": False, "tables": False, "perplexity": False, "prune_model": True}
PLAN = Plan(validate(changed()))
RUN = "results/x/tiny/seed0"


def said(target: str) -> str:
    with pytest.raises(InputError) as error:
        check_targets(PLAN, [target], RULES, set(files(PLAN)).__contains__)
    return str(error.value)


@pytest.fixture(autouse=True)
def experiment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PLAN, "folder", "results/x")


@pytest.mark.parametrize(
    ("target", "parts"),
    [
        ("perplexty", ["unknown target", "all, perplexity, tables", "did you mean 'perplexity'?"]),
        ("prune_model", ["makes one file of many", "all, perplexity, tables"]),
        ("mine.yaml", ["no target", "--configfile"]),
        ("results/x/report.html", ["--report results/x/report.html"]),
        ("results/y/tables/claims.md", ["'y'", "--configfile"]),
        (
            "results/x/figures/ratio_to_base-tiny.png",
            ["figure", "did you mean 'ratio_to_baseline'?"],
        ),
        ("results/x/figures/ratio_to_baseline-tyny.png", ["model", "did you mean 'tiny'?"]),
        ("results/x/figures/ratio_to_baseline-tiny.svg", ["ending 'svg'", "pdf, png"]),
        ("results/x/tables/sumary.csv", ["below results/x/tables/", "did you mean 'summary.csv'?"]),
        (f"{RUN}/masks/wandaa/0.5.safetensors", [f"below {RUN}/masks/", "did you mean 'wanda'?"]),
        (f"{RUN}/perplexity/wanda/0.5/enn.json", ["did you mean 'en.json'?"]),
        (f"{RUN}/masks", ["is a folder"]),
    ],
)
def test_a_target_that_nothing_makes_is_told_from_those_that_are_made(target, parts):
    line = said(target)
    assert [part for part in parts if part not in line] == [], line
    assert "\n" not in line


def test_of_many_names_the_nearest_are_listed():
    many = {f"languages/l{number}": {"corpus": "words", "role": "unseen"} for number in range(60)}
    plan = Plan(validate(changed(*many.items())))
    target = f"{plan.folder}/tiny/seed0/perplexity/wanda/0.5/l599.json"
    with pytest.raises(InputError) as error:
        check_targets(plan, [target], RULES, lambda _path: False)
    number = len(plan.languages)
    assert f"allowed are {number}, such as l59.json" in str(error.value)
    assert len(str(error.value)) < 300


def test_what_is_made_may_be_asked_for():
    check_targets(PLAN, ["tables", *files(PLAN)], RULES, set(files(PLAN)).__contains__)
