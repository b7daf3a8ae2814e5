"""Which copied files may be taken for made by the jobs that are recorded of them."""

from pathlib import Path

import pytest

from multiprune.audit.taking_over import OTHER, judge
from multiprune.files.checksums import replacing_signed
from multiprune.files.manifests import MANIFEST
from multiprune.jobs.made import Made, content_of
from unit.audit.data import Experiment

LINKS = Path(".resources")


@pytest.fixture
def experiment(tmp_path, monkeypatch) -> Experiment:
    monkeypatch.chdir(tmp_path)
    return Experiment(Path())


def recorded(experiment: Experiment) -> dict[Path, Made]:
    """A record for each file; downloads stand under their links, as Snakemake knows them."""

    def known(path: Path) -> Path:
        below = path.is_relative_to(experiment.resources)
        return LINKS / path.relative_to(experiment.resources) if below else path

    made = dict.fromkeys((experiment.text, experiment.text.with_name(MANIFEST))) | experiment.made
    return {
        known(path): Made({"input": [str(known(name)) for name in names or ()]}, content_of(path))
        for path, names in made.items()
        if path.is_file()
    }


def judged(experiment: Experiment, made: dict[Path, Made]):
    return judge(experiment.results, experiment.resources, LINKS, made)


def test_all_of_a_whole_experiment(experiment):
    made = recorded(experiment)
    found = judged(experiment, made)
    assert (found.findings, found.unknown, found.again, found.missing) == ([], [], [], [])
    assert found.intact == sorted(made)
    assert (LINKS / "models/m/manifest.json").resolve() == (
        (experiment.model / "manifest.json").resolve()
    )


def test_a_file_of_another_run_is_not(experiment):
    made = recorded(experiment)
    with replacing_signed(experiment.caption) as temporary:
        temporary.write_text("whole, but not what the record is of")
    found = judged(experiment, made)
    assert [(one.path, one.problem) for one in found.findings] == [(experiment.caption, OTHER)]
    assert found.again == [experiment.caption]


def test_neither_is_one_without_a_record(experiment):
    made = recorded(experiment)
    del made[experiment.mask]
    found = judged(experiment, made)
    assert found.unknown == found.again == [experiment.mask]
    assert experiment.mask not in found.intact


def test_a_damaged_download_is_fetched_as_a_whole(experiment):
    made = recorded(experiment)
    experiment.text.write_text("{}\n")
    found = judged(experiment, made)
    assert [one.path for one in found.findings] == [experiment.text]
    below = LINKS / experiment.text.parent.relative_to(experiment.resources)
    assert {path.parent for path in found.again} == {below}
    assert LINKS / "models/m/manifest.json" in found.intact


def test_downloads_that_were_not_copied(experiment):
    made = recorded(experiment)
    experiment.text.unlink()
    found = judged(experiment, made)
    assert LINKS / experiment.text.relative_to(experiment.resources) in found.missing
