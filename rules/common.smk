"""Configuration, wildcard constraints, and what all stages share; no rules here.

Rules take from here `config`, which is checked and has all defaults; `plan`, which knows every path
and which files a job reads; `options`, what a job is told beside them; `ask`, its memory, time and
GPUs (all three in scripts/multiprune/experiment: plan.py, options.py, resources.py); `job`, the
command of a script, with the digest of its code and of the `modules` that it names; and `one_of`, a
pattern of names, `when_asked`, the files of a target, `canonical`, JSON, and `growing`, a resource that
grows by attempt.
"""

import atexit
import os
import re
import shutil
import signal
import sys
import time
from importlib.util import find_spec
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
# A script finds the library beside itself; transformers reads docstrings while it is imported.
os.environ.update(PYTHONSAFEPATH="", PYTHONOPTIMIZE="")
# On a full disk CPython 3.11 leaves bytecode that is cut off, and no later job can import it. So jobs
# write none, unless the packages were installed without theirs and would be compiled by each job.
if not (torch := find_spec("torch")) or (torch.cached and Path(torch.cached).exists()):
    os.environ.update(PYTHONDONTWRITEBYTECODE="1")
# By it a job knows that it is one of a run: it may not use other code, as a copied command may.
os.environ.update(MULTIPRUNE_RUN=str(os.getpid()))

from multiprune.claims.reading import read_claims
from multiprune.errors import InputError
from multiprune.experiment import downloads as definitions, reading, table_grids
from multiprune.experiment.cost import estimate
from multiprune.experiment.grid import CODE, DENSE
from multiprune.experiment.modules import Modules
from multiprune.experiment.names import claims_file, lock_file
from multiprune.experiment.options import Options
from multiprune.experiment.plan import Plan
from multiprune.experiment.resources import JobResources, growing
from multiprune.experiment.sizes import remarks
from multiprune.experiment.targets import check_targets
from multiprune.experiment.validation import validate
from multiprune.fetch.known_models import check_known, check_sources_there
from multiprune.fetch.revisions import RevisionLock
from multiprune.fetch.room import few_windows, too_short
from multiprune.files.aside import remove_set_aside
from multiprune.files.json import canonical, write_json
from multiprune.files.manifests import other_definition
from multiprune.files.writing import replacing
from multiprune.jobs import closing, command_line, slurm
from multiprune.jobs.container import check_container
from multiprune.jobs.dates import check_dates
from multiprune.jobs.planned import PlannedJobs
from multiprune.report.opening import FILTERS

if {"{", "}"} & set(str(ROOT)):
    sys.exit(f"error: {ROOT}: Snakemake takes {{ and }} for wildcards; rename the folder")

if not workflow.overwrite_configfiles:

    configfile: "config/demo.yaml"


LINKS = ".resources"  # to the files of resources/: what Snakemake knows of them, and may remove


def checked(config):
    """The experiment that the config describes; the first mistake ends the run with one line."""
    try:
        for path in workflow.configfiles if workflow.is_main_process else ():
            reading.check_file(os.path.relpath(path))
        reading.check_base(config, list(map(os.path.relpath, workflow.configfiles)))
        experiment = validate(config)
        table_grids.check_figures(experiment)
        if workflow.is_main_process:
            if path := claims_file(experiment):
                read_claims(path)
        # Downloads are shared by experiments: a name never changes what it stands for.
        lock = RevisionLock(lock_file(experiment))
        for folder, definition in definitions.downloads(experiment).items():
            manifest = f"resources/{folder}/manifest.json"
            if difference := other_definition(manifest, definition):
                raise InputError(difference)
            lock.must_agree(folder, definition, manifest)
        if workflow.is_main_process:
            check_container(experiment.compute.container, deployed_by("apptainer"))
            check_known(experiment, "resources/models")
            check_sources_there(experiment, "resources")
    except InputError as error:
        sys.exit(f"error in the config: {error}")
    return experiment


