"""Figures of each route from what its requests took: medians with quartiles, parts, lines of source (pure)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from loadtests.check.raw import RawLock, RawPart, RawRequest, RawSite
from loadtests.check.record import Place, Where
from loadtests.check.visit import Asked

PLACES: tuple[Place, ...] = (
    "middleware", "validator", "dependency", "handler", "stream", "response", "background", "other",
)  # fmt: skip
"""In the order in which a request goes through them."""


@dataclass(frozen=True)
class Spread:
    """A figure of several requests: its median, and the quartiles around it."""

    mid: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Return the spread of some values; of none, nothing but zeros."""
        if len(values) < 2:
            value = values[0] if values else 0.0
            return cls(value, value, value)
        low, mid, high = quantiles(values, n=4, method="inclusive")
        return cls(mid, low, high)


@dataclass(frozen=True)
class PartFigures:
    """One part of a route's requests, seconds per request.

    Attributes:
        place: which kind of part.
        name: of the function or class.
        is_async: whether it is a coroutine function.
        runs_on: the event loop or a thread.
        cpu_s: CPU time.
        wait_s: time in which it kept its loop or thread without computing.
        awaited_s: time suspended.
        awaits: how often it was suspended, at the most.
        hops: ways to a thread and back.
        queued_s: how long a hop waited for a thread.
    """

    place: Place
    name: str
    is_async: bool
    runs_on: Where
    cpu_s: Spread
    wait_s: Spread
    awaited_s: Spread
    awaits: int
    hops: int
    queued_s: float = 0.0


@dataclass(frozen=True)
class RouteFigures:
    """What a route's requests took, seconds per request.

    Attributes:
        asked: good answers.
        statuses: how often each status came.
        cpu_s: CPU time in the app, on the loop and in threads.
        loop_cpu_s: CPU time on the loop.
        blocked_s: time for which the loop stood still without computing.
        wall_s: from arrival to end, background work included.
        answered_s: from arrival to the last byte of the answer.
        longest_step_s: the longest step on the loop, the median over requests.
        served_cpu_s: CPU time of the whole server under a small load; None if it was not measured.
        hops: ways to a thread and back.
        parts: in the order in which a request goes through them.
        sites: lines of the app's own source, the slowest first.
        statements: of SQL; None where they are not counted.
        held_s: how long a database connection was out; None if that is not known.
        locks: that requests waited for when they came at the same time.
        exception: that left the app; empty if there was none.
    """

    asked: int = 0
    statuses: Mapping[int, int] = field(default_factory=dict)
    cpu_s: Spread = Spread()
    loop_cpu_s: Spread = Spread()
    blocked_s: Spread = Spread()
    wall_s: Spread = Spread()
    answered_s: Spread = Spread()
    longest_step_s: float = 0.0
    served_cpu_s: Spread | None = None
    hops: int = 0
    parts: tuple[PartFigures, ...] = ()
    sites: tuple[RawSite, ...] = ()
    statements: int | None = None
    held_s: float | None = None
    locks: tuple[RawLock, ...] = ()
    exception: str = ""


def figures(asked: Iterable[Asked], rows: Iterable[RawRequest]) -> dict[int, RouteFigures]:
    """Return the figures of each route that answered, by its index.

    Args:
        asked: what was sent, as the client saw it.
        rows: what the app's process wrote of it.
    """
    by_id = {row.id: row for row in rows}
    timed: dict[int, list[RawRequest]] = {}
    traced: dict[int, list[RawRequest]] = {}
    together: dict[int, list[RawRequest]] = {}
    loads: dict[int, list[float]] = {}
    for each in asked:
        of_pass: dict[int, list[RawRequest]] = {}
        for sent in each.sent:
            row = by_id.get(sent.id) if sent.id else None
            if row is None or row.route is None:
                continue
            kept = together if sent.at_once else traced if row.is_traced else timed
            kept.setdefault(row.route, []).append(row)
            if kept is timed:
                of_pass.setdefault(row.route, []).append(row)
        for route, share in _shares(of_pass).items():
            loads.setdefault(route, []).extend(value * share for value in each.cpu_s)
    return {
        route: _route(timed.get(route, []), traced.get(route, []), together.get(route, []), loads.get(route, []))
        for route in timed.keys() | traced.keys() | together.keys()
    }


