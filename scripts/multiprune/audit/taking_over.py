"""Results that were copied here: which may be taken for made by the jobs that are recorded of them.

A file is taken over if its content is what the record is of, if no checksum says otherwise, and if
what it was made from stands here too. Whether code and config are still those of the record is for
Snakemake to say, which is given the record.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from multiprune.audit.findings import KEPT, Finding, files_below, problems
from multiprune.files.writing import link
from multiprune.jobs.made import Made, content_of

OTHER = "is not the file that the record beside the results is of"


@dataclass(frozen=True)
class Judged:
    """What may be taken over, what is wrong, what nobody knows, which downloads are not here."""

    intact: list[Path]
    findings: list[Finding]
    unknown: list[Path]
    again: list[Path]  # files of jobs that stand and are not taken over
    missing: list[Path]


def judge(results: Path, resources: Path, links: Path, made: Mapping[Path, Made]) -> Judged:
    """Hold an experiment's files against what is recorded of them.

    links: where Snakemake knows the downloads; links that are missing are made.
    """
    missing = [path for path in made if not linked(path, resources, links)]
    standing = {path: entry for path, entry in made.items() if path.is_file()}
    inputs = {
        path: [Path(name) for name in entry.record.get("input") or ()]
        for path, entry in made.items()
    }
    findings = problems(results, resources, inputs)
    harmed = {found.path.resolve() for found in findings}
    findings += [
        Finding(path, OTHER)
        for path, entry in standing.items()
        if path.resolve() not in harmed and entry.content not in ("", content_of(path))
    ]
    harmed |= {found.path.resolve() for found in findings}
    # A file of a download is not taken over alone: what is damaged is fetched with its folder.
    folders = {moved(found.path.parent, resources, links) for found in findings}
    intact = {
        path
        for path in standing
        if path.resolve() not in harmed
        and not (path.is_relative_to(links) and path.parent in folders)
    }
    unknown = {path for path in made_files(results) if path not in made}
    return Judged(
        intact=sorted(intact),
        findings=findings,
        unknown=sorted(unknown),
        again=sorted(standing.keys() - intact | unknown),
        missing=sorted(missing),
    )


def moved(path: Path, old: Path, new: Path) -> Path:
    """A path below one folder as it is below another; any other path as it is."""
    return new / path.relative_to(old) if path.is_relative_to(old) else path


def linked(path: Path, resources: Path, links: Path) -> bool:
    """Make the link to a download's file unless it stands; whether there is such a file."""
    if not path.is_relative_to(links):
        return True
    place = moved(path, links, resources)
    if place.is_file() and not path.is_file():
        link(place, path)
    return place.is_file()


def made_files(results: Path) -> list[Path]:
    """Files below an experiment's folder, less what jobs do not make or are asked for by name."""
    return [
        path
        for path in files_below(results)
        if not KEPT.match(path.relative_to(results).as_posix())
    ]
