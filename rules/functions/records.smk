"""What Snakemake remembers of a job's outputs: how they were really made, never how a job failed."""

from snakemake.exceptions import WorkflowError
from snakemake.jobs import Job


def remember_what_was_made():
    """Keep failures out of Snakemake's records, and outputs of changed code; before the first job.

    Snakemake 9.27 records the parameters and inputs of a failed job as if its outputs, which it
    removes, had been made from them. The next call would then find nothing changed, and nothing to
    be done over tables that were made before the change.
    """
    settings, persistence, failed = workflow.execution_settings, workflow.persistence, set()
    postprocess, finished = Job.postprocess, persistence.finished

    async def note_failure(job, *arguments, error=False, **options):
        if error:
            failed.add(job)
        else:
            failed.discard(job)
            refuse_changed_code(job)
        await postprocess(job, *arguments, error=error, **options)

    async def record(job):
        wanted = settings.keep_metadata
        settings.keep_metadata = wanted and job not in failed
        try:
            await finished(job)  # without metadata, it only takes back that the job is running
        finally:
            settings.keep_metadata = wanted

    Job.postprocess, persistence.finished = note_failure, record
    # Called where outputs do not appear: the job then fails, and its record was forgotten.
    persistence.cleanup = lambda job: None


def refuse_changed_code(job):
    """Fail a job whose code is no longer the one that it would be recorded with."""
    planned = getattr(job.params, "code", None)
    try:
        current = planned and code_digest(os.path.basename(job.params.script))
    except (OSError, SyntaxError):  # in the middle of an edit
        current = None
    if planned != current:
        raise WorkflowError(
            f"{job.rule.name}: its code was edited after Snakemake had started, and its output is "
            "removed since it may come of either; run the same command again"
        )
