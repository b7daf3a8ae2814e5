"""The workflow as a module of another one, whose Snakefile stands in another folder."""

import json
import shutil
from pathlib import Path

import pytest
import yaml
from running import ROOT, Workflow
from tiny import small_config, write_llama, write_texts

pytestmark = pytest.mark.slow

SNAKEFILE = """
configfile: "own.yaml"


module multiprune:
    snakefile:
        "{snakefile}"
    config:
        config


use rule * from multiprune


rule count_records:
    input:
        "results/small/tiny/seed0/perplexity/wanda/0.5/de.json",
    output:
        "counted.txt",
    shell:
        "echo {{input}} > {{output}}"
"""


@pytest.fixture
def other(tmp_path) -> Workflow:
    """A workflow of somebody else's that uses this one."""
    write_llama(tmp_path / "inputs/model")
    write_texts(tmp_path / "inputs/texts", ["de", "en", "sw"])
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(snakefile=ROOT / "Snakefile"))
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(small_config()))
    return Workflow(tmp_path)


def test_another_workflow_runs_it_to_a_record(other):
    done = other.run("count_records", "--cores", "2", config=False)
    assert done.code == 0, done.text
    record = Path(other.folder, "results/small/tiny/seed0/perplexity/wanda/0.5/de.json")
    assert json.loads(record.read_text())["perplexity"] > 1
    assert (other.folder / "counted.txt").is_file()
    again = other.run("count_records", "--cores", "1", "--dry-run", config=False)
    assert "Nothing to be done" in again.text


def test_a_module_without_its_scripts_is_refused_in_one_line(other):
    rules = other.folder / "elsewhere"
    shutil.copytree(ROOT / "rules", rules / "rules")
    shutil.copy(ROOT / "Snakefile", rules)
    other.replace("Snakefile", str(ROOT / "Snakefile"), str(rules / "Snakefile"))
    done = other.run("--dry-run", config=False)
    assert done.code != 0
    assert f"error: {rules}: jobs run scripts that have to lie on this machine" in done.text
    assert "Traceback" not in done.text
