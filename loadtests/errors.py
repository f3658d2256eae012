"""The ways a command can fail, each with the exit status that scripts see."""


class BenchError(Exception):
    """A failure that is told in one line, never as a traceback."""

    exit_status = 3


class UsageError(BenchError):
    """What was asked for cannot be done; the message names the mend."""

    exit_status = 2


class RunError(BenchError):
    """The run could not be completed."""

    exit_status = 3


class Interrupted(BaseException):
    """SIGINT or SIGTERM arrived; whatever was finished is kept.

    Not an Exception, like KeyboardInterrupt: no library's ``except Exception`` must swallow it.
    """

    exit_status = 130
