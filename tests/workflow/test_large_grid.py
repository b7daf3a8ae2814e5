"""440 languages and 74 methods: no command line grows with them."""

import subprocess

import pandas as pd
from workflow.running import Workflow

from multiprune.experiment import table_grids
from multiprune.experiment.settings.experiment import Experiment
from multiprune.experiment.validation import validate
from multiprune.files.json import write_json

LONGEST = 2**17  # bytes of an argument that Linux takes; a job's command is one argument of bash
TABLE = "results/tiny/tables/by_model/tiny-llama/allocation.csv"
LANGUAGES = [f"l{number:03}" for number in range(440)]
POOL = LANGUAGES[::2]
METHODS = [f"subset-{number}" for number in range(73)]


def enlarge(workflow: Workflow) -> Experiment:
    """Give the config its languages and methods; returns it as Snakemake validates it."""
    with workflow.edit_config() as config:
        config["languages"] = {
            code: {
                "corpus": "words",
                "role": "calibration" if code in POOL else "unseen",
                "name": f"The language of which the code is {code}",
            }
            for code in LANGUAGES
        }
        config["methods"] = {"wanda": {"score": "wanda"}}
        for number, name in enumerate(METHODS):
            taken = POOL[number : number + 100]
            config["methods"][name] = {"score": "wanda", "calibration": taken}
        config["sparsities"] = [0.5]
    for code in LANGUAGES:
        (workflow.folder / f"inputs/texts/{code}.txt").write_text("some words\n")
    return validate(config)


def write_record(workflow: Workflow, method: str) -> None:
    """The record of a mask of one block."""
    block = {"block": 0, "parameters": 8, "target": 0.5, "sparsity": 0.5, "importance": None}
    folder = workflow.folder / f"results/tiny/tiny-llama/seed0/masks/{method}"
    write_json(folder / "0.5.json", {"blocks": [block]})


def test_a_table_is_planned_and_its_command_runs(fresh: Workflow):
    config = enlarge(fresh)
    planned = fresh.run("--dry-run", "--printshellcmds", TABLE)
    assert planned.code == 0, planned.text
    commands = planned.lines_with("python ", "--code ")
    assert len(commands) == 1 + 440 // 2 * 3 + 74 + 1  # model, texts and statistics, masks, table
    assert max(map(len, commands)) < LONGEST
    [command] = planned.lines_with("scripts/tabulate_results.py")
    assert len(command) < 500
    grid = table_grids.whole_grid(config)
    write_json(fresh.folder / "results/tiny/grid.json", grid)
    for method in config.methods:
        write_record(fresh, method)
    (fresh.folder / "results/tiny/logs/tabulate_results/tiny-llama").mkdir(parents=True)
    command = command.partition("Shell command: ")[2]
    done = subprocess.run(["bash", "-c", command], cwd=fresh.folder, check=False)
    assert done.returncode == 0
    assert len(pd.read_csv(fresh.folder / TABLE)) == 74
