"""Checks of cores, CPU quota, CPU governor, load, steal, timing noise, clock and load driver.

Several of them share one sample: a second in which the machine does nothing but count on one core.
"""

import math
import statistics
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import psutil
from scipy.special import stdtrit

from loadtests.analysis.comparison import ALPHA
from loadtests.analysis.condition_checks import THROTTLED_LIMIT
from loadtests.doctor import Check
from loadtests.drivers.driver import Driver
from loadtests.drivers.job import DriverFailed
from loadtests.experiment.plan import MIN_BLOCKS
from loadtests.records.manifest import MachineRecord
from loadtests.runner.cell import total_usage
from loadtests.runner.single_server import measure_driver
from loadtests.system.cores import Cores, pinned
from loadtests.system.errors import RunError
from loadtests.system.owned_folder import owned_folder
from loadtests.system.quota import read_quota
from loadtests.system.resources import read_usage, usage_between
from loadtests.system.topology import read_text

WINDOW_S = 0.025
WINDOWS = 40
WORK = range(200)
"""Summed between two readings of the clock, which takes some microseconds."""
GOVERNOR = "/sys/devices/system/cpu/cpu{core}/cpufreq/scaling_governor"
MAX_LOAD = 0.5
"""Load average per core."""
MIN_QUOTA = 2
"""Cores that one server and the driver can keep busy."""
MAX_FOREIGN = 0.05
MAX_STEAL = 0.02
MAX_NOISE = 0.05
T = float(stdtrit(MIN_BLOCKS - 1, 1 - ALPHA / 2))
"""Student's t for a 95 % interval over MIN_BLOCKS blocks."""
SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
MAX_RESOLUTION_S = 1e-6
MAX_READ_S = 1e-6
MAX_STEP_S = 0.01
READS = 2000
MIN_CEILING_RPS = 2000.0
"""About what the blog's cheapest routes reach on one slow core."""


@dataclass(frozen=True)
class MachineSample:
    """What was measured while the machine counted for a second.

    Attributes:
        cores: number of cores of the machine, including those not assigned to us: the load average counts them all.
        load_average: over one minute, before the sample.
        machine: CPU time that was stolen, and that other processes used.
        speeds: work done per second in each window of 25 ms, in order.
        wall_step_s: by how much the wall clock ran ahead of the monotonic clock, in seconds.
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


def take_sample(cores: Cores) -> MachineSample:
    """Count on the servers' core for a second, and read what else the machine did."""
    load_average = psutil.getloadavg()[0]
    count = psutil.cpu_count() or 1
    with pinned(cores.server[:1]):
        before, wall_s, monotonic_s = read_usage(cores.all), time.time(), time.monotonic()
        speeds = tuple(_speed() for _ in range(WINDOWS))
        wall_step_s = (time.time() - wall_s) - (time.monotonic() - monotonic_s)
        usage = usage_between(before, read_usage(cores.all))
    return MachineSample(count, load_average, total_usage(0, [usage], len(cores.all) or count), speeds, wall_step_s)


def _speed() -> float:
    rounds, started = 0, time.perf_counter()
    while (now := time.perf_counter()) < started + WINDOW_S:
        sum(WORK)
        rounds += 1
    return max(rounds, 1) / (now - started)


def neighbour_noise(speeds: Sequence[float]) -> float:
    """Return the standard deviation of ln(second ÷ first) over disjoint pairs of neighbours."""
    return statistics.stdev(math.log(b / a) for a, b in zip(speeds[::2], speeds[1::2], strict=False))


def check_cores(cores: Cores) -> Check:
    """Check that servers and driver have separate physical cores."""
    if not cores.server:
        return Check(
            "cores",
            ok=False,
            finding="this system pins no process to a core: servers and driver may take each other's time",
            fix="measure on Linux; until then believe large differences only",
        )
    if not cores.separate:
        return Check(
            "cores",
            ok=False,
            finding="one core, which servers and driver must share",
            fix="use a machine or a container with two cores or more",
        )
    if cores.shared:
        return Check(
            "cores",
            ok=False,
            finding=f"{_named(cores.all)} are threads of one physical core, which servers and driver must share",
            fix="use a machine of two physical cores or more, or a container that is allowed two (its cpuset)",
        )
    return Check("cores", ok=True, finding=f"servers on {_named(cores.server)}, driver on {_named(cores.driver)}")


