"""The harness: designed A/B load tests of two servers, from plan to report.

Its packages, called rooms, stand in layers, ``cli`` on top and ``system`` at the bottom; imports go down only. A module
that is called pure computes from its arguments alone: no file, clock, process or network.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtests.records.opened_run import OpenedRun

__all__ = ["open_run"]


def open_run(path: Path | str) -> "OpenedRun":
    """Open a run's folder to read its plan, its results and its samples; see docs/data.md.

    Raises:
        UnreadableRun: it is no run, or one of another schema version.
    """
    from loadtests.records.opened_run import open_run as opened  # noqa: PLC0415 - most who import this package need none

    return opened(path)