def _shares(of_pass: Mapping[int, Sequence[RawRequest]]) -> dict[int, float]:
    """Return which share of the CPU time of a pass each of its routes has."""
    took = {route: sum(map(_cpu_s, rows)) for route, rows in of_pass.items()}
    whole = sum(took.values())
    return {route: value / whole if whole else 1 / len(took) for route, value in took.items()}


def _route(
    timed: Sequence[RawRequest], traced: Sequence[RawRequest], together: Sequence[RawRequest], loads: Sequence[float]
) -> RouteFigures:
    every = [*timed, *traced, *together]
    statuses: dict[int, int] = {}
    for row in every:
        if row.status is not None:
            statuses[row.status] = statuses.get(row.status, 0) + 1
    rows = _good(timed) or _good(traced) or list(timed) or list(traced) or list(together)
    counted = [row.statements for row in rows if row.statements is not None]
    held = [row.connections_held_s for row in rows if row.connections_held_s is not None]

    def spread(value: Callable[[RawRequest], float]) -> Spread:
        return Spread.of([value(row) for row in rows])

    return RouteFigures(
        asked=len(_good(every)),
        statuses=statuses,
        cpu_s=spread(_cpu_s),
        loop_cpu_s=spread(lambda row: row.loop.cpu_s),
        blocked_s=spread(lambda row: row.loop.blocked_s),
        wall_s=spread(lambda row: row.wall_s),
        answered_s=spread(lambda row: row.wall_s if row.answered_s is None else row.answered_s),
        longest_step_s=median([row.loop.longest_step_s for row in rows]) if rows else 0.0,
        served_cpu_s=Spread.of(loads) if loads else None,
        hops=round(median([len(row.hops) for row in rows])) if rows else 0,
        parts=_parts(rows),
        sites=_sites(_good(traced) or traced),
        statements=round(median(counted)) if counted else None,
        held_s=median(held) if held else None,
        locks=tuple(lock for row in together for lock in row.locks),
        exception=next((row.exception for row in every if row.exception), ""),
    )


def _good(rows: Iterable[RawRequest]) -> list[RawRequest]:
    return [row for row in rows if row.status is not None and row.status < 400 and not row.exception]


def _cpu_s(row: RawRequest) -> float:
    return row.loop.cpu_s + sum(part.cpu_s for part in row.parts if part.runs_on == "thread")


def _parts(rows: Sequence[RawRequest]) -> tuple[PartFigures, ...]:
    """Return the figures of each part; a part that a request did not go through took it no time."""
    order: dict[tuple[Place, str, Where], RawPart] = {}
    for row in rows:
        for part in row.parts:
            order.setdefault((part.place, part.name, part.runs_on), part)
    found = []
    for (place, name, runs_on), first in order.items():
        own = [
            [part for part in row.parts if (part.place, part.name, part.runs_on) == (place, name, runs_on)]
            for row in rows
        ]
        hops = [[hop for hop in row.hops if (hop.place, hop.name) == (place, name)] for row in rows]
        queued = [hop.queued_s for each in hops for hop in each]
        found.append(
            PartFigures(
                place,
                name,
                bool(first.is_async),
                runs_on,
                Spread.of([sum(part.cpu_s for part in each) for each in own]),
                Spread.of([sum(part.wait_s for part in each) for each in own]),
                Spread.of([sum(part.awaited_s for part in each) for each in own]),
                max(sum(part.awaits for part in each) for each in own),
                round(median([len(each) for each in hops])) if runs_on == "thread" else 0,
                median(queued) if queued else 0.0,
            )
        )
    return tuple(sorted(found, key=lambda part: PLACES.index(part.place)))


def _sites(traced: Sequence[RawRequest]) -> tuple[RawSite, ...]:
    """Return each line with what it took per request, the median; the slowest first."""
    by_place: dict[tuple[object, ...], list[list[RawSite]]] = {}
    for number, row in enumerate(traced):
        for site in (each.to_touch for each in row.sites):
            key = (site.file, site.line, site.function, site.call, site.on, site.place, site.name)
            by_place.setdefault(key, [[] for _ in traced])[number].append(site)
    found = [
        next(site for each in rows for site in each).model_copy(
            update={
                "wait_s": median([sum(site.wait_s for site in each) for each in rows]),
                "cpu_s": median([sum(site.cpu_s for site in each) for each in rows]),
            }
        )
        for rows in by_place.values()
    ]
    return tuple(sorted(found, key=lambda site: -(site.wait_s + site.cpu_s)))
