"""A clone of the repository, and what `snakemake -n --profile slurm` plans in it."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from cluster import measured
from conda.conda_standin import install
from workflow.running import ROOT, RULE, Outcome, planned_jobs

SLURM = ("sbatch", "srun", "sacct", "sacctmgr", "scontrol", "sinfo", "squeue", "scancel", "sshare")
COMMAND = ("snakemake", "-n", "--profile", "slurm")
NOBODY = "http://127.0.0.1:9"  # a proxy that refuses


@dataclass
class Plan(Outcome):
    """What was printed, the seconds, and the memory of the largest process in GiB."""

    seconds: float
    gibibytes: float

    @property
    def jobs(self) -> set[str]:
        """The jobs that are planned, each as its rule and its wildcards' values."""
        return planned_jobs(self.text)


def resources_by_rule(text: str) -> dict[str, dict[str, str]]:
    """What the last job of each rule asks for, from what a dry run printed."""
    found = {}
    for line in text.splitlines():
        if match := RULE.match(line):
            rule = match[1]
        elif line.startswith("    resources: "):
            pairs = line.removeprefix("    resources: ").split(", ")
            found[rule] = dict(pair.split("=", 1) for pair in pairs)
    return found


def clone(folder: Path) -> None:
    """Copy what a clone holds once the work here is committed: all files that git keeps."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    for name in listed.stdout.rstrip("\0").split("\0"):
        source, target = ROOT / name, folder / name
        if source.is_symlink() or source.exists():  # not deleted since the last commit
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target, follow_symlinks=False)


def link_programs(folder: Path, without: Collection[str]) -> Path:
    """A folder with links to every program on PATH but some."""
    folder.mkdir()
    for place in os.get_exec_path():
        for path in Path(place).glob("*"):
            if path.name not in without and not (folder / path.name).is_symlink():
                (folder / path.name).symlink_to(path)
    return folder


def bare_machine(folder: Path) -> dict[str, str]:
    """All variables of a machine without network, tokens, GPUs, SLURM and conda.

    The home is empty, so that no token, cache or Snakemake profile of a user is found in it.
    """
    folder.mkdir()
    programs = link_programs(folder / "programs", without=(*SLURM, "conda", "nvidia-smi"))
    home = folder / "home"
    home.mkdir()
    return {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), str(programs)]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "HF_HUB_OFFLINE": "1",
        "CUDA_VISIBLE_DEVICES": "",
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), NOBODY),
    }


def with_conda(environment: dict[str, str], folder: Path) -> dict[str, str]:
    """The variables with the stand-in for conda, written to a folder, on PATH."""
    path = os.pathsep.join([str(install(folder)), environment["PATH"]])
    return environment | {"PATH": path}


def plan(project: Path, environment: dict[str, str], *targets: str) -> Plan:
    """Type the command in a folder, on two cores, to list jobs too; without targets it is all."""
    report = project / "measured.json"
    done = subprocess.run(
        [sys.executable, measured.__file__, str(report), *COMMAND, "--quiet=host", *targets],
        cwd=project,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return Plan(done.returncode, done.stdout, **json.loads(report.read_text()))
