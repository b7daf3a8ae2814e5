"""A token for the hub is sent to the hub and stands nowhere else: logs, results, report, memory."""

import shutil
from pathlib import Path

import pytest
from loopback_hub import COMMIT, Repository, loopback_hub
from workflow.running import Outcome, Workflow

from multiprune.files.manifests import read_manifest

VARIABLE = "hf_canaryOfTheVariable"
FILE = "hf_canaryOfTheFile"
MODEL = "resources/models/tiny-llama"
MANIFEST = f"{MODEL}/manifest.json"


class Hub:
    """Runs of a workflow whose model is gated on a hub, with or without a token that it admits."""

    def __init__(self, workflow: Workflow, home: Path):
        self.workflow, self.home, self.printed = workflow, home, ""
        model = workflow.folder / "inputs/model"
        self.files = {path.name: path.read_bytes() for path in model.iterdir()}
        home.mkdir()
        (home / "token").write_text(FILE)
        with workflow.edit_config() as config:
            config["models"]["tiny-llama"] = {
                "kind": "huggingface", "repo": "org/tiny", "revision": "main", "parameters": 0.1,
            }  # fmt: skip

    def run(self, *arguments: str, admitted: str | None, **variables: str) -> Outcome:
        """Run Snakemake while the hub gives its files to whoever sends the token `admitted`."""
        repository = Repository(self.files, gated=True, token=admitted)
        with loopback_hub({"org/tiny": repository}) as endpoint:
            settings = {"HF_ENDPOINT": endpoint, "HF_HOME": str(self.home), "HF_HUB_OFFLINE": "0"}
            settings |= {"HF_TOKEN": "", "HF_HUB_DISABLE_XET": "1", **variables}
            outcome = self.workflow.run("--show-failed-logs", *arguments, environment=settings)
        self.printed += outcome.text
        return outcome

    def traces(self) -> list[str]:
        """Where a token stands, by file; what was printed counts as one."""
        texts = {"printed": self.printed.encode()} | self.workflow.files(".")
        return sorted(
            name
            for name, content in texts.items()
            if any(token.encode() in content for token in (VARIABLE, FILE))
        )


@pytest.fixture
def hub(fresh: Workflow, tmp_path: Path) -> Hub:
    return Hub(fresh, tmp_path / "home")


def test_no_token_is_written(hub: Hub):
    # Refused, with a token in the variable that the hub does not admit.
    outcome = hub.run(MANIFEST, admitted=None, HF_TOKEN=VARIABLE)
    assert outcome.code != 0
    assert outcome.lines_with("error: model org/tiny: access is gated")
    assert hub.traces() == []
    # Asked about, and refused again.
    outcome = hub.run("preflight", admitted=None, HF_TOKEN=VARIABLE)
    assert outcome.lines_with("FAILED model", "access is gated")
    # Fetched with the token in the file that `hf auth login` writes, then with the variable's.
    for token, variables in ((FILE, {}), (VARIABLE, {"HF_TOKEN": VARIABLE})):
        outcome = hub.run(MANIFEST, admitted=token, **variables)
        assert outcome.code == 0, outcome.text
        assert read_manifest(hub.workflow.folder / MANIFEST)["revision"] == COMMIT
        shutil.rmtree(hub.workflow.folder / MODEL)
    assert list((hub.workflow.folder / ".snakemake/log").iterdir())
    assert hub.traces() == []


def test_no_token_is_in_the_report(project: Workflow):
    report = "results/tiny/report.html"
    outcome = project.run("--report", report, environment={"HF_TOKEN": VARIABLE})
    assert outcome.code == 0, outcome.text
    assert len((project.folder / report).read_bytes()) > 100_000
    assert not [name for name, text in project.files(".").items() if VARIABLE.encode() in text]
    assert VARIABLE not in outcome.text


def test_a_token_that_is_written_would_be_found(hub: Hub):
    hidden = hub.workflow.folder / ".snakemake/metadata/x"
    hidden.parent.mkdir(parents=True)
    hidden.write_text(f"a {VARIABLE} b")
    assert hub.traces() == [".snakemake/metadata/x"]
