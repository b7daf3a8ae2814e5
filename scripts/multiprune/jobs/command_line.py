"""What the Snakemake that reads the workflow was asked for.

`workflow.dag_settings` is None while a Snakefile is read: the command line itself is read again.
"""

import io
import sys
from argparse import Namespace
from contextlib import redirect_stderr
from pathlib import Path

from multiprune.errors import InputError


def command_line() -> Namespace | None:
    """Snakemake's options, those of profiles included; None where other code calls Snakemake."""
    program = Path(sys.argv[0])
    if "snakemake" not in (program.name, program.parent.name):
        return None
    from snakemake.cli import parse_args  # which jobs do not have

    with redirect_stderr(io.StringIO()):  # it names the profiles once more
        return parse_args(None)[1]


def check_dry_run(asked: Namespace | None) -> None:
    """Raise InputError where a dry run would write a report: -n changes no file."""
    if asked and asked.dryrun and asked.report:
        path = asked.report if isinstance(asked.report, str | Path) else "a report"
        raise InputError(f"-n changes no file, but --report would write {path}; leave out one")


def everything(asked: Namespace | None) -> bool:
    """Whether a run was asked for all that the config stands for, and not for a part."""
    if asked is None:
        return False
    parts = (asked.until, asked.omit_from, asked.allowed_rules)
    return not any(parts) and set(asked.targets or ()) <= {"all"}