def _named(cores: tuple[int, ...]) -> str:
    if len(cores) > 1 and cores == tuple(range(cores[0], cores[-1] + 1)):
        return f"cores {cores[0]} to {cores[-1]}"
    return f"core{'s' if len(cores) > 1 else ''} {', '.join(map(str, cores))}"


def check_quota(cores: Cores, sample: MachineSample) -> Check:
    """Look for a CPU quota of this process's control groups."""
    quota = read_quota()
    return judge_quota(quota.cores if quota else None, cores, sample.machine.throttled)


def judge_quota(quota: float | None, cores: Cores, throttled: float | None) -> Check:
    """Check that a CPU quota leaves a core each to a server and to the driver.

    Args:
        quota: what it allows, in cores; None if there is none.
        cores: the division of the cores.
        throttled: share of the cores' time that it took just now, 0 to 1; None if there is none.
    """
    if quota is None:
        return Check("quota", ok=True, finding="no CPU quota is visible")
    lost = f"{throttled or 0.0:.1%} of the cores' time was lost to it just now"
    finding = f"{quota:g} core{'s' if quota != 1 else ''}; {lost}"
    if quota < min(MIN_QUOTA, len(cores.all) or MIN_QUOTA) or (throttled or 0.0) > THROTTLED_LIMIT:
        finding = f"{finding}, and servers and driver stop together whenever it is used up"
        fix = (
            f"allow {MIN_QUOTA} cores or more (docker: --cpus, Kubernetes: limits.cpu, systemd: CPUQuota), or no quota"
        )
        return Check("quota", ok=False, finding=finding, fix=fix)
    return Check("quota", ok=True, finding=finding)


def check_governor(cores: Cores) -> Check:
    """Read the CPU frequency governor of each core."""
    found = (read_text(GOVERNOR.format(core=core)) for core in cores.all or (0,))
    return judge_governors({governor for governor in found if governor})


def judge_governors(governors: Collection[str]) -> Check:
    """Check that the CPU frequency does not depend on the load."""
    if not governors:
        return Check("governor", ok=True, finding="none is visible: the clock is not this system's to govern")
    moving = sorted(set(governors) - {"performance"})
    if moving:
        return Check(
            "governor",
            ok=False,
            finding=f"{', '.join(moving)}: the clock may follow the load, which favours the busier side",
            fix="sudo cpupower frequency-set -g performance",
        )
    return Check("governor", ok=True, finding="performance")


def check_load(sample: MachineSample) -> Check:
    """Check that nothing else runs."""
    foreign = sample.machine.foreign or 0.0
    finding = (
        f"load average {sample.load_average:.2f} on {sample.cores} core{'s' if sample.cores > 1 else ''};"
        f" other processes took {foreign:.0%} of the time just now"
    )
    if sample.load_average > MAX_LOAD * sample.cores or foreign > MAX_FOREIGN:
        return Check("load", ok=False, finding=finding, fix="end what else runs (see `top`), and wait for a minute")
    return Check("load", ok=True, finding=finding)


def check_steal(sample: MachineSample) -> Check:
    """Check that the hypervisor gives no CPU time of this machine to others."""
    steal = sample.machine.steal
    if steal is None:
        return Check("steal", ok=True, finding="not counted on this system")
    finding = f"{steal:.1%} of the time was given to other machines just now"
    if steal > MAX_STEAL:
        return Check("steal", ok=False, finding=finding, fix="use a machine of your own, or more --blocks")
    return Check("steal", ok=True, finding=finding)


