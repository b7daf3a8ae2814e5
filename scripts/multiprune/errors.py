"""The one exception that a user can cause."""


class InputError(Exception):
    """A mistake in what was given: config, file, argument, or a service that cannot be reached.

    The message is one line that names the file or key, what was found and what is allowed or to be
    done. Command-line entries print it without a traceback and exit with code 1.
    """
