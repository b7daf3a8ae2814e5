"""What code a job is planned with: an edit of a script, or of what it imports, reruns its rule."""

DIGESTS_OF_RUN = Path(".snakemake/code_digests.json")
# A job on a cluster reads the workflow again, perhaps hours later, and is still the job planned.
DIGESTS = {} if workflow.is_main_process else read_json(DIGESTS_OF_RUN)


def code_digest(name, *named):
    """Digest of a script with the modules that it imports, as this run was planned.

    `named`: further modules that count, which stand behind the digest.
    """
    key = " ".join([name, *named])
    if key not in DIGESTS:
        found = digest.code_digest(ROOT / "scripts" / name, named)
        DIGESTS[key] = " ".join([found, *named])
    return DIGESTS[key]


def code_of_table(wildcards):
    """Digest of the code that makes a table."""
    return code_digest("tabulate.py", f"tables.{wildcards.table}")


def code_of_figure(wildcards):
    """Digest of the code that draws a figure."""
    return code_digest("draw_figure.py", f"figures.{wildcards.figure}")


for table in TABLES if workflow.is_main_process else ():
    code_digest("tabulate.py", f"tables.{table}")
for figure in FIGURES if workflow.is_main_process else ():
    code_digest("draw_figure.py", f"figures.{figure}")


def keep_digests():
    """Write down what code this run was planned with; before its first job."""
    if workflow.is_main_process:
        write_json(DIGESTS_OF_RUN, DIGESTS)
