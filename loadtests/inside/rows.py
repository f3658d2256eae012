"""The rows that an observed server writes, many times a second: the fields and how they are packed."""

from __future__ import annotations

FIELDS = (
    ("time_s", "d"),
    ("cpu_s", "d"),
    ("lag_s", "f"),
    ("in_flight", "h"),
    ("threads", "h"),
    ("threads_waiting", "h"),
    ("connections", "h"),
    ("connections_waiting", "h"),
    ("threads_blocked", "h"),
    ("turns_waiting", "h"),
)
"""Name and ``struct`` format of each field."""
FORMAT = "<" + "".join(kind for _, kind in FIELDS)
MOST = 2**15 - 1
"""The largest count that a row can hold."""
UNKNOWN = -1
"""A count that this server does not have, or that could not be read."""
SUFFIX = ".rows"
"""Of the files that rows are appended to, one for each process of a server."""
