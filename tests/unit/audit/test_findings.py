"""The audit finds what was damaged, what was made from other files, and what nobody makes."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from multiprune.files.checksums import origin_of
from multiprune.files.hashes import sha256_file
from multiprune.pruning.files import pruning_hash
from unit.audit.data import Experiment

SCRIPTS = Path(__file__).parents[3] / "scripts"
DIFFERS = "is not what was written: its SHA-256 differs from the one that it records"
OF_TASK = "has another SHA-256 than its task.json says"
OF_MANIFEST = "has another SHA-256 than its manifest says"
GONE = "which it belongs to, is gone"


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Experiment(Path())


def flip(path: Path, place: int = -1) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def flip_last_digit(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"7.5", b"7.4"))


def test_a_finished_experiment_has_nothing_wrong(experiment):
    assert experiment.findings() == []


@pytest.mark.parametrize(
    ("name", "damage", "problem"),
    [
        ("windows", flip, DIFFERS),
        ("statistics", flip, DIFFERS),
        ("mask", flip, DIFFERS),
        ("record", flip_last_digit, DIFFERS),
        ("cached", flip_last_digit, DIFFERS),
        ("table", flip_last_digit, DIFFERS),
        ("page", flip, DIFFERS),
        ("claims", flip, DIFFERS),
        ("caption", flip, DIFFERS),
        ("figure", flip, DIFFERS),
        ("rows", flip, OF_TASK),
        ("harness", flip, OF_TASK),
        ("text", flip, OF_MANIFEST),
    ],
)
def test_damage_is_named_once_and_left_where_it_is(experiment, name, damage, problem):
    path = getattr(experiment, name)
    damage(path)
    damaged = path.read_bytes()
    assert experiment.findings() == [(path, problem)]
    assert path.read_bytes() == damaged


def test_damage_leaves_the_rest_compared(experiment):
    flip(experiment.mask)
    experiment.write_windows(1)
    [damage, other] = experiment.findings()
    assert damage == (experiment.mask, DIFFERS)
    assert other[0] == experiment.statistics


def test_a_truncated_file_cannot_be_read(experiment):
    experiment.mask.write_bytes(experiment.mask.read_bytes()[:-1])
    [(found, problem)] = experiment.findings()
    assert found == experiment.mask
    assert problem.startswith("cannot be read")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"[1]", "is not a JSON object"),
        (b"{", "is not JSON ("),
        (b"\xff\xfe", "is not JSON ("),
        (b"{}", "records no SHA-256 of itself"),
    ],
)
@pytest.mark.parametrize("name", ["record", "cached"])
def test_a_record_of_another_kind(experiment, name, content, problem):
    path = getattr(experiment, name)
    path.write_bytes(content)
    [(found, line)] = experiment.findings()
    assert found == path
    assert line.startswith(problem)


@pytest.mark.parametrize("content", [b"", b"\xff\x00\xfe", b"no hash  perplexity.csv\n", b"[]"])
def test_a_broken_origin(experiment, content):
    origin_of(experiment.table).write_bytes(content)
    [(path, problem)] = experiment.findings()
    assert path == experiment.table
    assert problem.startswith(".perplexity.csv.origin.json beside it is not ")


@pytest.mark.parametrize("name", ["table", "figure", "page"])
def test_what_nothing_tells_is_named(experiment, name):
    path = getattr(experiment, name)
    origin_of(path).unlink()
    assert experiment.findings() == [(path, f"has no {origin_of(path).name} beside it")]


def test_a_damaged_origin(experiment):
    origin = origin_of(experiment.table)
    flip(origin, 20)
    problem = f"{origin.name} beside it {DIFFERS}"
    assert experiment.findings() == [(experiment.table, problem)]


@pytest.mark.parametrize("name", ["model", "text"])
def test_a_broken_manifest_is_named_and_left(experiment, name):
    folder = getattr(experiment, name)
    manifest = (folder if folder.is_dir() else folder.parent) / "manifest.json"
    manifest.write_text("{")
    flip(experiment.other_text)
    found = dict(experiment.findings())
    assert found.keys() == {manifest, experiment.other_text}
    assert found[manifest].startswith("is not JSON (")
    assert manifest.read_text() == "{"


def test_an_export_is_compared_with_its_manifest(experiment):
    folder = experiment.run / "export/wanda/0.5"
    shutil.copytree(experiment.model, folder)
    (folder / "tokens.json").write_text("[]")  # the checkpoint's own, in the manifest or not
    assert experiment.findings() == []
    flip(folder / "model.safetensors")
    assert experiment.findings() == [(folder / "model.safetensors", OF_MANIFEST)]


def test_a_missing_file_of_a_task(experiment):
    experiment.rows.unlink()
    assert experiment.findings() == [(experiment.rows, "is missing")]


OTHERS = {
    "model": (
        lambda e: e.write_downloads("Weights", "text"),
        "windows statistics mask record score",
    ),
    "text": (lambda e: e.write_downloads("weights", "Text"), "windows record task"),
    "windows": (lambda e: e.write_windows(1), "statistics"),
    "statistics": (lambda e: e.write_statistics(2), "mask"),
    "mask": (lambda e: e.write_mask(15), "record score"),
    "record": (lambda e: e.write_record(7.25), "table"),
    "task": (lambda e: e.write_task(2), "score"),
    "table": (lambda e: e.write_table(7.25), "claims figure"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_what_was_made_from_other_files(experiment, name):
    change, names = OTHERS[name]
    change(experiment)
    source = getattr(experiment, name)
    source = source / "manifest.json" if name == "model" else source
    found = experiment.findings()
    assert {path for path, _problem in found} == {getattr(experiment, n) for n in names.split()}
    assert {problem for _path, problem in found} == {f"was made from another {source}"}


def test_an_input_is_not_taken_for_another(experiment):
    other = experiment.statistics.with_name("de.safetensors")
    shutil.copyfile(experiment.statistics, other)
    experiment.write_statistics(2)
    experiment.write_mask(
        240, {path.name: sha256_file(path) for path in (experiment.statistics, other)}
    )
    experiment.made[experiment.mask].append(other)
    experiment.made[other] = []
    assert experiment.findings() == []
    swapped = experiment.statistics.read_bytes()
    shutil.copyfile(other, experiment.statistics)
    other.write_bytes(swapped)
    assert [path for path, _problem in experiment.findings()] == [experiment.mask] * 2


def test_the_metadata_of_a_mask_is_no_input_of_records(experiment):
    before = pruning_hash(experiment.mask)
    experiment.write_statistics(2)
    experiment.write_mask(240)
    assert pruning_hash(experiment.mask) == before
    assert experiment.findings() == []


def test_a_record_is_not_of_the_other_languages_text(experiment):
    shutil.copyfile(experiment.text, experiment.other_text)
    assert [path for path, _ in experiment.findings()] == [experiment.other_text]


def test_times_that_jobs_take_are_no_input(experiment):
    experiment.times.write_text('{"s": 2}\n')
    assert experiment.findings() == []


def test_without_snakemakes_memory_checksums_alone_are_compared(experiment):
    experiment.write_windows(1)
    experiment.made = dict.fromkeys(experiment.made)
    assert experiment.findings() == []


KEPT = ["logs/a.log", "slurm/a.log", "benchmarks/a.jsonl", "report.html", "a.json"]


def test_orphans_are_what_no_job_makes(experiment):
    orphans = ["m/seed0/masks/owl/0.5.safetensors", "tasks/cache/en/test.jsonl"]
    orphans += ["m/seed0/perplexity/cache/0.5/en.csv", "m/seed0/sweep/logs/export.csv"]
    for name in [*KEPT, *orphans]:
        path = experiment.results / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".safetensors":
            shutil.copyfile(experiment.mask, path)
        else:
            path.write_text("[]")
    found = dict(experiment.findings())
    assert set(found) == {experiment.results / name for name in orphans}
    assert set(found.values()) == {"no job of this config makes it"}


def test_an_origin_whose_file_is_gone(experiment):
    experiment.table.unlink()
    assert experiment.findings() == [(origin_of(experiment.table), f"perplexity.csv, {GONE}")]


class Script:
    """`audit.py` with a program in place of Snakemake that prints what is made."""

    def __init__(self, experiment: Experiment):
        self.experiment = experiment
        self.snakemake = Path("snakemake").absolute()
        Path("summary.tsv").write_text(experiment.summary())
        self.snakemake.write_text('#!/bin/sh\necho "$@" > asked\ncat summary.tsv\n')
        self.snakemake.chmod(self.snakemake.stat().st_mode | stat.S_IXUSR)

    def __call__(
        self, *arguments: object, results: Path | None = None
    ) -> subprocess.CompletedProcess:
        command = [sys.executable, SCRIPTS / "audit.py", "--python", self.snakemake]
        command += ["--results", results or self.experiment.results, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)


def test_orphans_are_deleted_with_what_stands_beside_them_and_nothing_else(experiment):
    expected = set(Path("results").rglob("*"))
    orphan = experiment.results / "tables/downstream.csv"
    for beside in (lambda path: path, origin_of):
        shutil.copyfile(beside(experiment.table), beside(orphan))
    lone = experiment.results / "tables/.gone.csv.origin.json"
    lone.write_text("")
    audit = Script(experiment)
    done = audit()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].endswith("0 damaged or made from other files, 2 orphans")
    assert orphan.is_file()
    assert lone.is_file()
    done = audit("--delete-orphans", "--configfile", "x.yaml")
    assert done.stdout.splitlines()[-1].endswith("2 orphans, deleted")
    assert set(Path("results").rglob("*")) == expected
    assert "--detailed-summary --configfile x.yaml" in Path("asked").read_text()


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("results/other", "the config makes nothing in it; give its --configfile"),
        ("results", "is not the folder of an experiment"),
        ("results/x/tables", "is not the folder of an experiment"),
        ("resources/models", "is not the folder of an experiment"),
    ],
)
@pytest.mark.parametrize("options", [(), ("--delete-orphans",)])
def test_a_folder_that_is_not_the_configs_is_refused(experiment, folder, message, options):
    other = Path("results/other/tables/perplexity.csv")
    other.parent.mkdir(parents=True)
    shutil.copyfile(experiment.table, other)
    before = set(Path().rglob("*"))
    done = Script(experiment)(*options, results=Path(folder))
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {folder}: {message}")
    assert len(done.stderr.splitlines()) == 1
    assert before <= set(Path().rglob("*"))


def test_a_damaged_result_fails_and_unknown_inputs_are_counted(experiment):
    flip(experiment.mask)
    experiment.made[experiment.record] = None
    done = Script(experiment)("--delete-orphans")
    assert done.returncode == 1
    assert experiment.mask.is_file()  # damaged, and no orphan
    assert done.stdout.splitlines()[0] == f"{experiment.mask}: {DIFFERS}"
    assert "audit: of 1 files Snakemake no longer knows" in done.stdout
    assert done.stderr == "error: remove the files above and run the experiment's command again\n"


def test_a_snakefile_that_cannot_be_read_is_one_line(experiment, tmp_path):
    done = subprocess.run(
        [
            sys.executable, SCRIPTS / "audit.py", "--snakefile", tmp_path / "none",
            "--results", experiment.results, "--resources", experiment.resources,
        ],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("error: snakemake --detailed-summary ended with 1: ")
    assert len(done.stderr.splitlines()) == 1
