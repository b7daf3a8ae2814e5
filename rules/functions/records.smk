"""What Snakemake is to remember of a job beside its inputs and options: its code and its failures."""

PLAN = Path(
    ".snakemake/plan.json"
)  # what this run was planned as, for jobs, which read the workflow again

if workflow.is_main_process:
    PLANNED = {"digests": {}, "unfinished": attempts.unfinished_attempts()}
else:
    PLANNED = read_json(PLAN)


def keep_plan():
    """Write down what this run was planned as; before its first job."""
    if workflow.is_main_process:
        write_json(PLAN, PLANNED)


def code_digest(name):
    """Parameter function: an edit of a script or of what it imports reruns its rule, as a failure does."""
    if name not in PLANNED["digests"]:
        path = Path(workflow.basedir) / "scripts" / name
        PLANNED["digests"][name] = digest.code_digest(path)

    def planned(wildcards, output):
        return attempts.plan(PLANNED["digests"][name], output[0], PLANNED["unfinished"])

    return planned
