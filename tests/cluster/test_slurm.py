"""`snakemake --profile slurm`, typed literally in a fresh clone, on a real cluster."""

from collections import Counter

from cluster.submitting import WITHOUT_CONDA, Submission

MODEL = "tiny-llama"
GPU_RULES = {"collect_statistics", "evaluate_perplexity"}
JOBS = {
    f"sample_calibration_wildcards_{MODEL}_0_de",
    f"sample_calibration_wildcards_{MODEL}_0_en",
    f"collect_statistics_wildcards_{MODEL}_0_de",
    f"collect_statistics_wildcards_{MODEL}_0_en",
    f"prune_model_wildcards_{MODEL}_0_magnitude_0.5",
    f"prune_model_wildcards_{MODEL}_0_wanda_0.5",
    f"evaluate_perplexity_wildcards_{MODEL}_0_dense_0",
    f"evaluate_perplexity_wildcards_{MODEL}_0_magnitude_0.5",
    f"evaluate_perplexity_wildcards_{MODEL}_0_wanda_0.5",
    *(
        f"tabulate_results_wildcards_{MODEL}_{table}"
        for table in ("allocation", "claims", "correlation", "overlap", "perplexity", "summary")
    ),
}


def test_command_is_the_one_that_users_type(submission: Submission):
    assert submission.command[0].endswith("/snakemake")
    assert submission.command[1:3] == ["--profile", "slurm"]


def test_run_leaves_whole_results_and_nothing_to_do(submission: Submission):
    workflow = submission.workflow
    assert workflow.unreadable() == workflow.unfinished() == []
    assert (workflow.folder / "results/tiny/tables/perplexity.csv").read_text().count("\n") == 7
    assert workflow.jobs("--profile", "slurm", *WITHOUT_CONDA) == set()


def test_each_job_was_submitted_once_and_no_local_rule(submission: Submission):
    assert Counter(job.name for job in submission.jobs()) == Counter(JOBS)
    assert {job.state for job in submission.jobs()} == {"COMPLETED"}


def test_gpu_rules_alone_asked_for_a_gpu(submission: Submission):
    gpus = {job.name: job.gpus for job in submission.jobs()}
    assert gpus == {name: int(name.split("_wildcards_")[0] in GPU_RULES) for name in JOBS}


def test_jobs_asked_for_the_time_that_the_rules_state(submission: Submission):
    minutes = {job.rule: job.minutes for job in submission.jobs()}
    model = minutes.pop("collect_statistics")
    assert minutes.pop("tabulate_results") == 60
    assert minutes == {"sample_calibration": 30, "prune_model": model, "evaluate_perplexity": model}
    assert model >= 30


def test_efficiency_report_lists_every_job(submission: Submission):
    reports = list((submission.workflow.folder / "results/slurm").glob("efficiency_report_*.csv"))
    assert len(reports) == 1
    lines = reports[0].read_text().splitlines()
    assert sum(any(name in line for name in JOBS) for line in lines) == len(JOBS)


def test_what_a_job_costs_beyond_its_script(submission: Submission):
    overheads = submission.overheads()
    assert len(overheads) == len(JOBS)
    assert all(seconds >= -1 for seconds in overheads)  # whole seconds are counted
