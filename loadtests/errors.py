"""The ways a command can fail, each with the exit status that scripts see."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def told(error: Exception, where: object) -> str:
    """Return what an error says in a sentence; of the system's, what it means for files at ``where``."""
    if not isinstance(error, OSError):
        return str(error)
    if error.errno in FULL:
        return f"no space is left for {where}"
    return f"{error.filename or where} can't be written or read: {error.strerror or error}"


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
    """SIGINT, SIGTERM or SIGHUP arrived; whatever was finished is kept.

    Not an Exception, like KeyboardInterrupt: no library's ``except Exception`` must swallow it.
    """

    exit_status = 130
