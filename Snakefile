"""Pruning multilingual language models: from calibration text to figures.

The rule files stand in the order of the pipeline; each opens with what it reads and writes.
"""

from snakemake.utils import min_version

min_version("9.27")


include: "rules/common.smk"


pathvars:
    results=RESULTS,
    resources=LINKS,
    logs=f"{RESULTS}/logs",
    benchmarks=f"{RESULTS}/benchmarks",


container: EXPERIMENT.compute.container


report: "rules/captions/workflow.rst"


onstart:
    end_at_hangup()
    check_own_files()
    keep_for_jobs()
    job.keep()
    shutil.rmtree(f"{RESULTS}/tables/incomplete", ignore_errors=True)  # of a run that failed
    if workflow.executor_plugin.name == "slurm":
        check_cluster()
    # Where an error of its own ends Snakemake, without onerror.
    atexit.register(close_failed_run)


onsuccess:
    atexit.unregister(close_failed_run)
    say_what_was_made()
    note_made_files()


onerror:
    close_failed_run()


rule all:
    """Everything: tables, figures and what they need."""
    input:
        when_asked(plan.below_tables),
        when_asked(plan.all_tables),
        when_asked(plan.all_verdicts),
        when_asked(plan.all_figures),
    localrule: True


include: "rules/fetch.smk"
include: "rules/calibration.smk"
include: "rules/statistics.smk"
include: "rules/pruning.smk"
include: "rules/evaluation.smk"
include: "rules/figures.smk"
include: "rules/audit.smk"


check_asked()
