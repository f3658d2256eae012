"""What following a verdict would bring under a closed loop of users, by the capacity model, with a range (pure).

A request is described by where it spends its time: computing, keeping the event loop from others without computing,
waiting in a thread, being awaited. What blocks the loop counts as CPU time does, for there is one loop, and it serves
one request at a time. A change moves time from one of these to another, and adds or saves ways to a thread.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

from loadtests.analysis.model.capacity import Demand, Resources, predict
from loadtests.check.figures import PartFigures, RouteFigures, Spread
from loadtests.check.findings import BLOCKS_S, COMPUTES_S
from loadtests.check.raw import RawApp, RawRoute
from loadtests.check.record import Finding, Gain, RouteCheck, Verdict

MODEL_ERROR = 0.10
"""How far the model is off, at the most, in nine of ten cells of the example run: docs/measuring-internals.md. Both
ends of a range are so much wider than what the scatter of the request's own times makes of it."""
WORTH_TELLING = 1.05
"""More connections that bring less are advised because requests can stand still: throughput tells nothing of that."""
NAMES = {"cpu": "CPU", "threads": "threads", "connections": "connections", "users": "users"}
"""What binds, as it is said."""


@dataclass(frozen=True)
class Times:
    """Where one request spends its time, and what it shares; in seconds.

    Attributes:
        cpu_s: CPU time of the server.
        blocked_s: time for which the loop stands still.
        thread_s: time in which it holds a thread, its CPU time left out.
        awaited_s: time in which it holds neither.
        in_thread_s: time in which it holds a thread, all of it; 0 if it takes none.
        held_s: time in which it holds a connection; 0 if it takes none.
        locked_s: time in which it holds a lock of all requests; 0 if it takes none.
        threads: that there are.
        connections: that there are; None for any number.
    """

    cpu_s: float
    blocked_s: float
    thread_s: float
    awaited_s: float
    in_thread_s: float
    held_s: float
    locked_s: float
    threads: int
    connections: int | None

    @property
    def demand(self) -> Demand:
        """What the model takes for it."""
        return Demand(self.cpu_s + self.blocked_s, self.thread_s + self.awaited_s)

    @property
    def resources(self) -> Resources:
        """What lets it in: a request that holds a thread for half of its time takes half of a thread."""
        threads = self._share(self.threads, self.in_thread_s)
        connections = self._share(self.connections, self.held_s)
        lock = self._share(1, self.locked_s)
        both = [each for each in (connections, lock) if each is not None]
        return Resources(threads=threads, connections=min(both, default=None))

    def _share(self, number: int | None, held_s: float) -> int | None:
        if number is None or held_s <= 0:
            return None
        return max(1, round(number * max(1.0, self.demand.alone_s / held_s)))


@dataclass(frozen=True)
class HopCost:
    """CPU time of a way to a thread and back, in seconds.

    Attributes:
        bare_s: where nothing is to be done there.
        waiting_s: where the thread waits for something, so that it is woken once more.
    """

    bare_s: float
    waiting_s: float


def gain(
    judged: RouteCheck, route: RawRoute, seen: RouteFigures, app: RawApp, users: int, hop: HopCost, busy: float = 1.0
) -> Gain | None:
    """Return what a verdict would bring; None for a route to keep, or where throughput can't tell.

    Args:
        judged: the route's verdict, and the finding that led to it.
        route: as the app has it.
        seen: what its requests took.
        app: what it shares with others.
        users: who ask at the same time, each again as soon as he has an answer.
        hop: what a way to a thread costs.
        busy: CPU time of a request of a busy server ÷ that of one which was asleep, as one is that is blocked.
    """
    if not judged.findings or judged.verdict in ("keep", "not-known"):
        return None
    finding = judged.findings[0]
    change = _Change(judged.verdict, finding, _part(finding, seen), _hops(finding, route), hop, busy)
    now = _times(seen, finding, app)
    then = change.made(now)
    if now.demand.alone_s <= 0 or then.demand.alone_s <= 0:
        return None
    before, after = (predict(each.demand, each.resources, users) for each in (now, then))
    ratios = [
        predict(b.demand, b.resources, users).throughput_rps / predict(a.demand, a.resources, users).throughput_rps
        for a, b in _scattered(seen, change, app)
    ]
    ratio = after.throughput_rps / before.throughput_rps
    if finding.problem == "pool-below-threads" and ratio < WORTH_TELLING:
        return None
    return Gain(
        users=users,
        now_rps=before.throughput_rps,
        then_rps=after.throughput_rps,
        ratio=ratio,
        low=min(ratio, *ratios) * (1 - MODEL_ERROR),
        high=max(ratio, *ratios) * (1 + MODEL_ERROR),
        limit_now=_limit(before.limit, now),
        limit_then=_limit(after.limit, then),
    )


def _limit(limit: str, times: Times) -> str:
    if limit == "cpu" and times.blocked_s > times.cpu_s:
        return "event loop"
    if limit == "connections" and times.locked_s > 0:
        return "lock"
    return NAMES[limit]


