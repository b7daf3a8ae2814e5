"""The commands of a run's jobs: a script, and the digest of the code that the job is planned with.

Snakemake sees neither an edit of a script nor of what it imports; the digest is part of a job's
parameters, so that either reruns the job.
"""

import os
import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from multiprune.files.json import read_json, write_json
from multiprune.jobs.code_digest import code_digest

KEPT = Path(".snakemake/code_digests.json")


class PlannedJobs:
    """`job("prune_model.py")` is a job's command; digests are computed once a run."""

    def __init__(self, scripts: Path, plans: bool):
        """`plans`: whether this process plans the run.

        A job on a cluster reads the workflow again, perhaps hours later, and is still the job that
        was planned.
        """
        self.scripts = scripts
        self.plans = plans
        self.digests = {} if plans else read_json(KEPT)

    def __call__(
        self, name: str, modules: Callable[[Any], Iterable[str]] | None = None
    ) -> Callable[[Any], str]:
        """Parameter function: how the script is called, from the folder that jobs run in.

        `modules(wildcards)` are the modules that count because the job names them.
        """

        def command(wildcards: Any) -> str:
            digest = self._digest(name, tuple(modules(wildcards)) if modules else ())
            return shlex.join([os.path.relpath(self.scripts / name), "--code", digest])

        return command

    def keep(self) -> None:
        """Write down the digests for the jobs of this run; before the first of them."""
        if self.plans:
            write_json(KEPT, self.digests)

    def _digest(self, name: str, modules: tuple[str, ...]) -> str:
        key = " ".join([name, *modules])
        if key not in self.digests:
            self.digests[key] = " ".join([code_digest(self.scripts / name, modules), *modules])
        return self.digests[key]
