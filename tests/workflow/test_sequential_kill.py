"""A sequential prune that is killed between two blocks goes on with the same command."""

import shutil
from pathlib import Path

import pytest
import tiny
from workflow.expected import MODEL
from workflow.interruption import kill_when
from workflow.running import ROOT, Workflow

from multiprune.pruning.files import mask_hash

BLOCKS = 12
OVERLAY = "tiny_variants.yaml"
CONFIG = ("--configfile", "tiny.yaml", OVERLAY)
RUNS = f"results/tiny/{MODEL}/seed0"
TARGET = f"{RUNS}/masks/wanda-sequential/0.5.safetensors"
LOG = f"results/tiny/logs/prune_sequentially/{MODEL}/seed0/wanda-sequential/0.5.log"


@pytest.fixture
def deep(fresh: Workflow) -> Workflow:
    """Calibration windows of a model of many blocks, each of which takes many batches.

    So a kill behind the first block finds others to be done.
    """
    tiny.write_llama(fresh.folder / "inputs/model", num_hidden_layers=BLOCKS)
    shutil.copy2(ROOT / "tests/config" / OVERLAY, fresh.folder)
    with fresh.edit_config() as config:
        config["calibration"]["samples"] = 64
        config["compute"] = {"batch_tokens": 16}
    windows = [f"{RUNS}/calibration/{language}.safetensors" for language in ("de", "en")]
    run(fresh, *windows)
    return fresh


def run(workflow: Workflow, *targets: str) -> None:
    """Make the targets, and all goes well."""
    outcome = workflow.run("--show-failed-logs", *targets, *CONFIG, config=False)
    assert outcome.code == 0, outcome.text


def kept_blocks(workflow: Workflow) -> list[Path]:
    """Files of the blocks that a job has finished so far."""
    return sorted((workflow.folder / f"{TARGET}.progress").glob("block-*.safetensors"))


def test_the_same_command_finishes_with_the_same_mask(deep: Workflow, tmp_path: Path):
    undisturbed = deep.copy(tmp_path / "undisturbed")
    run(undisturbed, TARGET)
    command = ("--cores", "2", "--rerun-incomplete", "--show-failed-logs", TARGET, *CONFIG)
    kill_when(lambda: bool(kept_blocks(deep)), deep, deep.command(*command, config=False))
    finished = len(kept_blocks(deep))
    assert 0 < finished < BLOCKS
    mask = deep.folder / TARGET
    assert not mask.exists()
    assert deep.run("--unlock", *CONFIG, config=False).code == 0
    resumed = deep.run(*command, config=False)
    assert resumed.code == 0, resumed.text
    lines = [line for line in (deep.folder / LOG).read_text().splitlines() if "block " in line]
    assert [line.split(":")[0] for line in lines] == [f"block {n}" for n in range(BLOCKS)]
    earlier = [line.endswith("by an earlier job") for line in lines]
    assert earlier == [number < finished for number in range(BLOCKS)]
    assert mask_hash(str(mask)) == mask_hash(str(undisturbed.folder / TARGET))
    assert mask.read_bytes() == (undisturbed.folder / TARGET).read_bytes()
    # The kept blocks are gone, folder and all.
    assert set(mask.parent.iterdir()) == {mask, mask.with_suffix(".json")}
