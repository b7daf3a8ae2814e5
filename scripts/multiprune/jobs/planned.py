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


class PlannedJobs:
    """`job("prune_model.py")` is a job's command; digests are computed once a run."""

    def __init__(self, scripts: Path, kept: Path, plans: bool):
        """`kept`: where the digests of a run are kept; `plans`: whether this process plans the run.

        A job on a cluster reads the workflow again, perhaps hours later, and is still the job that
        was planned.
        """
        self.scripts = scripts
        self.kept = kept
        self.plans = plans
        self.codes = {} if plans else read_json(kept)

    def __call__(
        self, name: str, modules: Callable[[Any], Iterable[str]] | None = None
    ) -> Callable[[Any], str]:
        """Parameter function: how the script is called, from the folder that jobs run in.

        `modules(wildcards)` are the modules that count because the job names them.
        """

        def command(wildcards: Any) -> str:
            code = self._code(name, tuple(modules(wildcards)) if modules else ())
            return shlex.join([os.path.relpath(self.scripts / name), "--code", code])

        return command

    def keep(self) -> None:
        """Write down the digests for the jobs of this run; before the first of them."""
        if self.plans:
            write_json(self.kept, self.codes)

    def _code(self, name: str, modules: tuple[str, ...]) -> str:
        """The digest, and behind it the modules that it was computed with."""
        key = " ".join([name, *modules])
        if key not in self.codes:
            self.codes[key] = " ".join([code_digest(self.scripts / name, modules), *modules])
        return self.codes[key]
