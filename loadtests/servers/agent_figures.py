"""What an agent has told of a server, as figures of a trial: CPU time of each window, size, observations (pure).

An agent reads by its own clock, at instants of its own. Its clock was compared with ours just before the trial and just
after it. CPU time at a window's edge is interpolated between the readings next to it. What that, or the uncertainty of
the clocks, could have made wrong is not told: then the figures of the trial are not known.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from loadtests.records.samples import Recording, Rows, timeline_of
from loadtests.servers.agent_messages import CpuReading, SizeReading
from loadtests.system.clock_offset import ClockOffset
from loadtests.system.process_tree import TreeCpu, cpu_between

MOST_GAP_S = 0.08
"""Between two readings, for the CPU time between them to be taken as used evenly; an agent reads every 20 ms."""
MOST_SIZE_GAP_S = 0.5
"""Between a window's end and the nearest reading of the size; an agent reads it every half second."""
MOST_DOUBT = 0.05
"""So much of the CPU time in a trial's windows, as a share of it, may depend on how uncertain the clocks are, or on
gaps between readings."""
LEAST_CPU_S = 0.002
"""Less is no matter for a doubt."""
AFTER_ANSWERS_S = (0.01, 0.11)
"""The server is watched so long after its last answer for work that it has left: from then, until then."""


class NotKnown(Exception):
    """The figures of a trial can't be told; as text, what follows on "its agent"."""


@dataclass(frozen=True)
class Clocks:
    """Our clock and an agent's, compared twice.

    Attributes:
        before_s: when they were compared before the trial, by our clock.
        before: what was found then.
        after_s: when they were compared after it.
        after: what was found then.
    """

    before_s: float
    before: ClockOffset
    after_s: float
    after: ClockOffset

    def check(self) -> None:
        """Raise NotKnown if one of the clocks was set, or runs far too fast or slow."""
        apart_s = self.after_s - self.before_s
        if not self.before.agrees_with(self.after, apart_s):
            jump_s = abs(self.after.offset_s - self.before.offset_s)
            raise NotKnown(f"has a clock that jumped by {jump_s:.3g} s against this machine's within {apart_s:.3g} s")

    @property
    def uncertainty_s(self) -> float:
        """How far off an instant may be that was converted."""
        return max(self.before.uncertainty_s, self.after.uncertainty_s)

    def offset_s(self, ours_s: float) -> float:
        """Return how far our clock is ahead at an instant of ours; between both comparisons it changes steadily."""
        share = (ours_s - self.before_s) / (self.after_s - self.before_s) if self.after_s > self.before_s else 0.0
        return self.before.offset_s + min(1.0, max(0.0, share)) * (self.after.offset_s - self.before.offset_s)

    def theirs_s(self, ours_s: float) -> float:
        """Return an instant of our clock by the agent's."""
        return ours_s - self.offset_s(ours_s)


@dataclass(frozen=True)
class Used:
    """CPU time that was used between two instants, in seconds.

    Attributes:
        seconds: how much.
        doubt_s: how far off that may be, because there was no reading near an edge.
    """

    seconds: float
    doubt_s: float = 0.0


@dataclass(frozen=True)
class Told:
    """What an agent has told of a trial, by its clock, ordered by time.

    Attributes:
        cpu: readings of CPU time.
        sizes: readings of the size.
        observations: rows of each of the server's processes; empty if nobody looks inside.
    """

    cpu: Sequence[CpuReading]
    sizes: Sequence[SizeReading]
    observations: Sequence[Rows] = ()


def machine_s(recording: Recording, at_s: float) -> float:
    """Return an instant of the samples' seconds by the clock of the machine that drove them."""
    return recording.started_s + at_s + sum(length_s for paused_s, length_s in recording.pauses if paused_s < at_s)


def span_of(recording: Recording) -> tuple[float, float]:
    """Return from when until when, by our clock, something must be told of a trial."""
    return recording.started_s, machine_s(recording, last_answer_s(recording)) + AFTER_ANSWERS_S[1]


def last_answer_s(recording: Recording) -> float:
    """Return when the last answer of a trial came, in the samples' seconds."""
    ended_s = recording.samples.ended_s
    answered = ended_s[np.isfinite(ended_s)]
    return max([float(answered.max()) if len(answered) else 0.0, *(each.drained_s for each in recording.slices)])


def with_figures(recording: Recording, told: Told, clocks: Clocks) -> Recording:
    """Return a recording with what a local server's has: CPU time, memory and threads, and work left behind.

    Raises:
        NotKnown: not all of it can be told; then none of it is.
    """
    clocks.check()
    if not recording.slices:
        return recording
    sizes = [_size_at(told.sizes, clocks.theirs_s(machine_s(recording, turn.closed_s))) for turn in recording.slices]
    slices = [
        replace(turn, server_cpu_s=seconds, rss_bytes=size.rss_bytes)
        for turn, seconds, size in zip(recording.slices, _cpu_of(recording, told.cpu, clocks), sizes, strict=True)
    ]
    most_bytes, threads = max(size.rss_bytes for size in sizes), max(size.threads for size in sizes)
    whole = recording.stalled is None and not recording.abandoned
    busy_after = _busy_after(recording, told.cpu, clocks) if whole else None
    return replace(recording, slices=tuple(slices), rss_bytes=most_bytes, threads=threads, busy_after=busy_after)


