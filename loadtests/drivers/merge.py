"""Make one recording of those of several load generators, each of which has driven a share of the users (pure)."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from loadtests.records.samples import BodyBytes, LoadMachine, Recording, Samples
from loadtests.system.clock_offset import ClockOffset


def merge(parts: Sequence[Recording], cores: int) -> Recording:
    """Make one recording of those of a group: all requests as they ended, the first one's readings of the server.

    How busy the driver was is told as if it were one process on one core. With several it is the busiest of them that
    limits the load; or all of them together, where they are more than the cores they share. The reading is the larger
    of the two.

    Args:
        parts: one side's recordings, which have the same slices.
        cores: how many cores the load generators share.
    """
    first = parts[0]
    if len(parts) == 1:
        return first
    columns = {
        field.name: np.concatenate([getattr(part.samples, field.name) for part in parts]) for field in fields(Samples)
    }
    order = np.argsort(columns["ended_s"], kind="stable")  # those without an end come last
    slices = tuple(
        replace(
            turns[0],
            # All had drained when the first one passed the barrier; from then on the other side's turn begins.
            drained_s=min(turn.drained_s for turn in turns),
            driver_cpu_s=_busy([turn.driver_cpu_s for turn in turns], cores),
            driver_peak=_busy([turn.driver_peak for turn in turns], cores),
        )
        for turns in zip(*(part.slices for part in parts), strict=True)
    )
    samples = Samples(**{name: column[order] for name, column in columns.items()})
    examples = {
        (example.request, example.failure, example.status): example
        for part in reversed(parts)
        for example in part.examples
    }
    return replace(
        first,
        samples=samples,
        slices=slices,
        abandoned=sum(part.abandoned for part in parts),
        examples=tuple(examples.values()),
        good_bytes=_together([each for part in parts for each in part.good_bytes]),
        next_row=max(part.next_row for part in parts),
    )


def merge_machines(
    parts: Sequence[Recording],
    names: Sequence[str],
    before: Sequence[ClockOffset],
    after: Sequence[ClockOffset | None],
    apart_s: float = 0.0,
) -> Recording:
    """Merge one side's recordings of load machines, and note each machine's part.

    Args:
        parts: of the machines, in their order, which have the same slices; their times are by one clock.
        names: of the machines.
        before: how far the master's clock was ahead of each one's before the job.
        after: the same after it; None of one that was gone.
        apart_s: how long the job took, in seconds.
    """
    merged = merge(parts, len(parts))  # each has its own cores
    return replace(
        merged,
        started_s=parts[0].started_s + before[0].offset_s,
        machines=tuple(
            LoadMachine(
                name=name,
                requests=len(part.samples),
                clock_offset_s=offset.offset_s,
                clock_uncertainty_s=offset.uncertainty_s,
                clock_moved_s=None if later is None else clock_moved_s(offset, later, apart_s),
            )
            for part, name, offset, later in zip(parts, names, before, after, strict=True)
        ),
    )


def clock_moved_s(before: ClockOffset, after: ClockOffset, apart_s: float = 0.0) -> float:
    """Return by how much more the clocks' offset has changed than they may drift and estimates be wrong, in seconds.

    Args:
        before: the first estimate.
        after: the second one.
        apart_s: how long after the first one it was made, in seconds.
    """
    if before.agrees_with(after, apart_s):
        return 0.0
    return abs(after.offset_s - before.offset_s) - before.uncertainty_s - after.uncertainty_s


def _together(counts: Sequence[BodyBytes]) -> tuple[BodyBytes, ...]:
    """Add up what several load generators counted of each request."""
    by_request: dict[int, BodyBytes] = {}
    for each in counts:
        so_far = by_request.get(each.request, BodyBytes(each.request, 0, 0))
        by_request[each.request] = BodyBytes(each.request, so_far.answers + each.answers, so_far.total + each.total)
    return tuple(by_request[request] for request in sorted(by_request))


def _busy(each: Sequence[float], cores: int) -> float:
    return max(*each, sum(each) / cores)
