"""Parallel text, pairs, the contrast set and downstream tasks of a config."""

import copy
import json
from types import SimpleNamespace

import pytest

from multiprune.errors import InputError
from multiprune.experiment import (
    downloads as definitions,
)
from multiprune.experiment import (
    downstream as downstream_config,
)
from multiprune.experiment import (
    harness_tasks,
    methods,
    table_grids,
)
from multiprune.experiment.modules import Modules
from multiprune.experiment.options import Options
from multiprune.experiment.plan import Plan
from multiprune.experiment.validation import validate
from multiprune.files.hashes import sha256_file
from multiprune.files.json import canonical

BASE = {
    "experiment": "parallel",
    "models": {"tiny": {"kind": "local", "folder": "inputs/model"}},
    "corpora": {
        "words": {"kind": "text", "folder": "inputs/texts"},
        "pairs": {"kind": "udhr"},
        "python": {"kind": "python_library"},
    },
    "languages": {
        "de": {"corpus": "pairs", "text": "deu_1996", "role": "calibration"},
        "en": {"corpus": "words", "role": "calibration", "texts": {"pairs": "eng"}},
        "fr": {"corpus": "words", "role": "calibration"},
        "it": {"corpus": "words", "role": "unseen", "texts": {"pairs": "ita"}},
    },
    "calibration": {
        "demonstrations": {"corpus": "pairs"},
        "code": {"corpus": "python"},
    },
    "baseline": "wanda",
    "methods": {
        "magnitude": {"score": "magnitude"},
        "wanda": {"score": "wanda", "sparsities": [0.3, 0.5]},
        "pairs": {"score": "wanda", "calibration": ["en-de", "de-de"]},
        "contrast": {"score": "wanda", "calibration": ["en-de"], "norm": {"kind": "contrast"}},
    },
    "evaluation": {
        "downstream": {
            "reference": "en",
            "tasks": {
                "cloze": {"kind": "parallel_cloze", "corpus": "pairs"},
                "xnli": {"kind": "lm_eval"},
            },
            "methods": ["wanda", "pairs"],
            "sparsities": [0.5],
        }
    },
}


def changed(**values: object) -> dict:
    """BASE with entries set at paths whose parts are joined by two underscores."""
    config = copy.deepcopy(BASE)
    for path, value in values.items():
        *parents, last = path.split("__")
        entry = config
        for key in parents:
            entry = entry[key]
        if value is None:
            del entry[last]
        else:
            entry[last] = value
    return config


def test_sets_of_methods():
    config = validate(BASE)
    assert methods.calibration_sets(config, "pairs") == ["de-de", "en-de"]
    assert methods.calibration_sets(config, "wanda") == ["de", "en", "fr"]
    assert methods.contrast_sets(config, "contrast") == ["code"]
    assert methods.contrast_sets(config, "pairs") == []
    assert methods.all_calibration_sets(config) == ["de", "en", "fr", "code", "de-de", "en-de"]


def test_texts_are_those_that_are_used():
    assert definitions.texts(validate(BASE)) == [
        ("pairs", "de"),
        ("pairs", "en"),
        ("pairs", "it"),
        ("python", "code"),
        ("words", "en"),
        ("words", "fr"),
        ("words", "it"),
    ]


def test_a_language_has_its_own_code_in_each_corpus():
    config = validate(BASE)
    assert definitions.corpus_definition(config, "pairs", "en")["text"] == "eng"
    assert definitions.corpus_definition(config, "words", "en")["text"] == "en"
    assert definitions.text_file(config, "words", "en") == "inputs/texts/en.txt"
    assert definitions.text_file(config, "pairs", "en") == ""


def test_a_text_of_objects_counts_where_there_is_no_plain_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = validate(BASE)
    folder = tmp_path / "inputs/texts"
    folder.mkdir(parents=True)
    (folder / "en.jsonl").touch()
    assert definitions.text_file(config, "words", "en") == "inputs/texts/en.jsonl"
    (folder / "en.txt").touch()
    assert definitions.text_file(config, "words", "en") == "inputs/texts/en.txt"


