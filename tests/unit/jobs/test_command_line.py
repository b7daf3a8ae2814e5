import sys

import pytest

from multiprune.errors import InputError
from multiprune.jobs.command_line import check_dry_run, command_line, everything


def asked(monkeypatch: pytest.MonkeyPatch, *words: str):
    monkeypatch.setattr(sys, "argv", ["/usr/bin/snakemake", "--workflow-profile", "none", *words])
    return command_line()


def test_targets_and_options_are_those_that_were_typed(monkeypatch, capsys):
    typed = asked(monkeypatch, "-n", "masks", "tables", "--cores", "1")
    assert (typed.targets, typed.dryrun) == (["masks", "tables"], True)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys, "argv", ["pytest", "masks"])
    assert command_line() is None


def test_all_is_asked_for_by_its_name_or_by_none(monkeypatch):
    assert everything(asked(monkeypatch))
    assert everything(asked(monkeypatch, "all"))
    for part in (["masks"], ["all", "masks"], ["--until", "masks"]):
        assert not everything(asked(monkeypatch, *part))
    assert not everything(None)


def test_a_dry_run_writes_no_report(monkeypatch):
    report = ("--report", "a.html", "--report-after-run")
    check_dry_run(asked(monkeypatch, *report))
    check_dry_run(asked(monkeypatch, "-n"))
    with pytest.raises(InputError, match=r"-n changes no file, but --report would write a\.html"):
        check_dry_run(asked(monkeypatch, "-n", *report))
