"""The clock that times every request."""

import time
from dataclasses import dataclass

from loadtests.doctor.check import Check
from loadtests.doctor.sample import Sample
from loadtests.system.machine import read_text

SOURCE = "/sys/devices/system/clocksource/clocksource0/current_clocksource"
RESOLUTION_MOST_S = 1e-6
READ_MOST_S = 1e-6
STEP_MOST_S = 0.01
READS = 2000


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
