"""What every command-line entry shares: where it runs, and errors a person can read."""

import json
import os
import sys
from collections.abc import Callable

from multiprune.errors import InputError
from multiprune.files.aside import RUN
from multiprune.jobs.code_digest import code_digest

ENVIRONMENT = "environment: "  # begins a job's log


def run(main: Callable[[], None], log_environment: bool = True) -> None:
    """Run `main`; a user's mistake becomes one line on stderr and exit code 1.

    The interpreter's prefix is logged first, since with conda a failed activation would otherwise
    go unnoticed; not for what a person starts by hand. Rules put `--code DIGEST` before all
    options: the digest of the code that their jobs were planned with, and after it, as one word
    with spaces, the modules that the job names.
    """
    if log_environment:
        print(f"{ENVIRONMENT}{sys.prefix}", file=sys.stderr)
    try:
        _check_code()
        main()
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, which is not imported here
            raise
        advice = (
            "lower compute.batch_tokens (sequential propagation: compute.activation_memory_gb, "
            "downstream tasks: evaluation.downstream.batch_size) in the config, or run one job a "
            "GPU: --resources gpu=1"
        )
        print(f"error: the GPU is out of memory; {advice}", file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # of `| head`, which has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        sys.exit(1)


def _check_code() -> None:
    """Take --code from the command line, and compare it with the code that is there by now.

    InputError for a job of a run: Snakemake would remember its output as that of the code that it
    had planned with, also when the edit is taken back. A command that is given by hand warns.
    """
    if sys.argv[1:2] != ["--code"]:
        return
    planned, *named = sys.argv[2].split()
    del sys.argv[1:3]
    try:
        current = code_digest(sys.argv[0], named)
    except (OSError, SyntaxError):  # in the middle of an edit
        current = None
    if current != planned:
        edited = f"{sys.argv[0]}: its code was edited after this run had been planned"
        if RUN in os.environ:
            raise InputError(f"{edited}; run the same command again")
        print(f"warning: {edited}", file=sys.stderr)


def text_by_language(option: str, text: str, meaning: str, example: str) -> dict[str, str]:
    """The JSON object {language: text} of a command-line option; InputError for anything else."""
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    if not isinstance(content, dict) or not all(isinstance(v, str) for v in content.values()):
        expected = json.dumps({"sw": example})
        raise InputError(
            f"{option}: found {text}, a JSON object of {meaning} is expected, such as {expected}"
        )
    return content