def deployed_by(method):
    """Whether jobs get their software by a method of --sdm."""
    chosen = workflow.deployment_settings.deployment_method
    return method in {choice.item_to_choice() for choice in chosen}


def drop_broken_links():
    """Remove links to downloads that are gone, which Snakemake would take for files."""
    for path in Path(LINKS).rglob("*"):
        if path.is_symlink() and not path.exists():
            path.unlink()


if workflow.is_main_process:
    drop_broken_links()
    # Here, since jobs render no captions.
    from jinja2.defaults import DEFAULT_FILTERS

    DEFAULT_FILTERS.update(FILTERS)  # by which captions/workflow.rst writes names and results
ASKED = command_line.command_line() if workflow.is_main_process else None
EXPERIMENT = checked(config)
# What jobs compute on: no parameter of theirs, so that another machine reruns nothing.
os.environ.update(MULTIPRUNE_DEVICE=EXPERIMENT.compute.device)
config.update(EXPERIMENT.plain())  # which Snakemake records and the report reads
if workflow.is_main_process:
    if cost := estimate(EXPERIMENT):
        print(cost, file=sys.stderr)
    for remark in (*too_short(EXPERIMENT), *remarks(EXPERIMENT), *few_windows(EXPERIMENT)):
        print(f"note: {remark}", file=sys.stderr)

CONFIG_FILE = f".snakemake/config_of_{config['experiment']}.json"  # all layers, for `audit`
plan = Plan(EXPERIMENT)
RESULTS = plan.folder
options = Options(EXPERIMENT)
ask = JobResources(EXPERIMENT)
modules = Modules(EXPERIMENT)
job = PlannedJobs(
    ROOT / "scripts",
    kept=Path(f".snakemake/code_of_{config['experiment']}.json"),
    plans=workflow.is_main_process,
)


def one_of(names):
    """Pattern that matches just these names, and nothing where there are none."""
    return "|".join(map(re.escape, names)) or "(?!)"


def when_asked(list_of, models=()):
    """The files of a target, `list_of()` or those of each model, for who asks for that target.

    Every job on a cluster reads all rules; the papers' targets list two hundred thousand files.
    """

    def files(wildcards):
        return [path for model in models for path in list_of(model)] if models else list_of()

    return files


def line_of_gpu(wildcards):
    """What `check_gpu` writes, where jobs are not run on this machine."""
    return "<results>/gpu.txt" if ASKED and ASKED.executor not in (None, "local") else []


wildcard_constraints:
    model=one_of(config["models"]),
    corpus=one_of(config["corpora"]),
    language=one_of([CODE, *config["languages"]]),
    source=one_of(config["languages"]),
    target=one_of(config["languages"]),
    calibration=one_of(plan.calibration_sets),
    task=one_of(config["evaluation"].get("downstream", {}).get("tasks", [])),
    seed=r"\d+",
    method=one_of([DENSE, *plan.methods]),
    sparsity=r"0(\.\d+)?|\d(\.\d+)?e-\d+",
    split="calibration|validation|test",
    table=one_of(table_grids.possible_tables(EXPERIMENT)),
    figure=one_of(table_grids.possible_figures(EXPERIMENT)),


def keep_for_jobs():
    """Write what is too long for a command line: the grid, and the config for `audit`."""
    if workflow.is_main_process:
        write_json(f"{RESULTS}/grid.json", table_grids.whole_grid(EXPERIMENT))
        with replacing(CONFIG_FILE) as temporary:
            temporary.write_text(canonical(config), encoding="utf-8")


def end_at_hangup():
    """A closed terminal ends a run as SIGTERM does, and unlocks the folder; nohup stays in force."""
    if signal.getsignal(signal.SIGHUP) == signal.SIG_DFL:
        signal.signal(signal.SIGHUP, signal.getsignal(signal.SIGTERM))


