"""One second of the machine, while it does nothing but count on one core.

Cores: enough of them, and how their clocks are governed.

What others take of the machine, seen from inside (load, steal) and by its effect (noise).

The clock that times every request.

The load driver: what it can do at most.
"""

import math
import statistics
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from loadtests.doctor import Check
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed
from loadtests.records.manifest import MachineRecord
from loadtests.runner.cell import total_usage
from loadtests.runner.single_server import measure_ceiling
from loadtests.system.cores import Cores, pinned
from loadtests.system.errors import RunError
from loadtests.system.machine import read_text
from loadtests.system.resources import read_usage, usage_between

WINDOW_S = 0.025
WINDOWS = 40
WORK = range(200)
"""Added up between two looks at the clock: some microseconds."""
GOVERNOR = "/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"
LOAD_MOST = 0.5
"""Load average per core."""
FOREIGN_MOST = 0.05
STEAL_MOST = 0.02
NOISE_MOST = 0.05
BLOCKS = 6
T_975 = 2.571
"""Student's t for a 95 % interval over 6 blocks."""
SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
RESOLUTION_MOST_S = 1e-6
READ_MOST_S = 1e-6
STEP_MOST_S = 0.01
READS = 2000
LEAST_RPS = 2000.0
"""About what the blog's cheapest routes reach on one slow core."""


@dataclass(frozen=True)
class Sample:
    """What was seen in that second.

    Attributes:
        cores: how many the machine has, ours or not: its load average counts them all.
        load_average: over one minute, before the sample.
        machine: time that was stolen, and used by others.
        speeds: work done per second in each window of 25 ms, one after another.
        wall_step_s: by how much the wall clock ran ahead of the monotonic one.
    """

    cores: int
    load_average: float
    machine: MachineRecord
    speeds: tuple[float, ...]
    wall_step_s: float

    @property
    def noise(self) -> float:
        """Standard deviation of the logarithm of the ratio of neighbouring windows."""
        return neighbour_noise(self.speeds)


def take_sample(cores: Cores) -> Sample:
    """Count on the servers' core for a second, and look what else goes on."""
    load_average = psutil.getloadavg()[0]
    count = psutil.cpu_count() or 1
    with pinned(cores.server[:1]):
        before, wall_s, monotonic_s = read_usage(cores.all), time.time(), time.monotonic()
        speeds = tuple(_speed() for _ in range(WINDOWS))
        wall_step_s = (time.time() - wall_s) - (time.monotonic() - monotonic_s)
        usage = usage_between(before, read_usage(cores.all))
    return Sample(count, load_average, total_usage(0, [usage], len(cores.all) or count), speeds, wall_step_s)


def neighbour_noise(speeds: Sequence[float]) -> float:
    """Return the standard deviation of ln(second ÷ first) over disjoint pairs of neighbours."""
    return statistics.stdev(math.log(b / a) for a, b in zip(speeds[::2], speeds[1::2], strict=False))


def _speed() -> float:
    rounds, started = 0, time.perf_counter()
    while (now := time.perf_counter()) < started + WINDOW_S:
        sum(WORK)
        rounds += 1
    return max(rounds, 1) / (now - started)


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


def check_load(sample: Sample) -> Check:
    """Ask that nothing else runs."""
    foreign = sample.machine.foreign or 0.0
    finding = (
        f"load average {sample.load_average:.2f} on {sample.cores} core{'s' if sample.cores > 1 else ''};"
        f" other processes took {foreign:.0%} of the time just now"
    )
    if sample.load_average > LOAD_MOST * sample.cores or foreign > FOREIGN_MOST:
        return Check("load", ok=False, finding=finding, mend="end what else runs (see `top`), and wait for a minute")
    return Check("load", ok=True, finding=finding)


def check_steal(sample: Sample) -> Check:
    """Ask that no hypervisor gives this machine's time to others."""
    steal = sample.machine.steal
    if steal is None:
        return Check("steal", ok=True, finding="not counted on this system")
    finding = f"{steal:.1%} of the time was given to other machines just now"
    if steal > STEAL_MOST:
        return Check("steal", ok=False, finding=finding, mend="use a machine of your own, or more --blocks")
    return Check("steal", ok=True, finding=finding)


def check_noise(sample: Sample) -> Check:
    """Ask that the same work takes the same time twice in a row."""
    noise = sample.noise
    half_width = math.expm1(T_975 * noise / math.sqrt(BLOCKS))
    finding = (
        f"neighbouring 25 ms of computing differ by {noise:.1%} (sd): an interval over {BLOCKS} blocks is"
        f" ± {half_width:.0%} with one such pair in each, √n times less with n pairs"
    )
    if noise > NOISE_MOST:
        return Check("noise", ok=False, finding=finding, mend="take a quieter machine, or more --time and --blocks")
    return Check("noise", ok=True, finding=finding)


@dataclass(frozen=True)
class Clock:
    """How ``time.perf_counter`` behaves here.

    Attributes:
        source: what the kernel takes the time from; None if that is not visible.
        monotonic: whether it can only go forward.
        resolution_s: the smallest step it can show.
        read_s: how long it takes to read it once.
        wall_step_s: by how much the wall clock ran ahead of the monotonic one in a second.
    """

    source: str | None
    monotonic: bool
    resolution_s: float
    read_s: float
    wall_step_s: float


def check_clock(sample: Sample) -> Check:
    """Read the clock some thousand times."""
    info = time.get_clock_info("perf_counter")
    started = time.perf_counter()
    for _ in range(READS):
        time.perf_counter()
    read_s = (time.perf_counter() - started) / READS
    return judge_clock(Clock(read_text(SOURCE), info.monotonic, info.resolution, read_s, sample.wall_step_s))


def judge_clock(clock: Clock) -> Check:
    """Ask for a clock that is fine, cheap to read and steady."""
    finding = (
        f"{clock.source or 'source not visible'}, steps of {clock.resolution_s * 1e9:.0f} ns,"
        f" {clock.read_s * 1e9:.0f} ns to read"
    )
    if not clock.monotonic or clock.resolution_s > RESOLUTION_MOST_S:
        mend = "use a Python and a system whose time.perf_counter is monotonic and counts in nanoseconds"
        return Check("clock", ok=False, finding=f"{finding}, too coarse or not monotonic", mend=mend)
    if clock.read_s > READ_MOST_S:
        mend = f"look for a faster one in {SOURCE.replace('current', 'available')}"
        return Check("clock", ok=False, finding=f"{finding}, which is slow", mend=mend)
    if abs(clock.wall_step_s) > STEP_MOST_S:
        finding = f"{finding}; the wall clock jumped by {clock.wall_step_s * 1000:+.0f} ms against it"
        return Check(
            "clock", ok=False, finding=finding, mend="let time synchronisation settle; a suspended VM jumps too"
        )
    return Check("clock", ok=True, finding=finding)


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
