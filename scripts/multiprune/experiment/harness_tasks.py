"""The hub's tasks that can be evaluated: their name for lm-eval 0.4.13, language by language.

Plain data, since the workflow is parsed in every job and lm-eval takes seconds to import.
"""

from dataclasses import dataclass
from pathlib import Path

from multiprune.errors import InputError
from multiprune.files.json import parse_json
from multiprune.registry import unknown_name

OWN = "multiprune"  # in place of a folder of lm-eval: this project's YAML, in TEMPLATES
TEMPLATES = Path(__file__).parents[1] / "fetch/tasks/harness"
# In a task.json, and in records of what is asked there: why the hub's task was left out.
MISSING = "missing"


@dataclass(frozen=True)
class TaskFamily:
    """One task in many languages.

    `folder` is where lm-eval keeps it below its own `tasks`, `{}` the language; `names` gives
    lm-eval's name for each language, and `id` the columns that tell which item a row is in every
    language: without them rows go by position. `parallel` says whether items and
    choices are translations of each other in one order: not in XWinograd, whose languages were
    collected separately, nor in LAMBADA, which has no choices. A choice is scored by the sum of its
    tokens' log-probabilities, with `per_token` by their mean. A task in the folder OWN has one YAML
    for all languages, and a config of the dataset is named as the language.
    """

    title: str
    folder: str
    names: dict[str, str]
    id: tuple[str, ...] = ()
    parallel: bool = True
    per_token: bool = False


def _named(pattern: str, codes: str) -> dict[str, str]:
    return {code: pattern.format(code) for code in codes.split()}


_XNLI = "ar bg de el en es fr hi ru sw th tr ur vi zh"
_BELEBELE = {
    "ar": "arb_Arab",
    "bg": "bul_Cyrl",
    "de": "deu_Latn",
    "el": "ell_Grek",
    "en": "eng_Latn",
    "es": "spa_Latn",
    "fr": "fra_Latn",
    "hi": "hin_Deva",
    "id": "ind_Latn",
    "it": "ita_Latn",
    "ja": "jpn_Jpan",
    "ko": "kor_Hang",
    "pt": "por_Latn",
    "ru": "rus_Cyrl",
    "sw": "swh_Latn",
    "th": "tha_Thai",
    "tr": "tur_Latn",
    "ur": "urd_Arab",
    "vi": "vie_Latn",
    "zh": "zho_Hans",
}

TASKS: dict[str, TaskFamily] = {
    "xnli": TaskFamily("XNLI", "xnli", _named("xnli_{}", _XNLI)),
    "xnli_whole_prompt": TaskFamily(
        "XNLI, whole prompts", OWN, _named("xnli_whole_prompt", _XNLI), per_token=True
    ),
    "xcopa": TaskFamily("XCOPA", "xcopa", _named("xcopa_{}", "id it sw th tr vi zh"), ("idx",)),
    "xstorycloze": TaskFamily(
        "XStoryCloze",
        "xstorycloze",
        _named("xstorycloze_{}", "ar en es hi id ru sw zh"),
        ("story_id",),
    ),
    "xwinograd": TaskFamily(
        "XWinograd",
        "xwinograd",
        {**_named("xwinograd_{}", "en fr pt ru zh"), "ja": "xwinograd_jp"},
        parallel=False,
    ),
    "pawsx": TaskFamily("PAWS-X", "paws-x", _named("paws_{}", "de en es fr ja ko zh"), ("id",)),
    "lambada": TaskFamily(
        "LAMBADA",
        "lambada_multilingual",
        _named("lambada_openai_mt_{}", "de en es fr it"),
        parallel=False,
    ),
    "global_mmlu": TaskFamily(
        "Global-MMLU Lite",
        "global_mmlu/default/{}",
        _named("global_mmlu_{}", "ar de en es fr hi id it ja ko pt sw zh"),
        ("sample_id",),
    ),
    "belebele": TaskFamily(
        "Belebele",
        "belebele",
        {code: f"belebele_{text}" for code, text in _BELEBELE.items()},
        ("link", "question_number"),
    ),
}


def task_family(task: str) -> TaskFamily:
    """The entry of a task; an unknown name is an InputError that lists the nearest."""
    if task not in TASKS:
        raise InputError(unknown_name("task", task, sorted(TASKS)))
    return TASKS[task]


def lm_eval_task(task: str, language: str) -> str | None:
    """lm-eval's name of a task in a language, None where it does not exist."""
    return task_family(task).names.get(language)


def harness_folder(task: str, language: str) -> str:
    """Where lm-eval keeps a task in a language, below its own `tasks`; OWN for this project's."""
    return task_family(task).folder.format(language)


def template(task: str) -> Path | None:
    """This project's YAML of a task; None where lm-eval has its own, and for tasks built here."""
    family = TASKS.get(task)
    return TEMPLATES / f"{task}.yaml" if family and family.folder == OWN else None


def is_left_out(task: Path) -> bool:
    """Whether a `task.json` stands there that says why the task was left out."""
    try:
        return MISSING in parse_json(task)[0]
    except (OSError, ValueError):
        return False


def missing_reason(task: str, language: str) -> str:
    """Why a (task, language) pair is left out; for a note in a table."""
    family = task_family(task)
    return f"{family.title} has no {language}, only {' '.join(sorted(family.names))}"
