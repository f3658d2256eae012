"""What was found as SARIF 2.1.0, so that a code review shows it on the line (pure but for where the repository begins).

GitHub refuses a whole document for one result that names no file, so what has none in the repository is told as a
notification instead. It shows results that are suppressed, too; docs/ci.md says how to leave them out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from loadtests.check.changes import NO_CHANGE
from loadtests.check.code import defined_at
from loadtests.check.record import Check, Finding, Problem, RouteCheck, Site
from loadtests.check.repository import Sources
from loadtests.check.wording import (
    EXPLAINED,
    PROBLEMS,
    advised,
    at,
    brings,
    clause,
    counted,
    ended,
    measured,
    part,
    title,
)
from loadtests.report.wording import NO_BREAK, printable

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
ROOT = "%SRCROOT%"
"""What stands for the root of the repository."""
FINGERPRINT = "benchCheck/v1"
Level = Literal["error", "warning", "note"]
LEVELS: Mapping[Problem, Level] = {
    "blocks-by-waiting": "error",
    "blocks-by-computing": "warning",
    "pool-below-threads": "warning",
    "serialised": "warning",
    "waits-in-thread": "note",
    "hop-for-nothing": "note",
}
SEVERITIES: Mapping[Level, str] = {"error": "error", "warning": "warning", "note": "recommendation"}
"""How GitHub calls levels where it sorts rules."""
MOST_LINKS = 5
Json = dict[str, object]


def sarif(check: Check, root: Path | None = None) -> dict[str, object]:
    """Return the document.

    Args:
        check: what was found.
        root: the folder of the repository; None for the one that the app's folder is in.
    """
    sources = Sources.of(check, root)
    entries = list(_entries(check))
    sites = [None if entry.is_remark else _primary(entry, sources) for entry in entries]
    placed = [(entry, site) for entry, site in zip(entries, sites, strict=True) if site is not None]
    placeless = [entry for entry, site in zip(entries, sites, strict=True) if site is None]
    driver: Json = {"name": "bench check", "rules": [_rule(problem) for problem in PROBLEMS]}
    if own := _own_version():
        driver["semanticVersion"] = own
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "automationDetails": {"id": f"bench-check/{printable(check.app)}/"},
                "originalUriBaseIds": {ROOT: {"description": {"text": "The root of the repository."}}},
                "columnKind": "unicodeCodePoints",
                "invocations": [
                    {
                        "executionSuccessful": True,
                        "toolExecutionNotifications": _notifications(check, placeless),
                    }
                ],
                "results": [_result(entry, site, sources) for entry, site in placed],
            }
        ],
    }


@dataclass(frozen=True)
class Entry:
    """One result: a finding, with the routes that share it.

    Attributes:
        finding: of the first of them.
        part: the part of a request that it is in, in words; empty for handlers, and where there are several.
        routes: none for what runs before the first request.
        fingerprints: of all findings that are told as one.
        is_accepted: whether the baseline accepts it.
    """

    finding: Finding
    part: str
    routes: tuple[RouteCheck, ...]
    fingerprints: tuple[str, ...]
    is_accepted: bool

    @property
    def level(self) -> Level:
        """How serious it is; what only delays the start is no more than a remark."""
        return LEVELS[self.finding.problem] if self.routes else "note"

    @property
    def is_remark(self) -> bool:
        """Whether nothing is to be done about it."""
        return bool(self.routes) and self.finding.verdict == "keep"


def _entries(check: Check) -> Iterable[Entry]:
    """Yield what is to be told; what routes have on one line is one entry, as GitHub keeps one alert of it."""
    groups: dict[object, list[tuple[RouteCheck, Finding]]] = {}
    for number, route in enumerate(check.routes):
        for finding in route.findings:
            line = finding.site or (number, finding.fingerprint)
            key = finding.problem, finding.verdict, line, finding.fingerprint in route.accepted
            groups.setdefault(key, []).append((route, finding))
    for group in groups.values():
        route, first = group[0]
        parts = {(finding.place, finding.name) for _, finding in group}
        yield Entry(
            finding=first,
            part=part(first) if len(parts) == 1 and first.place != "handler" else "",
            routes=tuple(route for route, _ in group),
            fingerprints=tuple(sorted({finding.fingerprint for _, finding in group})),
            is_accepted=first.fingerprint in route.accepted,
        )
    for finding in check.startup:
        yield Entry(finding, "", (), (finding.fingerprint,), finding.fingerprint in check.accepted)


def _primary(entry: Entry, sources: Sources) -> Site | None:
    """Return the line to show a finding on: its own, else where its part or its handler is defined."""
    sites = [entry.finding.site]
    for route in entry.routes[:1]:
        sites += [defined_at(route, entry.finding), route.site]
    return next((site for site in sites if site is not None and sources.uri(site) is not None), None)


def _result(entry: Entry, site: Site, sources: Sources) -> Json:
    finding = entry.finding
    handlers = [
        (route, route.site)
        for route in entry.routes[:MOST_LINKS]
        if route.site is not None and route.site != site and sources.uri(route.site) is not None
    ]
    links = {title(route): number for number, (route, _) in enumerate(handlers, 1)}
    result: Json = {
        "ruleId": finding.problem,
        "ruleIndex": list(PROBLEMS).index(finding.problem),
        "level": entry.level,
        "message": {"text": _message(entry, links, elsewhere=finding.site if finding.site != site else None)},
        "locations": [
            {
                "physicalLocation": _location(site, sources),
                "logicalLocations": [
                    {"fullyQualifiedName": printable(site.function or finding.name) or "unknown", "kind": "function"}
                ],
            }
        ],
        "partialFingerprints": {FINGERPRINT: entry.fingerprints[0]},
        "properties": {
            "routes": [title(route) for route in entry.routes],
            "seconds": finding.seconds,
            "fingerprints": list(entry.fingerprints),
        },
    }
    if handlers:
        result["relatedLocations"] = [
            {"id": number, "physicalLocation": _location(where, sources), "message": {"text": _literal(title(route))}}
            for number, (route, where) in enumerate(handlers, 1)
        ]
    if entry.is_accepted:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": "It is in the baseline of bench check."}
        ]
    return result


def _location(site: Site, sources: Sources) -> Json:
    region: Json = {"startLine": max(1, site.line), "endLine": max(1, site.line)}
    if columns := sources.columns(site):
        region["startColumn"], region["endColumn"] = columns
    return {"artifactLocation": {"uri": sources.uri(site), "uriBaseId": ROOT}, "region": region}


def _message(entry: Entry, links: Mapping[str, int], elsewhere: Site | None = None) -> str:
    """Say what is wrong, first of all, then what to do, what it would bring, and for which routes.

    Args:
        entry: what was found.
        links: the numbers of the related locations by the routes' names.
        elsewhere: the line that it is about, where that can't be shown.
    """
    finding = entry.finding
    said = [_literal(ended(finding.sentence))]
    if elsewhere is not None and at(elsewhere) not in finding.sentence:
        said.append(_literal(f"That is in {at(elsewhere)}."))
    if not entry.routes:
        return " ".join([*said, "This happens before the first request."])
    route = max(entry.routes, key=lambda each: each.gain.ratio if each.gain else 0.0)
    if finding.verdict == route.verdict and finding.verdict not in NO_CHANGE:
        said += [_literal(ended(text)) for text in (advised(route), route.advice) if text]
        if route.gain:
            proved = f", measured {measured(route.gain)}" if route.gain.proved else ""
            users = counted(route.gain.users, "user")
            said.append(f"Predicted with {users}: {brings(route.gain)} as many requests per second{proved}.")
    names = [_linked(title(each), links) for each in entry.routes[:MOST_LINKS]]
    left = len(entry.routes) - len(names)
    more = f" and {counted(left, 'more route')}" if left else ""
    where = f"In {entry.part}, for" if entry.part else "For"
    return " ".join([*said, f"{_literal(where)} {', '.join(names)}{more}."]).replace(NO_BREAK, " ")


def _linked(name: str, links: Mapping[str, int]) -> str:
    """Return a route's name, as a link to its handler if there is one to show."""
    text = _literal(name)
    if name not in links:
        return text
    escaped = re.sub(r"([][\\])", r"\\\1", text)
    return f"[{escaped}]({links[name]})"


