"""The one exception that a user can cause, and how values stand in its message."""

import reprlib

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 100  # characters
_SHORT.maxlist = 12


class InputError(Exception):
    """A mistake in what was given: config, file, argument, or a service that cannot be reached.

    The message is one line that names the file or key, what was found and what is allowed or to be
    done. Command-line entries print it without a traceback and exit with code 1.
    """


def shown(value: object) -> str:
    """A value as it stands in a message: on one line, shortened in the middle if it is long."""
    return _SHORT.repr(value)


def in_one_line(error: Exception) -> str:
    """What a library raised, as it stands in the message of an InputError."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 300 else f"{text[:297]}..."
