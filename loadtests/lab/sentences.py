"""What is going on, in one sentence made of what was measured and seen (pure)."""

from collections.abc import Mapping

from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.lab.limits import LaneFacts, binding, is_deadlocked

ALIKE = 0.1
"""Throughputs that differ by less than this are about the same."""
FAILING = 0.05
"""Share of failed requests from which on the sentence mentions them."""
LATE_S = 0.5
"""If the event loop is this late, that is why nothing is answered."""


def sentence(lanes: Mapping[SideLabel, LaneFacts], paused: str | None = None) -> str:
    """Return what is going on and which limit binds.

    Args:
        lanes: what is known of both.
        paused: why there is no load; None if there is.
    """
    if paused:
        return paused
    stopped = [facts for facts in lanes.values() if facts.down]
    if stopped:
        others = [each for each in lanes.values() if not each.down and each.rps is not None]
        said = "; ".join(each.down.rstrip(".") for each in stopped)
        return said + (f"; {others[0].name} answers {rps(others[0].rps)}." if others else ".")
    measured = [facts for facts in lanes.values() if facts.rps is not None]
    if len(measured) < len(lanes):
        waiting = " and ".join(facts.name for facts in lanes.values() if facts.rps is None)
        return f"The load is settling: {waiting} {'has' if measured else 'have'} not been measured yet."
    a, b = (lanes[label] for label in LABELS)
    if binding(a) == binding(b) == "users":
        return f"{_compared(a, b)}: both are limited by the number of users ({a.users})."
    return f"{_compared(a, b)}: {_limited(a)}, and {_limited(b)}."


def _compared(a: LaneFacts, b: LaneFacts) -> str:
    one, other = a.rps or 0.0, b.rps or 0.0
    failing = [facts for facts in (a, b) if _is_failing(facts)]
    if failing:
        names = " and ".join(each.name for each in failing)
        return f"Requests to {names} fail ({_failures(failing[0])})"
    if min(one, other) <= 0:
        return f"{(a if one <= other else b).name} answers nothing"
    if max(one, other) / min(one, other) <= 1 + ALIKE:
        return f"Both answer about the same number of requests, {rps(one)} and {rps(other)}"
    more, less = (a, b) if one > other else (b, a)
    times = (more.rps or 0.0) / (less.rps or 1.0)
    much = f"{times:.1f} times as many requests as" if times >= 1.5 else f"{100 * (times - 1):.0f} % more requests than"
    return f"{more.name} answers {much} {less.name}"


def _is_failing(facts: LaneFacts) -> bool:
    return facts.errors_per_s > FAILING * ((facts.rps or 0.0) + facts.errors_per_s)


def _failures(facts: LaneFacts) -> str:
    return f"{facts.errors_per_s:.3g} a second"


def _limited(facts: LaneFacts) -> str:
    """Say what limits a lane, as a part of a sentence."""
    limit, inside, known = binding(facts), facts.inside, facts.resources
    if limit == "cpu":
        share = f" ({100 * facts.busy:.0f} % busy)" if facts.busy is not None else ""
        return f"{facts.name} is limited by its {'core' if facts.cpus == 1 else 'cores'}{share}"
    if limit == "users":
        return f"{facts.name} is limited by the number of users ({facts.users})"
    if limit == "unknown" or inside is None:
        return f"what limits {facts.name} can't be seen"
    if limit == "loop":
        return f"{facts.name} is limited by its event loop, which is blocked ({1000 * inside.lag_s:.0f} ms late)"
    if limit == "deadlock":
        return f"{facts.name} is in a deadlock"
    number = known.all_threads if known is not None and limit == "threads" else known and known.all_connections
    queue = inside.waiting_for_thread if limit == "threads" else inside.waiting_for_connection
    count = f"{number} " if number else ""
    return f"{facts.name} is limited by its {count}{limit} ({waiting(queue)} for one)"


def why_silent(facts: LaneFacts) -> str:
    """Say that a lane has stopped answering, and why as far as that was seen."""
    said = f"{facts.name} has stopped answering"
    known, inside = facts.resources, facts.inside
    if is_deadlocked(facts) and known is not None:
        return (
            f"{said}: all {known.all_threads} threads wait for a database connection, and the requests that hold the"
            f" {known.all_connections} connections wait for a thread"
        )
    if inside is not None and inside.lag_s >= LATE_S:
        return f"{said}: its event loop has been blocked for {inside.lag_s:.0f} s"
    return f"{said}: {facts.in_flight} requests have been waiting for {facts.silent_s:.0f} s"


def waiting(number: float) -> str:
    """Return how many requests wait, in words."""
    shown = round(number)
    return f"{shown} request waits" if shown == 1 else f"{shown} requests wait"


def rps(value: float | None) -> str:
    """Return a throughput in words."""
    if value is None:
        return "nothing yet"
    return f"{value:,.0f} requests/s" if value >= 10 else f"{value:.2g} requests/s"