def with_timeline(recording: Recording, told: Told, clocks: Clocks) -> Recording:
    """Return a recording with what was seen inside the server as its timeline, if anybody looked.

    Raises:
        NotKnown: the clocks can't be compared.
    """
    clocks.check()
    until_s = machine_s(recording, last_answer_s(recording)) + AFTER_ANSWERS_S[1]
    ours = []
    for rows in told.observations:
        moved = rows.copy()
        middle_s = clocks.offset_s(recording.started_s) + moved["time_s"]  # near enough to know how far they drifted
        moved["time_s"] += [clocks.offset_s(at_s) for at_s in middle_s]
        ours.append(moved)
    return replace(recording, timeline=timeline_of(ours, recording.started_s, until_s, recording.pauses))


def cpu_used(readings: Sequence[CpuReading], since_s: float, until_s: float) -> Used:
    """Return the CPU time that was used between two instants of the agent's clock.

    Between the two readings next to an edge it is taken to have been used evenly, which is no more than a guess where
    they are far apart.

    Args:
        readings: ordered by time.
        since_s: the first instant.
        until_s: the second.

    Raises:
        NotKnown: an edge is before the first reading, or after the last one.
    """
    (first, before), (last, after) = _until(readings, since_s), _until(readings, until_s)
    whole_s = _between(readings[first], readings[last])
    return Used(max(0.0, whole_s - before.seconds + after.seconds), before.doubt_s + after.doubt_s)


def _until(readings: Sequence[CpuReading], at_s: float) -> tuple[int, Used]:
    """Return which reading is the last one before an instant, and what was used between the two; raises NotKnown."""
    index = bisect_right(readings, at_s, key=lambda each: each.at_s) - 1
    if index < 0 or index + 1 >= len(readings):
        raise NotKnown("has no readings of CPU time at the edge of a window")
    gap_s = readings[index + 1].at_s - readings[index].at_s
    share, used_s = (at_s - readings[index].at_s) / gap_s, _between(readings[index], readings[index + 1])
    return index, Used(share * used_s, max(share, 1 - share) * used_s if gap_s > MOST_GAP_S else 0.0)


def _between(before: CpuReading, after: CpuReading) -> float:
    return max(0.0, cpu_between(_tree(before), _tree(after)))


def _tree(reading: CpuReading) -> TreeCpu:
    return TreeCpu(reading.own_s, reading.alive_s, reading.ended_s)


def _cpu_of(recording: Recording, readings: Sequence[CpuReading], clocks: Clocks) -> list[float]:
    """Return the CPU time of each window; raises NotKnown if that of all together is in doubt."""
    windows_s = [
        (clocks.theirs_s(machine_s(recording, turn.opened_s)), clocks.theirs_s(machine_s(recording, turn.closed_s)))
        for turn in recording.slices
    ]

    def used(shift_s: float) -> list[Used]:
        return [cpu_used(readings, opened_s + shift_s, closed_s + shift_s) for opened_s, closed_s in windows_s]

    found = used(0.0)
    seconds = sum(each.seconds for each in found)
    allowed_s = max(LEAST_CPU_S, MOST_DOUBT * seconds)
    if sum(each.doubt_s for each in found) > allowed_s:
        raise NotKnown("has too long gaps between its readings of CPU time")
    # The offset of the clocks is off by the same in all windows.
    shifted = [sum(each.seconds for each in used(shift_s)) for shift_s in (-clocks.uncertainty_s, clocks.uncertainty_s)]
    if max(abs(each - seconds) for each in shifted) > allowed_s:
        raise NotKnown(
            f"has a clock that is known to {clocks.uncertainty_s * 1000:,.1f} ms only, and the CPU time in the windows"
            " depends on that"
        )
    return [each.seconds for each in found]


def _size_at(sizes: Sequence[SizeReading], at_s: float) -> SizeReading:
    """Return the reading of the size that is nearest to an instant; raises NotKnown if none is near."""
    index = bisect_left(sizes, at_s, key=lambda each: each.at_s)
    near = sorted(sizes[max(0, index - 1) : index + 1], key=lambda each: abs(each.at_s - at_s))
    if not near or abs(near[0].at_s - at_s) > MOST_SIZE_GAP_S:
        raise NotKnown("has no reading of the memory at the end of a window")
    return near[0]


def _busy_after(recording: Recording, readings: Sequence[CpuReading], clocks: Clocks) -> float | None:
    """Return how many cores the server kept busy just after its last answer; None if that is not known."""
    last_s = clocks.theirs_s(machine_s(recording, last_answer_s(recording)))
    since_s, until_s = (last_s + after_s for after_s in AFTER_ANSWERS_S)
    return cores_busy(readings, since_s, until_s)


def cores_busy(readings: Sequence[CpuReading], since_s: float, until_s: float) -> float | None:
    """Return how many cores were busy between two instants of the agent's clock; None if that is not known."""
    try:
        used = cpu_used(readings, since_s, until_s)
    except NotKnown:
        return None
    return None if used.doubt_s else used.seconds / (until_s - since_s)