def _times(seen: RouteFigures, finding: Finding, app: RawApp, cpu_s: float | None = None, waits: float = 1.0) -> Times:
    """Return where a request spends its time.

    Args:
        seen: what requests took.
        finding: that the verdict is about.
        app: what they share.
        cpu_s: CPU time, in seconds; as it was measured if None.
        waits: how much longer it waits than in the median.
    """
    measured = seen.cpu_s if seen.served_cpu_s is None else seen.served_cpu_s
    in_thread = [part for part in seen.parts if part.runs_on == "thread"]
    thread_s = sum(part.wait_s.mid for part in in_thread)
    in_thread_s = thread_s + sum(part.cpu_s.mid for part in in_thread)
    blocked_s = seen.blocked_s.mid
    # Nobody waits for a background task. Where it holds a thread, that is taken in all the same.
    foreground_s = sum(part.wait_s.mid for part in in_thread if part.place != "background")
    awaited_s = max(0.0, seen.answered_s.mid - seen.cpu_s.mid - blocked_s - foreground_s)
    return Times(
        cpu_s=measured.mid if cpu_s is None else cpu_s,
        blocked_s=blocked_s * waits,
        thread_s=thread_s * waits,
        awaited_s=awaited_s * waits,
        in_thread_s=in_thread_s * waits,
        held_s=(seen.held_s or 0.0) * waits if app.connections is not None else 0.0,
        locked_s=finding.seconds * waits if finding.problem == "serialised" else 0.0,
        threads=app.threads,
        connections=app.connections,
    )


def _scattered(seen: RouteFigures, change: "_Change", app: RawApp) -> Iterator[tuple[Times, Times]]:
    """Yield times before and after with CPU times and waits at their quartiles."""
    cpu = seen.cpu_s if seen.served_cpu_s is None else seen.served_cpu_s
    wall = seen.answered_s
    for cpu_s, waits in product((cpu.low, cpu.high), (_ratio(wall.low, wall), _ratio(wall.high, wall))):
        now = _times(seen, change.finding, app, cpu_s, waits)
        yield now, change.made(now, waits)


def _ratio(value: float, spread: Spread) -> float:
    return value / spread.mid if spread.mid > 0 else 1.0


def _part(finding: Finding, seen: RouteFigures) -> PartFigures | None:
    return next((part for part in seen.parts if (part.place, part.name) == (finding.place, finding.name)), None)


def _hops(finding: Finding, route: RawRoute) -> int:
    """Return how many ways to a thread a plain function takes: FastAPI validates a handler's answer there, too."""
    return 2 if finding.place == "handler" and route.response_model is not None else 1


@dataclass(frozen=True)
class _Change:
    """What is changed.

    Attributes:
        verdict: that is followed.
        finding: that led to it.
        part: that it is about; None if none of that name was seen.
        hops: ways to a thread that a plain function takes in its place.
        hop: what such a way costs.
        busy: what is left of a request's CPU time where the server sleeps no longer, as a share.
    """

    verdict: Verdict
    finding: Finding
    part: PartFigures | None
    hops: int
    hop: HopCost
    busy: float

    def made(self, now: Times, waits: float = 1.0) -> Times:
        """Return where a request spends its time after the change.

        Args:
            now: where it spends it before.
            waits: how much longer it waits than in the median.
        """
        wait_s = self.finding.seconds if self.part is None else self.part.wait_s.mid
        cpu_s = 0.0 if self.part is None else self.part.cpu_s.mid
        first_s = self.hop.waiting_s if wait_s * waits > self.hop.waiting_s else self.hop.bare_s
        hops_s = first_s + (self.hops - 1) * self.hop.bare_s
        if self.verdict in ("make-def", "move-out-of-loop"):
            moved_s = min(now.blocked_s, wait_s * waits)
            fixed_s = min(now.cpu_s, cpu_s) if cpu_s >= COMPUTES_S else 0.0
            share = self.busy if moved_s >= BLOCKS_S else 1.0
            return replace(
                now,
                cpu_s=fixed_s + (now.cpu_s - fixed_s) * share + hops_s,
                blocked_s=now.blocked_s - moved_s,
                thread_s=now.thread_s + moved_s,
                in_thread_s=now.in_thread_s + moved_s + cpu_s,
            )
        if self.verdict == "make-async":
            return replace(
                now,
                cpu_s=max(self.hop.bare_s, now.cpu_s - hops_s),
                thread_s=max(0.0, now.thread_s - wait_s * waits),
                awaited_s=now.awaited_s + wait_s * waits,
                in_thread_s=max(0.0, now.in_thread_s - wait_s * waits - cpu_s),
            )
        if self.verdict == "make-dependency-async":
            hops = max(1, 1 if self.part is None else self.part.hops)
            return replace(now, cpu_s=max(self.hop.bare_s, now.cpu_s - hops * self.hop.bare_s))
        is_lock = self.finding.problem == "serialised"
        return replace(now, locked_s=0.0) if is_lock else replace(now, connections=now.threads)
