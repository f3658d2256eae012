"""The page of ``bench check``: one HTML file with everything in it, in the style of the report."""

from dataclasses import dataclass

from loadtests.check.changes import Change, open_findings, sort
from loadtests.check.code import Code, code_of, defined_at, excerpt
from loadtests.check.record import Check, Finding, RouteCheck
from loadtests.check.wording import (
    EXPLAINED,
    PLACES,
    PROBLEMS,
    advised,
    at,
    brings,
    called,
    cost,
    counted,
    duration,
    ended,
    headline,
    measured,
    setting,
    title,
    told,
)
from loadtests.report.html.handlers import Column, Line
from loadtests.report.html.templating import TABLES, allowed, script, template
from loadtests.report.wording import listed, milliseconds, number, printable

LEFT_OUT = Line([("…", False)])
"""Stands for lines of code that are not shown."""


@dataclass(frozen=True)
class Item:
    """A change as the page shows it.

    Attributes:
        anchor: what links to it name.
        change: what it is about.
        columns: its code, one piece or two; none where there is none.
    """

    anchor: str
    change: Change
    columns: list[Column]

    @property
    def route(self) -> RouteCheck:
        """The route that gains most."""
        return self.change.route

    @property
    def others(self) -> list[str]:
        """The other routes that it would serve."""
        return [title(route) for route in self.change.routes if route is not self.route]

    @property
    def finding(self) -> Finding | None:
        """Why it is to be changed."""
        return self.change.finding


def page(check: Check) -> str:
    """Return the page: nothing has to be fetched, and nothing of the app is anything but text in it."""
    found = sort(check)
    items = [Item(f"c{number}", change, _columns(change)) for number, change in enumerate(found.changes, 1)]
    anchors = {id(route): item.anchor for item in items for route in item.change.routes}
    scripts = [script(TABLES)]
    return template("check.html.j2").render(
        check=check,
        found=found,
        items=items,
        anchor_of=lambda route: anchors.get(id(route)),
        headline=headline(check, found.changes),
        setting=setting(check),
        problems=_problems(check),
        scripts=scripts,
        allowed=allowed(scripts),
        advised=advised,
        at=at,
        brings=brings,
        called=called,
        cost=cost,
        counted=counted,
        duration=duration,
        ended=ended,
        is_accepted=lambda route: route in found.accepted,
        kind=_kind,
        listed=listed,
        measured=measured,
        milliseconds=milliseconds,
        number=number,
        open_findings=open_findings,
        places=PLACES,
        printable=printable,
        remarks=_remarks,
        title=title,
        told=told,
    )


def _remarks(route: RouteCheck) -> list[str]:
    """Return what there is to say of a route beside its verdict."""
    return [*(ended(told(finding)) for finding in route.findings), *([ended(route.note)] if route.note else [])]


def _kind(is_async: bool | None) -> str:
    return {True: "async def", False: "def", None: "—"}[is_async]


def _problems(check: Check) -> dict[str, str]:
    """Return each problem that the page names, with what it is and what to do about it."""
    findings = [*check.startup, *(finding for route in check.routes for finding in route.findings)]
    seen = {finding.problem for finding in findings}
    return {name: EXPLAINED[problem] for problem, name in PROBLEMS.items() if problem in seen}


def _columns(change: Change) -> list[Column]:
    code = code_of(change.route)
    if not code:
        return []
    where = [at(site)] if (site := defined_at(change.route, change.finding)) else []
    now = Column("a", "now", where, _shown(code, 0))
    return [now, Column("b", "then", [], _shown(code, 1))] if code.then else [now]


def _shown(code: Code, side: int) -> list[Line]:
    return [pair[side] if pair else LEFT_OUT for pair in excerpt(code)]