def test_downstream_grid_names_what_is_missing():
    config = validate(BASE)
    found = table_grids.downstream_grid(config)["downstream"]
    assert found["tasks"]["cloze"] == {
        "kind": "parallel_cloze",
        "languages": ["de", "en", "it"],
        "missing": {"fr": "pairs has no text in fr"},
    }
    assert found["tasks"]["xnli"]["languages"] == ["de", "en", "fr"]
    assert list(found["tasks"]["xnli"]["missing"]) == ["it"]
    assert found["methods"] == {
        "dense": {"seeds": [0], "sparsities": ["0"]},
        "pairs": {"seeds": [0], "sparsities": ["0.5"]},
        "wanda": {"seeds": [0], "sparsities": ["0.5"]},
    }
    assert downstream_config.hub_tasks(config) == [("xnli", "de"), ("xnli", "en"), ("xnli", "fr")]


def test_sparsities_are_compared_as_they_stand_in_paths():
    third = {"methods__wanda__sparsities": [1 / 3], "methods__pairs__sparsities": [1 / 3]}
    config = validate(changed(**third, evaluation__downstream__sparsities=[0.333333]))
    methods = table_grids.downstream_grid(config)["downstream"]["methods"]
    assert methods["wanda"]["sparsities"] == methods["pairs"]["sparsities"] == ["0.333333"]


def test_downstream_languages_and_methods_default_to_all():
    config = validate(changed(evaluation__downstream__methods=None))
    downstream = config.evaluation.downstream
    assert downstream.languages == ["de", "en", "fr", "it"]
    assert downstream.methods == ["contrast", "magnitude", "pairs", "wanda"]


def test_a_config_without_downstream_has_none():
    config = validate(changed(evaluation={}))
    assert table_grids.downstream_grid(config)["downstream"] == {}
    assert downstream_config.hub_tasks(config) == []
    assert downstream_config.built_tasks(config) == {}


def test_the_order_of_the_lists_has_no_meaning():
    other = changed(evaluation__downstream__methods=["pairs", "wanda"])
    other["evaluation"]["downstream"]["tasks"] = dict(
        reversed(BASE["evaluation"]["downstream"]["tasks"].items())
    )
    views = [table_grids.downstream_grid(validate(config)) for config in (BASE, other)]
    assert canonical(views[0]) == canonical(views[1])


def test_an_edit_of_this_projects_yaml_asks_a_task_anew(tmp_path, monkeypatch):
    options = Options(validate(BASE))
    before = options.content_of_template("xnli_whole_prompt")
    assert before == sha256_file(harness_tasks.TEMPLATES / "xnli_whole_prompt.yaml")
    assert options.content_of_template("xnli") == options.content_of_template("cloze") == ""
    (tmp_path / "xnli_whole_prompt.yaml").write_text("task: other")
    monkeypatch.setattr(harness_tasks, "TEMPLATES", tmp_path)
    assert options.content_of_template("xnli_whole_prompt") != before


CHOICE = {"kind": "translation_choice", "corpus": "pairs"}


def test_the_language_that_is_translated_from_has_no_such_task():
    config = validate(changed(evaluation__downstream__tasks__choice=CHOICE))
    found = table_grids.downstream_grid(config)["downstream"]["tasks"]["choice"]
    assert found == {
        "kind": "translation_choice",
        "languages": ["de", "it"],
        "missing": {
            "en": "en is the language that is translated from",
            "fr": "pairs has no text in fr",
        },
    }
    assert list(downstream_config.built_tasks(config)) == ["cloze", "choice"]
    plan, options = Plan(config), Options(config)
    job = SimpleNamespace(task="choice", language="de")
    corpus = "<resources>/corpora/pairs"
    assert plan.task_pivot(job) == f"{corpus}/en/test.jsonl"
    assert plan.task_text(job) == f"{corpus}/de/test.jsonl"
    folder = "<results>/tasks/choice"
    assert plan.task_files("choice") == [f"{folder}/{code}/task.json" for code in ("de", "it")]
    records = [path for path in plan.all_downstream("tiny") if "/choice/" in path]
    assert len(records) == 2 * 3
    assert not [path for path in records if path.endswith("/en.json")]
    assert options.folder_of_task("choice")(job) == "results/parallel/tasks/choice"
    assert json.loads(options.settings_of_task(job)) == {
        "kind": "translation_choice", "items": 40, "longest_characters": 100,
    }  # fmt: skip
    assert Modules(config).of_task(job) == ["evaluation.tasks.translation_choice"]


