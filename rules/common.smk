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

from multiprune.experiment import config as experiment
from multiprune.experiment import (
    reading as config_files,
    downloads as definitions,
    downstream as downstream_config,
    candidates as sweep,
    table_grids,
)
from multiprune.jobs import code_digest as digest, slurm
from multiprune.fetch import fit as model_fit
from multiprune.files.hashes import sha256_json
from multiprune.files.json import read_json, write_json
from multiprune.claims.definitions import read_claims
from multiprune.experiment.config import canonical
from multiprune.experiment.cost import estimate, window_tokens
from multiprune.errors import InputError
from multiprune.experiment.grid import CODE, MASKS, WEIGHTS
from multiprune.files.manifests import other_definition
from multiprune.fetch.model_files import is_model_file
from multiprune.experiment.names import claims_file
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
    """The config with defaults filled in; the first mistake ends the run with one line."""
    try:
        for path in workflow.configfiles if workflow.is_main_process else ():
            config_files.check_file(os.path.relpath(path))
        config = experiment.validate(config)
        table_grids.check_figures(config)
        if workflow.is_main_process:
            read_claims(claims_file(config))
        # Downloads are shared by experiments: a name never changes what it stands for.
        lock = RevisionLock(f"config/{config['experiment']}.lock.yaml")
        for folder, definition in definitions.downloads(config).items():
            manifest = f"{RESOURCES}/{folder}/manifest.json"
            if difference := other_definition(manifest, definition):
                raise InputError(difference)
            lock.must_agree(folder, definition, manifest)
        if workflow.is_main_process:
            sets = experiment.all_calibration_sets(config)
            model_fit.check_known(config, f"{RESOURCES}/models", sets)
    except InputError as error:
        sys.exit(f"error in the config: {error}")
    return config


def drop_broken_links():
    """Remove links to downloads that are gone, which Snakemake would take for files."""
    for path in Path(LINKS).rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()


if workflow.is_main_process:
    drop_broken_links()
config.update(checked(config))
if workflow.is_main_process and (cost := estimate(config)):
    print(cost, file=sys.stderr)


DEMONSTRATIONS = config["calibration"].get("demonstrations", {})
DOWNSTREAM = config["evaluation"].get("downstream", {})
CHOOSING = experiment.choosing(config)
FIGURES = table_grids.figures(config)
TABLES = table_grids.tables(config)
RESULTS = f"results/{config['experiment']}"
INCOMPLETE = f"{RESULTS}/tables/incomplete"  # of a run that failed
LOCK_FILE = f"config/{config['experiment']}.lock.yaml"
PERPLEXITY = config["evaluation"]["perplexity"]
MODELS = sorted(config["models"])
LANGUAGES = experiment.evaluated(config)
CALIBRATED = experiment.languages(config, "calibration")
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
GRID = table_grids.whole_grid(config)
GRID_FILE = f"{RESULTS}/grid.json"  # of which jobs have digests as parameters
# A resource is a whole number: Snakemake rounds any other.
ACTIVATION_MB = round(1000 * config["compute"]["activation_memory_gb"])
SEQUENTIAL = [name for name in config["methods"] if experiment.is_sequential(config, name)]
MOVING = [name for name in config["methods"] if experiment.moves_weights(config, name)]
CALIBRATION_SETS = experiment.all_calibration_sets(config)
CLOZE_TASKS = downstream_config.cloze_tasks(config)
TEXTS = definitions.texts(config)
HUB_TASKS = downstream_config.hub_tasks(config)
CLAIMS = claims_file(config)


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
    method="|".join([experiment.DENSE, *config["methods"]]),
    sparsity=r"0(\.\d+)?|\d(\.\d+)?e-\d+",
    split="calibration|validation|test",
    table="|".join(table_grids.possible_tables(config)),
    figure=one_of(table_grids.possible_figures(config)),


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
