"""Whether jobs can be submitted to SLURM from this machine, asked once before a run.

Without this, each of thousands of jobs would fail by itself, several times.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path

from multiprune.errors import InputError
from multiprune.registry import unknown_name

PATIENCE = 60  # seconds; a busy controller takes its time
SHOW = ("sacctmgr", "--noheader", "--parsable2", "show")
# A name, then limits on jobs that are pending or running together.
OF_ASSOCIATION = "Account,DefaultQOS,MaxSubmitJobs,GrpSubmitJobs"
OF_QOS = "Name,MaxSubmitPU,MaxSubmitPA,GrpSubmit"
NORMAL = "normal"  # the qos where an association names none


def check_submission(partitions: Iterable[str]) -> None:
    """Raise InputError unless sbatch is on PATH, the controller answers and has the partitions."""
    if shutil.which("sbatch") is None:
        raise InputError(
            "sbatch is not on PATH: --profile slurm needs a login node of a SLURM cluster; "
            "on one machine use --workflow-profile local"
        )
    allowed = sorted(set(known_partitions()))
    for partition in sorted(set(partitions) - set(allowed)):
        raise InputError(
            f"{unknown_name('SLURM partition', partition, allowed)} "
            "(slurm_partition, see docs/cluster.md)"
        )


def ask_again(programs: Path) -> None:
    """Let the sbatch of this folder, which asks again after a refusal, stand before SLURM's."""
    os.environ["PATH"] = os.pathsep.join([str(programs), os.environ["PATH"]])


def free_places(accounts: Collection[str], qos: Collection[str]) -> int | None:
    """How many more jobs SLURM lets this user submit now; None where no limit is known.

    The least limit of the user's associations with these accounts, or with all where none are
    named, and of these qualities of service, or of the associations' defaults. Raises InputError
    where there is no place at all.
    """
    user = pwd.getpwuid(os.getuid()).pw_name
    most = submit_limit(user, accounts, qos)
    if most is None:
        return None
    here = len(_asked("squeue", "--noheader", "--array", f"--user={user}", "--format=%i"))
    if here >= most:
        raise InputError(
            f"SLURM lets {user} have {most} jobs at a time, and {here} are there already; wait for "
            "some of them, or ask for another qos or account (docs/cluster.md)"
        )
    return most - here


def submit_limit(user: str, accounts: Collection[str], qos: Collection[str]) -> int | None:
    """The most jobs that a user may have pending or running; None where accounting knows none."""
    try:
        # Of the associations, what is inherited counts as well.
        rows = _asked(*SHOW, "assoc", f"user={user}", f"format={OF_ASSOCIATION}")
        rows = [row.split("|") for row in rows]
        rows = [row for row in rows if not accounts or row[0] in accounts]
        asked = set(qos) or {row[1] or NORMAL for row in rows}
        qualities = [row.split("|") for row in _asked(*SHOW, "qos", f"format={OF_QOS}")]
    except InputError:  # without accounting, or without sacctmgr
        return None
    rows += [["", *row] for row in qualities if row[0] in asked]
    limits = [int(value) for row in rows for value in row[2:] if value.isdecimal()]
    return min(limits, default=None)


def known_partitions() -> list[str]:
    """Names of the cluster's partitions."""
    return [word for line in _asked("sinfo", "--noheader", "--format=%R") for word in line.split()]


def _asked(*command: str) -> list[str]:
    """Lines that a command of SLURM's prints."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except subprocess.TimeoutExpired:
        raise InputError(
            f"{command[0]}: the SLURM controller did not answer in {PATIENCE} s"
        ) from None
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise InputError(f"{command[0]}: {' '.join(reason.split())}") from None
    return done.stdout.splitlines()
