"""The load driver: what it can do at most."""

import tempfile
from pathlib import Path

from loadtests.doctor.check import Check
from loadtests.drivers.process import Driver, DriverFailed
from loadtests.runner.single_server import measure_ceiling
from loadtests.system.cores import Cores, pinned
from loadtests.system.errors import RunError

LEAST_RPS = 2000.0
"""About what the blog's cheapest routes reach on one slow core."""


def check_driver_ceiling(cores: Cores) -> Check:
    """Let the driver loose on a server that does nothing, for a second."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, pinned(cores.driver):
        try:
            with Driver(cores, Path(folder) / "driver" / "log") as driver:
                return judge_ceiling(measure_ceiling(cores, driver, Path(folder) / "null_server" / "log"), None)
        except (RunError, DriverFailed, OSError) as failure:
            return judge_ceiling(None, str(failure))


def judge_ceiling(ceiling_rps: float | None, failure: str | None) -> Check:
    """Ask for well more than the servers answer."""
    if ceiling_rps is None:
        mend = "mend what else is on this list; if nothing is, uv sync"
        return Check("driver ceiling", ok=False, finding=f"not measured: {failure}", mend=mend)
    finding = f"{ceiling_rps:,.0f} requests/s against a server that does nothing"
    if ceiling_rps < LEAST_RPS:
        mend = "take a quieter or faster machine: fast routes would show the driver, not the server"
        return Check("driver ceiling", ok=False, finding=finding, mend=mend)
    return Check("driver ceiling", ok=True, finding=finding)
