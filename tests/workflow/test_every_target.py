"""Every target can be planned with every config of the repository."""

import pytest
from workflow.running import TARGETS, Workflow

# That of the papers, which takes a minute, is planned with all targets in test_plans.py.
CONFIGS = (
    ("demo.yaml",),
    ("demo-smollm2.yaml",),
    ("demo.yaml", "ablations.yaml", "variants.yaml", "sweep.yaml"),
    ("demo.yaml", "interference.yaml", "swaps.yaml", "recent_methods.yaml"),
    ("domains.yaml",),
    ("hundred.yaml",),
    ("readings.yaml",),
    ("study.yaml",),
    ("paper-small.yaml",),
)


@pytest.mark.parametrize("names", CONFIGS, ids=lambda names: names[-1])
def test_a_dry_run_of_every_target(fresh: Workflow, names: tuple):
    files = [f"config/{name}" for name in names]
    outcome = fresh.run(
        *TARGETS, "--dry-run", "--quiet", "rules", "--configfile", *files, config=False
    )
    assert outcome.code == 0, outcome.text


def test_a_name_with_braces_is_a_name(project: Workflow):
    with project.edit_config() as config:
        config["languages"]["de"]["name"] = "German {formal}"
        config["languages"]["sw"]["name"] = "{model} {wildcards.model} {{x}} {0}"
    export = "results/tiny/tiny-llama/seed0/export/wanda/0.5/manifest.json"
    outcome = project.run("all", export, "--show-failed-logs")
    assert outcome.code == 0, outcome.text
    card = project.folder / "results/tiny/tiny-llama/seed0/export/wanda/0.5/README.md"
    assert "German {formal}" in card.read_text(encoding="utf-8")
    audited = project.run("audit")
    assert audited.code == 0, audited.text