def _literal(text: str) -> str:
    """Return text in which no brace can be taken for a placeholder: /posts/:id for /posts/{id}.

    The standard doubles braces; not every reader undoes it.
    """
    text = re.sub(r"\{(\w+)(?::\w+)?\}", r":\1", printable(text))
    return text.replace("{", "(").replace("}", ")")


def _rule(problem: Problem) -> Json:
    level = LEVELS[problem]
    first, _, _ = EXPLAINED[problem].partition(". ")
    return {
        "id": problem,
        "name": "".join(word.capitalize() for word in problem.split("-")),
        "shortDescription": {"text": PROBLEMS[problem]},
        "fullDescription": {"text": f"{first}."},
        "help": {"text": EXPLAINED[problem], "markdown": f"**{PROBLEMS[problem]}.** {EXPLAINED[problem]}"},
        "defaultConfiguration": {"level": level},
        "properties": {
            "tags": ["performance", "async"],
            "precision": "high",
            "problem.severity": SEVERITIES[level],
        },
    }


def _notifications(check: Check, placeless: Sequence[Entry]) -> list[Json]:
    """Return what is no result: remarks, what has no line in the repository, routes not known, notes."""
    found = [
        ("note" if entry.is_remark else entry.level, _message(entry, {}, entry.finding.site))
        for entry in placeless
        if not entry.is_accepted
    ]
    unknown = [
        ("note", _literal(f"{title(route)} could not be judged: {clause(route.note) or 'it gave no good answer'}."))
        for route in check.routes
        if route.verdict == "not-known"
    ]
    notes = [("note", _literal(ended(note))) for note in check.notes]
    return [{"level": level, "message": {"text": text}} for level, text in [*found, *unknown, *notes]]


def _own_version() -> str | None:
    try:
        return version("def-or-async")
    except PackageNotFoundError:
        return None
