"""The audit finds what was damaged, what was made from other files, and what nobody makes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from multiprune.artefacts import sha256_file, write_json, write_tensors
from multiprune.audit import audit
from multiprune.manifests import write_manifest
from multiprune.masks import mask_hash, write_mask
from multiprune.table_files import write_table

SCRIPTS = Path(__file__).parents[2] / "scripts"


class Experiment:
    """A finished experiment of one model, one method and one language, made by hand."""

    def __init__(self, folder: Path):
        self.results, self.resources = folder / "results/x", folder / "resources"
        model = self.resources / "models/m"
        model.mkdir(parents=True)
        (model / "model.safetensors").write_bytes(b"weights")
        write_manifest(model, {"kind": "local"})
        self.run = self.results / "m/seed0"
        self.windows = self.run / "calibration/en.safetensors"
        self.statistics = self.run / "statistics/en.safetensors"
        self.mask = self.run / "masks/wanda/0.5.safetensors"
        self.record = self.run / "perplexity/wanda/0.5/en.json"
        self.table = self.results / "tables/perplexity.csv"
        self.write_windows(0)
        hashed = {"windows": sha256_file(self.windows)}
        write_tensors(self.statistics, {"sum": np.ones(4)}, hashed)
        inputs = {"model": "0" * 64, "en.safetensors": sha256_file(self.statistics)}
        packed = {"w": np.array([[240]], dtype=np.uint8)}
        write_mask(self.mask, packed, {"shapes": {"w": [1, 8]}, "inputs": inputs})
        write_json(self.record, {"provenance": {"mask": mask_hash(self.mask)}, "perplexity": 7.5})
        write_table(self.table, pd.DataFrame({"language": ["en"], "perplexity": [7.5]}))
        self.expected = [self.windows, self.statistics, self.mask, self.record, self.table]

    def write_windows(self, token: int) -> None:
        """Calibration windows of one token."""
        ids = np.full((2, 3), token, dtype=np.int32)
        write_tensors(self.windows, {"input_ids": ids}, {"seed": "0"})

    def findings(self) -> list[tuple[Path, str]]:
        """Paths and problems."""
        found = audit(self.results, self.resources, self.expected)
        return [(finding.path, finding.problem) for finding in found]


@pytest.fixture
def experiment(tmp_path):
    return Experiment(tmp_path)


def flip_last_digit(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content.replace(b"7.5", b"7.4"))


def flip_last_byte(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))


def test_a_finished_experiment_has_nothing_wrong(experiment):
    assert experiment.findings() == []


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("statistics", flip_last_byte),
        ("mask", flip_last_byte),
        ("record", flip_last_digit),
        ("table", flip_last_digit),
    ],
)
def test_damage_is_named_and_left_where_it_is(experiment, name, damage):
    path = getattr(experiment, name)
    damage(path)
    damaged = path.read_bytes()
    [(found, problem)] = experiment.findings()
    assert found == path
    assert "its SHA-256 differs from the one that it records" in problem
    assert path.read_bytes() == damaged


def test_a_truncated_file_cannot_be_read(experiment):
    experiment.mask.write_bytes(experiment.mask.read_bytes()[:-1])
    [(found, problem)] = experiment.findings()
    assert found == experiment.mask
    assert problem.startswith("cannot be read")


def test_a_download_that_changed_since(experiment):
    shard = experiment.resources / "models/m/model.safetensors"
    shard.write_bytes(b"weightS")
    assert experiment.findings() == [(shard, "has another SHA-256 than its manifest says")]


def test_what_was_made_from_other_files(experiment):
    experiment.write_windows(1)
    other = "was made from another calibration/en.safetensors"
    assert experiment.findings() == [(experiment.statistics, other)]
    write_mask(experiment.mask, {"w": np.array([[15]], dtype=np.uint8)}, {"shapes": {"w": [1, 8]}})
    assert (experiment.record, "was measured with another masks/wanda/0.5.safetensors") in (
        experiment.findings()
    )


def test_orphans_are_what_no_job_makes(experiment):
    orphan = experiment.run / "masks/owl/0.5.safetensors"
    write_mask(orphan, {"w": np.array([[15]], dtype=np.uint8)}, {"shapes": {"w": [1, 8]}})
    kept = ["logs/a.log", "benchmarks/a.jsonl", "m/cache/a.json", "report.html"]
    for name in kept:
        path = experiment.results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    assert experiment.findings() == [(orphan, "no job of this config makes it")]


def test_a_snakefile_that_cannot_be_read_is_one_line(experiment, tmp_path):
    done = subprocess.run(
        [
            sys.executable, SCRIPTS / "audit_results.py", "--snakefile", tmp_path / "none",
            "--results", experiment.results, "--resources", experiment.resources,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: snakemake --summary ended with 1: ")
    assert len(done.stderr.splitlines()) == 1
