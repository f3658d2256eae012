"""Read what a server's processes have used, without disturbing them."""

import time
from collections.abc import Sequence

import psutil

from loadtests.samples import ServerUse


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


def use(pids: Sequence[int], cpu_s: float) -> ServerUse:
    """Return what all ``pids`` together use now, beside the CPU time spent; raises psutil.NoSuchProcess."""
    processes = [psutil.Process(pid) for pid in pids]
    return ServerUse(
        cpu_s=cpu_s,
        rss_bytes=sum(process.memory_info().rss for process in processes),
        threads=sum(process.num_threads() for process in processes),
    )
