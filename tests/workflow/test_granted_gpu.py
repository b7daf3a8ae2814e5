"""A job to which SLURM has granted a GPU, on a machine where torch cannot use any."""

import shutil

import pytest
import torch
from workflow.running import Workflow

PERPLEXITY = "results/tiny/tiny-llama/seed0/perplexity/magnitude/0.5/de.json"
GRANTED = {"SLURM_JOB_GPUS": "0", "SLURM_JOB_ID": "7"}
pytestmark = pytest.mark.skipif(torch.cuda.is_available(), reason="torch can use a GPU here")


def test_it_ends_with_a_line_unless_the_config_says_cpu(project: Workflow):
    before = (project.folder / PERPLEXITY).read_bytes()
    (project.folder / PERPLEXITY).unlink()
    shutil.rmtree(project.folder / "results/tiny/tiny-llama/cache")  # so that a model is run
    failed = project.run(PERPLEXITY, environment=GRANTED)
    assert failed.code == 1
    [line] = failed.lines_with("failed: evaluate_perplexity")
    assert "cannot use the GPU that SLURM_JOB_GPUS=0 speaks of" in line
    assert not (project.folder / PERPLEXITY).exists()
    with project.edit_config() as config:
        config["compute"] = {"device": "cpu"}
    outcome = project.run(PERPLEXITY, environment=GRANTED)
    assert outcome.code == 0, outcome.text
    assert (project.folder / PERPLEXITY).read_bytes() == before
