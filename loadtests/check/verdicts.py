"""From what was seen of a route to what its owner should do about it (pure)."""

from loadtests.check import sentences
from loadtests.check.figures import RouteFigures
from loadtests.check.findings import can_be_def, findings_of, site_of
from loadtests.check.raw import RawApp, RawRoute
from loadtests.check.record import Part, RouteCheck, Verdict
from loadtests.check.rewrites import change_of, code_of

PRIORITY: tuple[Verdict, ...] = (
    "make-def",
    "move-out-of-loop",
    "give-room",
    "make-async",
    "make-dependency-async",
    "keep",
    "not-known",
)
"""Of several verdicts on one route, the first: what stands in the way of all others comes before what slows one."""


def check_route(route: RawRoute, seen: RouteFigures | None, app: RawApp, note: str = "") -> RouteCheck:
    """Return what is to be done about a route.

    Args:
        route: as the app has it.
        seen: of its requests; None if it was not asked, or nothing was written of it.
        app: what it shares with others: threads, connections.
        note: what was in the way; empty if nothing was.
    """
    base = RouteCheck(
        method=route.method,
        path=route.path,
        name=route.name,
        is_async=route.is_async,
        site=site_of(route.site),
        note=note,
    )
    if seen is None:
        return base
    judged = list(findings_of(route, seen, app))
    judged.sort(key=lambda each: (PRIORITY.index(each[0]), each[1].problem == "blocks-by-computing", -each[1].seconds))
    verdict: Verdict = judged[0][0] if judged else "keep"
    if not seen.asked and verdict == "keep":
        verdict = "not-known"
    findings = tuple(finding.model_copy(update={"verdict": each}) for each, finding in judged)
    lead = findings[0] if findings and verdict not in ("keep", "not-known") else None
    part = None if lead is None else next((p for p in seen.parts if (p.place, p.name) == (lead.place, lead.name)), None)
    as_def = part is not None and can_be_def(part, route)
    source, then = code_of(verdict, lead, route, can_be_def=as_def)
    return base.model_copy(
        update={
            "parts": _parts(route, seen),
            "hops": seen.hops,
            "cpu_s": (seen.served_cpu_s or seen.cpu_s).mid,
            "wait_s": max(0.0, seen.answered_s.mid - seen.cpu_s.mid),
            "loop_longest_s": seen.longest_step_s,
            "statements": seen.statements,
            "asked": seen.asked,
            "verdict": verdict,
            "findings": findings,
            "advice": "" if lead is None else sentences.advice(verdict, lead, route, app, can_be_def=as_def),
            "code_now": source,
            "code_then": then,
            "change": change_of(verdict, lead, route, can_be_def=as_def),
        }
    )


def _parts(route: RawRoute, seen: RouteFigures) -> tuple[Part, ...]:
    sites = {each.name: each.site for each in route.dependencies} | {route.name: route.site}
    return tuple(
        Part(
            place=part.place,
            name=part.name,
            is_async=part.is_async,
            runs_on=part.runs_on,
            hops=part.hops,
            cpu_s=part.cpu_s.mid,
            wait_s=part.wait_s.mid,
            awaited_s=part.awaited_s.mid,
            site=site_of(sites.get(part.name)),
        )
        for part in seen.parts
    )