def test_the_text_of_the_reference_is_fetched_for_a_task_that_it_does_not_have():
    tasks = {"evaluation__downstream__tasks": {"choice": CHOICE}}
    more = {"calibration__demonstrations": None, "methods__pairs": None, "methods__contrast": None}
    config = changed(**tasks, **more, evaluation__downstream__languages=["de"])
    config["evaluation"]["downstream"]["methods"] = ["wanda"]
    assert ("pairs", "en") in definitions.texts(validate(config))


ERRORS = {
    "languages.code: the name code is reserved": {
        "languages__code": {"corpus": "words", "role": "unseen"}
    },
    "languages.en.texts: unknown corpus 'pear'": {"languages__en__texts": {"pear": "eng"}},
    "calibration.demonstrations.corpus: unknown corpus 'pear'": {
        "calibration__demonstrations": {"corpus": "pear"}
    },
    "calibration.code.corpus: unknown corpus 'pear'": {"calibration__code": {"corpus": "pear"}},
    "methods.pairs.calibration: 'en-de' stands for demonstrations, but": {
        "calibration__demonstrations": None,
        "methods__pairs__calibration": ["en-de"],
    },
    "languages.fr.texts: has no code for the corpus pairs": {
        "methods__pairs__calibration": ["en-fr"]
    },
    "methods.pairs.calibration: 'it' has no statistics, since its role is unseen": {
        "methods__pairs__calibration": ["en-it"]
    },
    "methods.pairs.calibration: unknown language 'xx'": {"methods__pairs__calibration": ["en-xx"]},
    "methods.pairs.calibration: unknown language 'en-de-fr'": {
        "methods__pairs__calibration": ["en-de-fr"]
    },
    "methods.contrast.norm: contrast needs calibration.code": {"calibration__code": None},
    "evaluation.downstream.reference: unknown language 'xx'": {
        "evaluation__downstream__reference": "xx"
    },
    "evaluation.downstream.languages: unknown language 'xx'": {
        "evaluation__downstream__languages": ["en", "xx"]
    },
    "evaluation.downstream.methods: unknown method 'wonda'": {
        "evaluation__downstream__methods": ["wonda"]
    },
    "evaluation.downstream.sparsities: pairs has none of [0.3]": {
        "evaluation__downstream__sparsities": [0.3]
    },
    "evaluation.downstream.tasks: unknown task 'xnly'": {
        "evaluation__downstream__tasks": {"xnly": {"kind": "lm_eval"}}
    },
    "evaluation.downstream.tasks.choice.corpus: unknown corpus 'pear'": {
        "evaluation__downstream__tasks": {"choice": CHOICE | {"corpus": "pear"}}
    },
    "languages.fr.texts: has no code for the corpus pairs; add pairs: ...": {
        "evaluation__downstream__reference": "fr",
        "evaluation__downstream__tasks": {"choice": CHOICE},
    },
    "evaluation.downstream.tasks.choice: no language has it (en is the language that is "
    "translated from; pairs has no text in fr); add one that has, or leave the task out": {
        "evaluation__downstream__tasks": {"choice": CHOICE},
        "evaluation__downstream__languages": ["en", "fr"],
    },
    "evaluation.downstream.tasks.xcopa: no language has it (XCOPA has no en, only id it": {
        "evaluation__downstream__tasks": {"xcopa": {"kind": "lm_eval"}},
        "evaluation__downstream__languages": ["en"],
    },
    "evaluation.downstream.tasks.cloze.corpus: unknown corpus 'pear'": {
        "evaluation__downstream__tasks": {"cloze": {"kind": "parallel_cloze", "corpus": "pear"}}
    },
}


@pytest.mark.parametrize(("expected", "changes"), ERRORS.items(), ids=str)
def test_cross_references(expected, changes):
    with pytest.raises(InputError) as error:
        validate(changed(**changes))
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["perplexity", "candidate"])
def test_a_task_takes_no_name_of_a_rule(name):
    config = copy.deepcopy(BASE)
    tasks = {name: {"kind": "parallel_cloze", "corpus": "pairs"}}
    config["evaluation"] = {"downstream": {"reference": "en", "tasks": tasks}}
    with pytest.raises(InputError, match=f"tasks.{name}: evaluate_{name} is another rule"):
        validate(config)
