"""A check sorted for reading: what is to change, what is accepted, what stays, and what is not known (pure).

Many routes may share one fault, as of a middleware or a dependency: that is one change.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from loadtests.check.record import Check, Finding, RouteCheck, Verdict

NO_CHANGE: frozenset[Verdict] = frozenset({"keep", "not-known"})


@dataclass(frozen=True)
class Change:
    """One thing to do.

    Attributes:
        routes: that it would serve, at least one, the most worth changing first.
        finding: why; None where the verdict stands alone.
    """

    routes: tuple[RouteCheck, ...]
    finding: Finding | None

    @property
    def route(self) -> RouteCheck:
        """The route that gains most by it."""
        return max(self.routes, key=lambda route: route.gain.ratio if route.gain else 0.0)


@dataclass(frozen=True)
class Sorted:
    """A check's routes.

    Attributes:
        changes: what is to be done, the most worth doing first.
        accepted: routes that would be to change, but all that is wrong with them is in the baseline.
        remarked: routes to keep, of which there is something to say.
        kept: routes to keep, of which there is nothing to say.
        unknown: routes that could not be judged.
    """

    changes: tuple[Change, ...]
    accepted: tuple[RouteCheck, ...]
    remarked: tuple[RouteCheck, ...]
    kept: tuple[RouteCheck, ...]
    unknown: tuple[RouteCheck, ...]


def sort(check: Check) -> Sorted:
    """Sort a check's routes, each into one place."""
    wrong = [route for route in check.routes if route.verdict not in NO_CHANGE]
    keep = [route for route in check.routes if route.verdict == "keep"]
    return Sorted(
        changes=_changes(route for route in wrong if not is_accepted(route)),
        accepted=tuple(route for route in wrong if is_accepted(route)),
        remarked=tuple(route for route in keep if open_findings(route) or route.note),
        kept=tuple(route for route in keep if not (open_findings(route) or route.note)),
        unknown=tuple(route for route in check.routes if route.verdict == "not-known"),
    )


def open_findings(route: RouteCheck) -> tuple[Finding, ...]:
    """Return a route's findings that the baseline does not accept, remarks too, the worst first."""
    return tuple(finding for finding in route.findings if finding.fingerprint not in route.accepted)


def open_faults(route: RouteCheck) -> tuple[Finding, ...]:
    """Return what is wrong with a route and not accepted: its open findings without remarks."""
    return tuple(finding for finding in open_findings(route) if finding.verdict != "keep")


def is_accepted(route: RouteCheck) -> bool:
    """Whether the baseline accepts all that is wrong with a route."""
    return not open_faults(route) and any(finding.verdict != "keep" for finding in route.findings)


def lead(route: RouteCheck) -> Finding | None:
    """Return the finding that a route's verdict rests on, one that is not accepted if there is one; None without."""
    found = [finding for finding in route.findings if finding.verdict == route.verdict]
    return next((finding for finding in found if finding.fingerprint not in route.accepted), next(iter(found), None))


def _changes(routes: Iterable[RouteCheck]) -> tuple[Change, ...]:
    """Put routes together that share one fault, in the order of the first of them."""
    groups: dict[object, list[RouteCheck]] = {}
    for number, route in enumerate(routes):
        groups.setdefault(_shared_fault(route) or number, []).append(route)
    return tuple(Change(tuple(group), lead(group[0])) for group in groups.values())


def _shared_fault(route: RouteCheck) -> object:
    """Return what tells a fault from others that several routes may have: the line to touch; None for a handler's."""
    finding = lead(route)
    if finding is None or finding.site is None or finding.place == "handler":
        return None
    return route.verdict, finding.problem, finding.place, finding.name, finding.site
