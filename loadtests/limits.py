"""What the system allows a process."""

import contextlib
import resource


def allow_open_files() -> None:
    """Raise this process's limit on open files as far as it may: an open loop has a connection for each request."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS calls it unlimited, and takes no such number
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