def check_asked():
    """End with one line for a target that nothing makes, and for a dry run that would write."""
    if ASKED and Path(str(workflow.main_snakefile)).parent == ROOT:  # which knows all rules
        rules = {rule.name: rule.has_wildcards() for rule in workflow.rules}
        try:
            command_line.check_dry_run(ASKED)
            check_targets(plan, ASKED.targets or (), rules, made_by_a_rule)
        except InputError as error:
            sys.exit(f"error: {error}")


def made_by_a_rule(path):
    """Whether a rule makes a file; what is below resources/ is made with the link to it."""
    path = os.path.relpath(path)
    if path.startswith("resources/"):
        path = LINKS + path.removeprefix("resources")
    return any(rule.is_producer(path) for rule in workflow.rules)


def say_what_was_made():
    """Print the results of a run and where they are."""
    configs = [os.path.relpath(path) for path in workflow.configfiles]
    given = configs if workflow.overwrite_configfiles else []
    closing.say_what_was_made(ASKED, RESULTS, given, ROOT / "scripts/print_summary.py")


def check_own_files():
    """End the run with one line where a file of the user's own is dated in the future."""
    made = (f"{RESULTS}/", f"{LINKS}/")
    paths = {str(path) for planned in workflow.dag.needrun_jobs() for path in planned.input}
    try:
        check_dates(sorted(path for path in paths if not path.startswith(made)))
    except InputError as error:
        sys.exit(f"error: {error}")


def check_cluster():
    """End the run with one line where jobs cannot be submitted; asked once, before the first.

    No more are submitted at a time than SLURM takes from the user, and a refusal is asked again.
    """
    found = {"slurm_partition": set(), "slurm_account": set(), "qos": set()}
    for planned in workflow.dag.needrun_jobs():
        for name in () if planned.is_local else found:
            if value := planned.resources.get(name):
                found[name].add(str(value))
    found["qos"] |= {qos} if (qos := workflow.executor_settings.qos) else set()
    try:
        slurm.check_submission(found["slurm_partition"])
        places = slurm.free_places(found["slurm_account"], found["qos"])
    except InputError as error:
        sys.exit(f"error: {error}")
    if places is not None and places < workflow.nodes:
        print(
            f"note: SLURM takes {places} jobs of yours at a time, so no more are submitted",
            file=sys.stderr,
        )
        for pool in (workflow.scheduler.resources, workflow.scheduler.global_resources):
            pool["_nodes"] = places
    slurm.ask_again(ROOT / "profiles/slurm/bin")


def close_failed_run():
    """Say what failed, remove what is broken, and keep what was made."""
    atexit.unregister(close_failed_run)
    list_failed_jobs()
    remove_set_aside([Path(RESULTS), Path("resources")])
    join_made_tables()
    note_made_files()


def list_failed_jobs():
    """Print the jobs that stayed failed: the errors above them include attempts made good since."""
    failed = workflow.scheduler.failed
    waiting = sum(1 for _ in workflow.dag.needrun_jobs()) - len(failed)
    print(*closing.failed_lines(failed, waiting), sep="\n", file=sys.stderr)


def join_made_tables():
    """Join the tables of the models that have them, and name those that have not."""
    if len(plan.models) > 1:
        try:
            # Here, since it brings pandas, for a run that failed alone.
            from multiprune.tables.incomplete import join_made

            for line in join_made(Path(RESULTS), plan.models, plan.tables):
                print(line, file=sys.stderr)
        except (ImportError, InputError) as error:
            print(f"tables of other models are not joined: {error}", file=sys.stderr)


def note_made_files():
    """Write beside the results what each was made with: a copy may come without .snakemake."""
    from multiprune.jobs.made import note

    memory = workflow.persistence
    memory.deactivate_cache()  # it holds what was known of the last job's files before they were made
    records = {
        str(path): dict(record.items())
        for planned in workflow.dag.jobs
        for path in planned.output
        if (record := memory.metadata(path))
    }
    try:
        note(Path(RESULTS), records)
    except OSError as error:
        print(f"{RESULTS}: what its files were made with is not noted: {error}", file=sys.stderr)
