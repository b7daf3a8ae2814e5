"""Each rule of a small experiment inside its own environment, made by a stand-in for conda.

This proves that the environment files are complete: whatever a rule's script needs is in its
environment and comes from nowhere else. It does not prove that a conda solver accepts the files.
"""

import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from conda_standin import calls, install
from patience import patience
from workflow.running import ROOT, Outcome, Workflow

pytestmark = [pytest.mark.conda, pytest.mark.slow]
RULE = re.compile(r"^rule (?=\w+:)", re.MULTILINE)
ENVIRONMENT = re.compile(r'"\.\./envs/(\w+\.yaml)"')


@dataclass
class Deployed:
    """A run with conda deployment: its folder, the stand-in's folder, and how to run again."""

    workflow: Workflow
    conda: Path
    prefixes: Path
    outcome: Outcome
    rules: set[str]

    @property
    def created(self) -> list[Path]:
        """Prefix of every environment that was created, once for each creation."""
        return [Path(call[-1]) for call in calls(self.conda) if call[:2] == ["env", "create"]]

    def logged_prefixes(self, rule: str) -> list[str]:
        """First line of every log of a rule."""
        logs = sorted((self.workflow.folder / "results/tiny/logs" / rule).rglob("*.log"))
        return [path.read_text(encoding="utf-8").split("\n")[0] for path in logs]


def with_conda(workflow: Workflow, conda: Path, prefixes: Path, *targets: str) -> Outcome:
    """Run with conda deployment, the stand-in before anything else on PATH."""
    path = os.pathsep.join([str(conda / "bin"), os.environ["PATH"]])
    environment = {"PATH": path}
    options = ("--sdm", "conda", "--conda-prefix", str(prefixes), "--show-failed-logs")
    return workflow.run(*targets, *options, environment=environment, timeout=patience(2700))


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """The tiny experiment with few methods, a downstream task, a language from the npm package.

    So every rule runs that has a script and needs no hub; `audit` comes last. The environments,
    gigabytes, go when the tests are done.
    """
    folder = tmp_path_factory.mktemp("conda")
    workflow = Workflow.new(folder / "project")
    with workflow.edit_config() as config:
        config["corpora"]["udhr"] = {"kind": "udhr"}
        config["languages"]["sw"] = {"corpus": "udhr", "text": "swh", "role": "unseen"}
        overlay = (ROOT / "tests/config/tiny_downstream.yaml").read_text(encoding="utf-8")
        added = yaml.safe_load(overlay)
        config["corpora"] |= added["corpora"]
        config["calibration"] |= added["calibration"]
        contrast = added["methods"]["kim-contrast"]
        config["methods"] = {"wanda": {"score": "wanda"}, "kim-contrast": contrast}
        downstream = added["evaluation"]["downstream"] | {"methods": ["wanda"]}
        config["evaluation"]["downstream"] = downstream
    rules = {job.split()[0] for job in workflow.jobs()}
    install(folder / "standin")
    prefixes = folder / "environments"
    try:
        outcome = with_conda(workflow, folder / "standin", prefixes)
        assert outcome.code == 0, outcome.text
        audited = with_conda(workflow, folder / "standin", prefixes, "audit")
        assert audited.code == 0, audited.text
        yield Deployed(workflow, folder / "standin", prefixes, outcome, rules)
    finally:
        shutil.rmtree(prefixes, ignore_errors=True)


def environment_files() -> dict[str, bytes]:
    """Rule -> content of its environment file, from the rule files."""
    found = {}
    for path in sorted((ROOT / "rules").glob("*.smk")):
        for rule in RULE.split(path.read_text(encoding="utf-8"))[1:]:
            if match := ENVIRONMENT.search(rule):
                found[rule.split(":")[0]] = (ROOT / "envs" / match[1]).read_bytes()
    return found


def test_every_job_ran_under_the_prefix_of_its_own_environment(deployed: Deployed):
    environments = environment_files()
    ran = environments.keys() & deployed.rules
    # The audit talks to a person: it does not log its prefix.
    assert {environments[rule] for rule in (*ran, "audit")} == set(environments.values())
    for rule in sorted(ran):
        lines = deployed.logged_prefixes(rule)
        assert lines, rule
        [line] = set(lines)
        prefix = Path(line.removeprefix("environment: "))
        assert prefix.parent == deployed.prefixes, (rule, line)
        # Snakemake keeps a copy of the file that an environment was made from beside it.
        assert prefix.with_name(prefix.name + ".yaml").read_bytes() == environments[rule], rule


def test_environments_of_equal_content_are_created_once(deployed: Deployed):
    contents = set(environment_files().values())
    assert len(deployed.created) == len(set(deployed.created)) == len(contents)


def test_environments_are_closed_to_the_packages_of_the_tests(deployed: Deployed):
    for prefix in deployed.created:
        settings = (prefix / "pyvenv.cfg").read_text(encoding="utf-8")
        assert "include-system-site-packages = false" in settings
        [packages] = prefix.glob("lib/python*/site-packages")
        installed = {path.name.split("-")[0] for path in packages.glob("*.dist-info")}
        assert not installed & {"snakemake", "pytest"}


def test_only_stages_that_load_a_model_have_transformers(deployed: Deployed):
    having = defaultdict(set)
    for rule in environment_files().keys() & deployed.rules:
        prefix = Path(deployed.logged_prefixes(rule)[0].removeprefix("environment: "))
        for package in ("torch", "transformers", "lm_eval", "pandas"):
            if list(prefix.glob(f"lib/python*/site-packages/{package}/__init__.py")):
                having[package].add(rule)
    assert {"collect_statistics", "prune_model", "evaluate_perplexity"} <= having["transformers"]
    assert not having["transformers"] & {"tabulate_results", "draw_figure"}
    assert "tabulate_results" in having["pandas"] - having["torch"]
    assert "evaluate_perplexity" in having["lm_eval"]
    assert not having["lm_eval"] & {"collect_statistics", "prune_model"}


def test_a_task_is_evaluated_in_the_environment_of_its_stage(deployed: Deployed):
    # Its rule is made in a loop, so that it has no name in the rule file.
    [prefix] = set(deployed.logged_prefixes("evaluate_cloze"))
    assert prefix == deployed.logged_prefixes("evaluate_perplexity")[0]


def test_a_second_run_has_nothing_to_do_and_creates_nothing(deployed: Deployed):
    before = deployed.created
    again = with_conda(deployed.workflow, deployed.conda, deployed.prefixes)
    assert again.code == 0, again.text
    assert "Nothing to be done" in again.text
    assert deployed.created == before
