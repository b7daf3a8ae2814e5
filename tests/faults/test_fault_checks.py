"""The checks of `make test-faults` can fail: each sees what it is there to see."""

import random
import sys

import pytest
from faults.calls import Call, Impossible, Missed, Ran, jobs_in
from faults.contents import contents, differences, half_written, numeric_hash, set_aside
from faults.damage import harm
from faults.experiment import Trial
from faults.inject import all_of, chosen, listing
from faults.obstacles import can_write, unwritable
from faults.table import FAMILIES
from workflow.running import ROOT, Workflow

PRINTED = """
localrule sample_calibration:
    input: a
    jobid: 4
    reason: Missing output files: b
    wildcards: model=tiny, seed=0, language=de

rule tables:
    jobid: 0
Error in rule sample_calibration:
    jobid: 4
Finished jobid: 0 (Rule: tables)
"""
TRACEBACK = 'Traceback (most recent call last):\n  File "{}", line 1, in <module>\n'
TABLE = "method,ratio,measurement\nwanda,1.50,perplexity\nowl,3.2,time ratio\n"


@pytest.fixture
def folder(tmp_path):
    """A table, a record, and what is not compared: a log and the evaluation cache."""
    for name in ("tables/a.csv", "tiny/r.json", "logs/l.json", "tiny/cache/c.json"):
        path = tmp_path / "results/tiny" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TABLE)
    return tmp_path


def test_jobs_are_read_from_what_snakemake_prints():
    assert jobs_in(PRINTED) == ({"sample_calibration tiny 0 de", "tables"}, {"tables"})


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [("1.50", "1.5", True), ("1.50", "1.51", False), ("3.2", "4", True), ("owl,", "ria,", True),
     ("wanda", "ria", False), ("wanda,1.50,perplexity\n", "", False)],
)  # fmt: skip
def test_only_numbers_that_were_not_measured_count(tmp_path, old, new, same):
    (tmp_path / "a.csv").write_text(TABLE)
    (tmp_path / "b.csv").write_text(TABLE.replace(old, new))
    assert (numeric_hash(tmp_path / "a.csv") == numeric_hash(tmp_path / "b.csv")) is same


def test_every_difference_is_seen(folder):
    table, record = "results/tiny/tables/a.csv", "results/tiny/tiny/r.json"
    expected = contents(folder)
    assert set(expected) == {table, record}
    assert differences(expected, expected, True, [table]) == []
    (folder / record).unlink()
    assert differences(expected, contents(folder), True, [table]) == [f"{record} is missing"]
    assert differences(expected, contents(folder), False, [table]) == []
    (folder / table).write_text(TABLE.replace("1.50", "1.6"))
    found = differences(expected, contents(folder), False, [table])
    assert found == [f"{table} differs from an undisturbed run"]
    (folder / table).rename(folder / "results/tiny/tables/b.csv")
    assert len(differences(expected, contents(folder), False, [table])) == 2


def test_leftovers_are_seen(folder):
    (folder / "results/tiny/.a.json.12.tmp").touch()
    (folder / "results/tiny/b.json.corrupt").touch()
    assert half_written(folder) == ["results/tiny/.a.json.12.tmp"]
    assert set_aside(folder) == {"results/tiny/b.json"}


def test_trial_complains(folder):
    trial = Trial(Workflow(folder), [], {"a", "b"}, {}, contents(folder))
    trial.note(Ran(-9, "", {"a", "b"}, {"a"}))
    assert trial.judge() == []
    trial.note(Ran(1, TRACEBACK.format("/usr/lib/snakemake/dag.py"), {"a"}, set()))
    assert trial.judge() == []
    trial.note(Ran(0, TRACEBACK.format("/tmp/x/scripts/a.py"), {"a", "c"}, {"a", "c"}))
    assert trial.finished_again(before=1) == ["a had finished and ran again"]
    wrong = trial.judge(aside=frozenset(["results/x"]))
    assert wrong == [
        "a traceback was printed",
        "c ran without need",
        "results/x was not set aside",
    ]
    (folder / "results/y.corrupt").touch()
    assert "results/y was set aside" in trial.judge()


@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_harm_changes_the_file_but_not_its_time_nor_what_it_links_to(tmp_path, how):
    (tmp_path / "target").write_text('{"a": 1}')
    (tmp_path / "link").symlink_to(tmp_path / "target")
    time = (tmp_path / "target").stat().st_mtime_ns
    harm(tmp_path / "link", random.Random(0), how)
    assert (tmp_path / "target").read_text() == '{"a": 1}'
    assert (tmp_path / "link").read_bytes() != b'{"a": 1}'
    assert (tmp_path / "link").stat().st_mtime_ns == time


def test_a_folder_is_read_only_only_within(tmp_path):
    try:
        with unwritable(tmp_path):
            assert not can_write(tmp_path)
    except Impossible as error:  # root in a container without rights over its files
        pytest.skip(str(error))
    assert can_write(tmp_path)


@pytest.fixture
def call(tmp_path):
    """A call whose one process is a script that writes a file over and over."""
    (tmp_path / "scripts").mkdir()
    (tmp_path / "scripts/endless.py").write_text(
        "while True:\n    with open('written', 'wb') as file:\n        file.write(bytes(100_000))\n"
    )
    call = Call([sys.executable, "scripts/endless.py"], tmp_path)
    yield call
    call.kill_all()


def test_a_disk_is_full(call):
    call.fill_disk("endless", 50_000)
    ran = call.end()
    assert ran.code == 1
    assert "File too large" in ran.text


def test_a_script_is_found_and_killed(call):
    assert call.wait_for_script("endless").name == "endless"
    assert call.kill_script() == "endless"
    assert call.end().code == -9
    assert call.scripts() == []
    with pytest.raises(Missed):
        call.wait_for_script()
    with pytest.raises(Missed):
        call.kill_snakemake()


def test_the_shortest_form_has_every_family_once():
    for seed in (0, 1):
        names = [name for name, _fault in chosen(len(FAMILIES), seed)]
        assert names == list(FAMILIES)
    assert len({fault for _name, fault in chosen(all_of(), 0)}) == all_of()
    assert chosen(len(FAMILIES), 0) != chosen(len(FAMILIES), 1)


def test_the_documentation_counts_them():
    assert (ROOT / "docs/demo/faults.md").read_text() == listing(), "make docs"
