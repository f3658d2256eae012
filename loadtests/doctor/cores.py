"""Cores: enough of them, and how their clocks are governed."""

from collections.abc import Collection

from loadtests.doctor.check import Check
from loadtests.system.cores import Cores
from loadtests.system.machine import read_text

GOVERNOR = "/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"


def check_cores(cores: Cores) -> Check:
    """Ask for cores of their own for servers and driver."""
    if not cores.server:
        return Check(
            "cores",
            ok=False,
            finding="this system pins no process to a core: servers and driver may take each other's time",
            mend="measure on Linux; until then believe large differences only",
        )
    if not cores.separate:
        return Check(
            "cores",
            ok=False,
            finding="one core, which servers and driver must share",
            mend="use a machine or a container with two cores or more",
        )
    return Check("cores", ok=True, finding=f"servers on {_named(cores.server)}, driver on {_named(cores.driver)}")


def check_governor(cores: Cores) -> Check:
    """Read how the clock of each core is governed."""
    found = (read_text(GOVERNOR.format(core=core)) for core in cores.all or (0,))
    return judge_governors({governor for governor in found if governor})


def judge_governors(governors: Collection[str]) -> Check:
    """Ask for a clock that does not follow the load."""
    if not governors:
        return Check("governor", ok=True, finding="none is visible: the clock is not this system's to govern")
    moving = sorted(set(governors) - {"performance"})
    if moving:
        return Check(
            "governor",
            ok=False,
            finding=f"{', '.join(moving)}: the clock may follow the load, which favours the busier side",
            mend="sudo cpupower frequency-set -g performance",
        )
    return Check("governor", ok=True, finding="performance")


def _named(cores: tuple[int, ...]) -> str:
    if len(cores) > 1 and cores == tuple(range(cores[0], cores[-1] + 1)):
        return f"cores {cores[0]} to {cores[-1]}"
    return f"core{'s' if len(cores) > 1 else ''} {', '.join(map(str, cores))}"
