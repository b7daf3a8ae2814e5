"""Whether jobs can be submitted to SLURM from this machine, asked once before a run.

Without this, each of thousands of jobs would fail by itself, several times.
"""

import shutil
import subprocess
from collections.abc import Iterable

from multiprune.errors import InputError
from multiprune.registry import unknown_name

PATIENCE = 60  # seconds; a busy controller takes its time


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


def known_partitions() -> list[str]:
    """Names of the cluster's partitions."""
    try:
        done = subprocess.run(
            ["sinfo", "--noheader", "--format=%R"],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise InputError(f"sinfo: the SLURM controller did not answer in {PATIENCE} s") from None
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or str(error)
        raise InputError(f"sinfo: {' '.join(reason.split())}") from None
    return done.stdout.split()