def check_noise(sample: MachineSample) -> Check:
    """Check that the same work takes the same time twice in a row."""
    noise = sample.noise
    half_width = math.expm1(T * noise / math.sqrt(MIN_BLOCKS))
    finding = (
        f"neighbouring 25 ms of computing differ by {noise:.1%} (sd): an interval over {MIN_BLOCKS} blocks is"
        f" ± {half_width:.0%} with one such pair in each, √n times less with n pairs"
    )
    if noise > MAX_NOISE:
        return Check("noise", ok=False, finding=finding, fix="take a quieter machine, or more --time and --blocks")
    return Check("noise", ok=True, finding=finding)


@dataclass(frozen=True)
class Clock:
    """Properties of ``time.perf_counter`` on this machine.

    Attributes:
        source: the kernel's clock source; None if it is not visible.
        monotonic: whether it can only go forward.
        resolution_s: its smallest step, in seconds.
        read_s: duration of one reading, in seconds.
        wall_step_s: by how much the wall clock ran ahead of the monotonic clock in a second.
    """

    source: str | None
    monotonic: bool
    resolution_s: float
    read_s: float
    wall_step_s: float


def check_clock(sample: MachineSample) -> Check:
    """Measure the duration of a reading over READS readings."""
    info = time.get_clock_info("perf_counter")
    started = time.perf_counter()
    for _ in range(READS):
        time.perf_counter()
    read_s = (time.perf_counter() - started) / READS
    return judge_clock(Clock(read_text(SOURCE), info.monotonic, info.resolution, read_s, sample.wall_step_s))


def judge_clock(clock: Clock) -> Check:
    """Check that the clock has a fine resolution, is quick to read, and does not jump."""
    finding = (
        f"{clock.source or 'source not visible'}, steps of {clock.resolution_s * 1e9:.0f} ns,"
        f" {clock.read_s * 1e9:.0f} ns to read"
    )
    if not clock.monotonic or clock.resolution_s > MAX_RESOLUTION_S:
        fix = "use a Python and a system whose time.perf_counter is monotonic and counts in nanoseconds"
        return Check("clock", ok=False, finding=f"{finding}, too coarse or not monotonic", fix=fix)
    if clock.read_s > MAX_READ_S:
        fix = f"look for a faster one in {SOURCE.replace('current', 'available')}"
        return Check("clock", ok=False, finding=f"{finding}, which is slow", fix=fix)
    if abs(clock.wall_step_s) > MAX_STEP_S:
        finding = f"{finding}; the wall clock jumped by {clock.wall_step_s * 1000:+.0f} ms against it"
        return Check(
            "clock", ok=False, finding=finding, fix="let time synchronisation settle; a suspended VM jumps too"
        )
    return Check("clock", ok=True, finding=finding)


def check_driver_ceiling(cores: Cores) -> Check:
    """Measure what the driver reaches against a server that does nothing, and its own part of a request."""
    with owned_folder() as folder, pinned(cores.driver):
        try:
            with Driver(cores, folder / "driver" / "log") as driver:
                speed = measure_driver(cores, driver, folder / "null_server" / "log")
                return judge_ceiling(speed.ceiling_rps, None, speed.overhead_s)
        except (RunError, DriverFailed, OSError) as failure:
            return judge_ceiling(None, str(failure))


def judge_ceiling(ceiling_rps: float | None, failure: str | None, overhead_s: float | None = None) -> Check:
    """Check that the driver can send well more than the servers answer."""
    if ceiling_rps is None:
        fix = "mend what else is on this list; if nothing is, uv sync"
        return Check("driver ceiling", ok=False, finding=f"not measured: {failure}", fix=fix)
    finding = f"{ceiling_rps:,.0f} requests/s against a server that does nothing"
    if overhead_s is not None:
        finding += f"; with 1 user {overhead_s * 1e6:.0f} µs of each request are the driver's own"
    if ceiling_rps < MIN_CEILING_RPS:
        fix = "take a quieter or faster machine: fast routes would show the driver, not the server"
        return Check("driver ceiling", ok=False, finding=finding, fix=fix)
    return Check("driver ceiling", ok=True, finding=finding)
