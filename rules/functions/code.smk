"""What code a job is planned with: an edit of a script, or of what it imports, reruns its rule."""

DIGESTS_OF_RUN = Path(".snakemake/code_digests.json")
# A job on a cluster reads the workflow again, perhaps hours later, and is still the job planned.
DIGESTS = {} if workflow.is_main_process else read_json(DIGESTS_OF_RUN)


def code_digest(name):
    """Digest of a script and of the library modules it imports, as this run was planned."""
    if name not in DIGESTS:
        DIGESTS[name] = digest.code_digest(ROOT / "scripts" / name)
    return DIGESTS[name]


def keep_digests():
    """Write down what code this run was planned with; before its first job."""
    if workflow.is_main_process:
        write_json(DIGESTS_OF_RUN, DIGESTS)
