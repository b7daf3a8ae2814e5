"""Configuration, wildcard constraints, and what all stages share; no rules here."""

import json
import os
import re
import shutil
import sys
from pathlib import Path

# Of this workflow, also where another one imports it as a module.
ROOT = Path(str(workflow.current_basedir)).parent
if not (ROOT / "scripts").is_dir():
    sys.exit(
        f"error: {ROOT}: jobs run scripts that have to lie on this machine; clone the repository and "
        "give the module the path of its Snakefile"
    )
sys.path.insert(0, str(ROOT / "scripts"))
# Without conda, jobs use the environment of Snakemake itself, whether it is activated or not.
os.environ.update(PATH=os.pathsep.join([str(Path(sys.executable).parent), *os.get_exec_path()]))

from multiprune.experiment import (
    reading as config_files,
    downloads as definitions,
    downstream as downstream_config,
    candidates as sweep,
    methods,
    table_grids,
)
from multiprune.jobs import code_digest as digest, slurm
from multiprune.fetch.known_models import check_known
from multiprune.files.hashes import sha256_json
from multiprune.files.json import canonical, read_json, write_json
from multiprune.claims.reading import read_claims
from multiprune.experiment.cost import estimate, window_tokens
from multiprune.errors import InputError
from multiprune.experiment.demands import demands
from multiprune.experiment.grid import CODE, DENSE, MASKS, WEIGHTS
from multiprune.files.manifests import other_definition
from multiprune.fetch.model_files import is_model_file
from multiprune.experiment.names import claims_file
from multiprune.experiment.validation import validate
from multiprune.fetch.revisions import RevisionLock
from multiprune.pruning.axes import modules_of
from multiprune.registry import constants

RESOURCES = "resources"  # downloads, shared by all experiments, and by clones
LINKS = ".resources"  # links to their files: what Snakemake knows of them, and may remove

if {"{", "}"} & set(str(ROOT)):
    sys.exit(f"error: {ROOT}: Snakemake takes {{ and }} for wildcards; rename the folder")

if not workflow.overwrite_configfiles:

    configfile: "config/demo.yaml"


def checked(config):
    """The experiment that the config describes; the first mistake ends the run with one line."""
    try:
        for path in workflow.configfiles if workflow.is_main_process else ():
            config_files.check_file(os.path.relpath(path))
        experiment = validate(config)
        table_grids.check_figures(experiment)
        if workflow.is_main_process:
            read_claims(claims_file(experiment))
        # Downloads are shared by experiments: a name never changes what it stands for.
        lock = RevisionLock(f"config/{experiment.experiment}.lock.yaml")
        for folder, definition in definitions.downloads(experiment).items():
            manifest = f"{RESOURCES}/{folder}/manifest.json"
            if difference := other_definition(manifest, definition):
                raise InputError(difference)
            lock.must_agree(folder, definition, manifest)
        if workflow.is_main_process:
            check_known(experiment, f"{RESOURCES}/models")
    except InputError as error:
        sys.exit(f"error in the config: {error}")
    return experiment


def drop_broken_links():
    """Remove links to downloads that are gone, which Snakemake would take for files."""
    for path in Path(LINKS).rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()


if workflow.is_main_process:
    drop_broken_links()
EXPERIMENT = checked(config)
config.update(EXPERIMENT.plain())  # which Snakemake records and the report reads
if workflow.is_main_process and (cost := estimate(EXPERIMENT)):
    print(cost, file=sys.stderr)


DEMONSTRATIONS = config["calibration"].get("demonstrations", {})
DOWNSTREAM = config["evaluation"].get("downstream", {})
CHOOSING = methods.choosing(EXPERIMENT)
FIGURES = table_grids.figures(EXPERIMENT)
TABLES = table_grids.tables(EXPERIMENT)
RESULTS = f"results/{config['experiment']}"
INCOMPLETE = f"{RESULTS}/tables/incomplete"  # of a run that failed
LOCK_FILE = f"config/{config['experiment']}.lock.yaml"
PERPLEXITY = config["evaluation"]["perplexity"]
MODELS = sorted(config["models"])
LANGUAGES = methods.evaluated(EXPERIMENT)
CALIBRATED = methods.languages(EXPERIMENT, "calibration")
TABLE_FILES = expand("<results>/tables/{table}.csv", table=TABLES)
TABLE_PAGES = expand("<results>/tables/{table}.html", table=TABLES)
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
GRID = table_grids.whole_grid(EXPERIMENT)
GRID_FILE = f"{RESULTS}/grid.json"  # of which jobs have digests as parameters
# A resource is a whole number: Snakemake rounds any other.
ACTIVATION_MB = round(1000 * config["compute"]["activation_memory_gb"])
SEQUENTIAL = [name for name in config["methods"] if methods.is_sequential(EXPERIMENT, name)]
MOVING = [name for name in config["methods"] if methods.moves_weights(EXPERIMENT, name)]
CALIBRATION_SETS = methods.all_calibration_sets(EXPERIMENT)
CLOZE_TASKS = downstream_config.cloze_tasks(EXPERIMENT)
TEXTS = definitions.texts(EXPERIMENT)
HUB_TASKS = downstream_config.hub_tasks(EXPERIMENT)
CLAIMS = claims_file(EXPERIMENT)


def one_of(names):
    """Pattern that matches just these names, and nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


wildcard_constraints:
    model="|".join(map(re.escape, config["models"])),
    corpus="|".join(map(re.escape, config["corpora"])),
    language="|".join([CODE, *config["languages"]]),
    source="|".join(config["languages"]),
    target="|".join(config["languages"]),
    calibration="|".join(CALIBRATION_SETS),
    task=one_of(DOWNSTREAM.get("tasks", [])),
    seed=r"\d+",
    method="|".join([DENSE, *config["methods"]]),
    sparsity=r"0(\.\d+)?|\d(\.\d+)?e-\d+",
    split="calibration|validation|test",
    table="|".join(table_grids.possible_tables(EXPERIMENT)),
    figure=one_of(table_grids.possible_figures(EXPERIMENT)),


def keep_grid():
    """Write the grid for the jobs of this run: it is too long for a command line."""
    if workflow.is_main_process:
        write_json(GRID_FILE, GRID)


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


def join_made_tables():
    """Join the tables of the models that have them, and name those that have not."""
    if len(MODELS) > 1:
        try:
            # Here, since it brings pandas, for a run that failed alone.
            from multiprune.tables.incomplete import join_made

            for line in join_made(Path(RESULTS), MODELS, TABLES):
                print(line, file=sys.stderr)
        except (ImportError, InputError) as error:
            print(f"tables of other models are not joined: {error}", file=sys.stderr)


def script(name):
    """Path of a script as it stands in the command, from the folder that jobs run in."""
    return os.path.relpath(ROOT / "scripts" / name)


include: "functions/inputs.smk"
include: "functions/parameters.smk"
include: "functions/code.smk"
include: "functions/results.smk"
