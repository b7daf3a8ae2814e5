"""Jobs of a small experiment in a container, started by a stand-in for Apptainer.

This proves that every job is started in the image of the config, with the GPUs of its node. It
does not prove that an image can be built.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from apptainer_standin import IMAGE, calls, install, split
from safetensors.numpy import load_file
from workflow.running import Outcome, Workflow, planned_jobs

SIF = "containers/multiprune.sif"
MASK = "results/tiny/tiny-llama/seed0/masks/wanda-en/0.5.safetensors"
JOBS = {
    "fetch_model",
    "fetch_corpus",
    "sample_calibration",
    "collect_statistics",
    "prune_model",
}
# The profile of clusters, whose jobs run on this machine.
HERE = ("--profile", "profiles/slurm", "--executor", "local", "--cores", "2")


@dataclass
class Contained:
    """A workflow and the stand-in's folder."""

    workflow: Workflow
    standin: Path

    def run(self, *arguments: str) -> Outcome:
        """Run with the stand-in before anything else on PATH."""
        path = os.pathsep.join([str(self.standin / "bin"), os.environ["PATH"]])
        return self.workflow.run(MASK, *HERE, *arguments, environment={"PATH": path})

    def planned(self, *arguments: str) -> set[str]:
        """The rules of the jobs that a dry run lists."""
        outcome = self.run("--dry-run", "--quiet=host", *arguments)
        assert outcome.code == 0, outcome.text
        return {job.split()[0] for job in planned_jobs(outcome.text)}

    def started(self) -> list[tuple[list[str], str, list[str]]]:
        """Options, image and command of all that was started in a container."""
        return [split(rest) for name, *rest in calls(self.standin) if name == "exec"]

    @contextmanager
    def image(self, name: str | None) -> Iterator[None]:
        """Another image in the config, or none, for a while."""
        before = self.workflow.config.read_bytes()
        with self.workflow.edit_config() as config:
            config["compute"] = {"container": name} if name else {}
        try:
            yield
        finally:
            self.workflow.config.write_bytes(before)


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Contained:
    """One mask and all that it needs, made in a container."""
    folder = tmp_path_factory.mktemp("containers")
    install(folder / "standin")
    made = Contained(Workflow.new(folder / "project"), folder / "standin")
    with made.workflow.edit_config() as config:
        config["compute"] = {"container": SIF}
    for name in (SIF, "containers/other.sif"):
        (made.workflow.folder / name).parent.mkdir(exist_ok=True)
        (made.workflow.folder / name).touch()
    outcome = made.run("--sdm", "apptainer")
    assert outcome.code == 0, outcome.text
    return made


def test_every_job_was_started_in_the_image_with_the_gpus_of_its_node(contained: Contained):
    started = contained.started()
    scripts = [re.findall(r"scripts/(\w+)\.py", " ".join(command)) for _, _, command in started]
    assert sorted(name for [name] in scripts) == sorted(JOBS)
    for options, image, _ in started:
        assert "--nv" in options
        assert image == SIF


def test_jobs_used_the_python_of_the_image_and_made_the_mask(contained: Contained):
    logs = contained.workflow.folder / "results/tiny/logs"
    for rule in JOBS:
        for path in (logs / rule).rglob("*.log"):
            first = path.read_text(encoding="utf-8").split("\n")[0]
            assert first == f"environment: {contained.standin / IMAGE}", path
    assert load_file(contained.workflow.folder / MASK)


@pytest.mark.parametrize(
    ("image", "rerun"),
    [(SIF, set()), ("containers/other.sif", JOBS), ("docker://multiprune:2", JOBS)],
)
def test_an_image_of_another_name_reruns_what_ran_in_it(
    contained: Contained, image: str, rerun: set[str]
):
    with contained.image(image):
        assert contained.planned("--sdm", "apptainer") == rerun


def test_an_image_of_a_registry_is_pulled_and_used(contained: Contained, tmp_path: Path):
    again = Contained(contained.workflow.copy(tmp_path / "project"), tmp_path / "standin")
    install(again.standin)
    with again.image("docker://multiprune:1"):
        outcome = again.run("--sdm", "apptainer")
    assert outcome.code == 0, outcome.text
    [pulled] = [call for call in calls(again.standin) if call[0] == "pull"]
    assert pulled[-1] == "docker://multiprune:1"
    assert {Path(image).name for _, image, _ in again.started()} == {pulled[2]}


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (None, "compute.container is missing, the image that --sdm apptainer runs jobs in"),
        ("containers/none.sif", "compute.container: containers/none.sif: no such file; build it"),
    ],
)
def test_an_image_that_is_not_there_ends_the_run_with_one_line(
    contained: Contained, image: str | None, message: str
):
    with contained.image(image):
        outcome = contained.run("--dry-run", "--sdm", "apptainer")
    assert outcome.code != 0
    assert outcome.text.rstrip().splitlines()[-1].startswith(f"error in the config: {message}")
    assert "Traceback" not in outcome.text
