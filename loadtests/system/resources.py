"""CPU time, memory, threads, open files and ports: what processes use, and what the system allows them.

Reading disturbs nothing: a process's clock and counters of the kernel.
"""

import contextlib
import gc
import gzip
import math
import platform
import resource
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from loadtests.system.quota import read_quota

MOST_SLOWNESS = 5.0


class Stopwatch:
    """Knows since when a command runs, and how much longer it computed meanwhile than on a machine that rests.

    Attributes:
        begun_s: when it was made, on the monotonic clock, in seconds.
    """

    def __init__(self) -> None:
        self.begun_s = time.monotonic()
        self._cpu_s = time.process_time()

    def slowness(self) -> float:
        """Return how many times as long as its CPU time all has taken since, where little was waited for: 1 to 5."""
        return slowness(time.monotonic() - self.begun_s, time.process_time() - self._cpu_s)


def slowness(passed_s: float, cpu_s: float) -> float:
    """Return how many times as long as its CPU time something has taken: 1 to MOST_SLOWNESS; 1 if that is not known."""
    return min(MOST_SLOWNESS, max(1.0, passed_s / cpu_s)) if cpu_s > 0 else 1.0


@contextlib.contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Look for no garbage in cycles until the end of the block: for a command that imports and makes much, and ends.

    Importing a large library and drawing with it takes a tenth longer otherwise.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def cpu_s(pid: int) -> float:
    """Return a process's CPU time in seconds, to the nanosecond where the kernel offers it.

    /proc and psutil count in ticks of 10 ms, which is 3 % of a short slice. Linux keeps a CPU clock for every
    process, whose id clock_getcpuclockid(3) computes as below.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        times = psutil.Process(pid).cpu_times()
        return times.user + times.system


def read_cpu(pids: Sequence[int]) -> float:
    """Return the CPU time of all ``pids`` together, in seconds; raises psutil.NoSuchProcess if one is gone."""
    return sum(cpu_s(pid) for pid in pids)


def read_size(pids: Sequence[int]) -> tuple[int, int]:
    """Return resident memory in bytes and threads of all ``pids`` together; raises psutil.NoSuchProcess."""
    processes = [psutil.Process(pid) for pid in pids]
    return sum(p.memory_info().rss for p in processes), sum(p.num_threads() for p in processes)


def allow_open_files() -> None:
    """Raise this process's limit on open files as far as it may: an open loop has a connection for each request."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS calls it unlimited, and takes no such number
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def most_open_files() -> float:
    """Return how many files a process of this user may open at the most; infinite if there is no limit."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return math.inf if most == resource.RLIM_INFINITY else most


@dataclass(frozen=True)
class Reading:
    """Counters at one instant; only differences between two of them mean anything.

    Attributes:
        at_s: the instant, on the monotonic clock.
        busy_s: seconds that the cores spent working, for whomever.
        steal_s: seconds that the hypervisor gave to others while a core had work; None where that is not counted.
        own_s: CPU seconds of this process and all its descendants, those included that have ended.
        throttled_s: seconds that cores with work stood still because a CPU quota was used up; None if there is none.
    """

    at_s: float
    busy_s: float
    steal_s: float | None
    own_s: float
    throttled_s: float | None = None


@dataclass(frozen=True)
class Usage:
    """What happened between two readings, in seconds; adds up.

    Attributes:
        seconds: how long.
        steal_s: stolen from all the cores together; None where that is not counted.
        foreign_s: used by processes that are not ours. A little below 0 at times, for the counters run in ticks.
        throttled_s: lost by all the cores together to a CPU quota; None if there is none.
    """

    seconds: float
    steal_s: float | None
    foreign_s: float
    throttled_s: float | None = None


def read_usage(cores: Sequence[int]) -> Reading:
    """Read the counters of ``cores``, or of all; takes some milliseconds."""
    times = core_times(cores)
    quota = read_quota()
    fields = ["user", "nice", "system"] + ([] if _interrupts_are_apart() else ["irq", "softirq"])
    steal = [core["steal"] for core in times if "steal" in core]
    return Reading(
        at_s=time.monotonic(),
        busy_s=sum(core.get(name, 0.0) for core in times for name in fields),
        steal_s=sum(steal) if steal else None,
        own_s=_own_s(),
        throttled_s=quota.throttled_s if quota else None,
    )


def usage_between(before: Reading, after: Reading) -> Usage:
    """Return what happened between two readings."""
    return Usage(
        seconds=after.at_s - before.at_s,
        steal_s=_growth(before.steal_s, after.steal_s),
        foreign_s=(after.busy_s - before.busy_s) - (after.own_s - before.own_s),
        throttled_s=_growth(before.throttled_s, after.throttled_s),
    )


def _growth(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def core_times(cores: Sequence[int]) -> list[dict[str, float]]:
    """Return seconds by what they were spent on, one row a core."""
    times = [core._asdict() for core in psutil.cpu_times(percpu=True)]
    # Where a core is switched off, the list has a gap that nothing tells of: then take them all.
    return [times[core] for core in cores] if cores and max(cores) < len(times) else times


def _own_s() -> float:
    """Return the CPU time of this process and all its descendants, in seconds.

    A process's time moves to its parent's account of ended children when it ends, so the sum over those alive, accounts
    included, does not drop when one ends. (macOS keeps no such account.)
    """
    total_s = 0.0
    for process in [me := psutil.Process(), *me.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            total_s += times.user + times.system + times.children_user + times.children_system
    return total_s


@cache
def _interrupts_are_apart() -> bool:
    """Whether this kernel keeps interrupts out of a process's CPU time (CONFIG_IRQ_TIME_ACCOUNTING).

    Loopback traffic is carried by interrupts, and nearly all of it is ours. Where they are kept apart they must not
    count as busy, or they would be taken for other processes; where they are part of our own time they must count.
    Where that is unknown, it is better to overlook another process than to invent one.
    """
    with contextlib.suppress(OSError):
        return "CONFIG_IRQ_TIME_ACCOUNTING=y" in gzip.decompress(Path("/proc/config.gz").read_bytes()).decode()
    with contextlib.suppress(OSError):
        return "CONFIG_IRQ_TIME_ACCOUNTING=y" in Path(f"/boot/config-{platform.release()}").read_text(encoding="utf-8")
    return True


def free_port() -> int:
    """Return a port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_free_port(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether nothing listens on a port at an address of this machine, so that a server can.

    Args:
        port: the port; 0 for any, which shows whether the address is one of this machine at all.
        host: an IPv4 address, or a name of one.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
