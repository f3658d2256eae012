"""The baseline: a file, kept beside the code, of findings that are known and accepted.

It holds no lines and no figures, so that it changes only when findings come or go.
"""

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from loadtests.check.changes import open_faults
from loadtests.check.record import Check, Finding, Frozen, Problem, RouteCheck
from loadtests.check.wording import PLACES, counted, title
from loadtests.records.json_files import replace_file
from loadtests.report.wording import printable
from loadtests.system.errors import UsageError

SCHEMA = 1
STARTUP = "before the first request"
"""What stands in place of a route."""
MOST_TOLD = 5
OPTION = "--baseline"


class Entry(Frozen):
    """One accepted finding; all but the fingerprint is for readers.

    Attributes:
        route: its route, as ``GET /posts``.
        problem: what it is.
        part: the part of a request that it is in.
        call: what takes the time; empty if it is not known.
        fingerprint: what tells it from others.
        reason: why it is accepted, written by hand; kept when the file is written anew.
    """

    route: str
    problem: Problem
    part: str
    call: str = ""
    fingerprint: str
    reason: str = ""


class Baseline(Frozen):
    """The file.

    Attributes:
        schema_version: SCHEMA.
        accepted: sorted, so that a change of the file shows what came or went.
    """

    schema_version: int = SCHEMA
    accepted: tuple[Entry, ...] = ()


def read(path: Path) -> frozenset[str]:
    """Return the fingerprints that a baseline accepts; raises UsageError if it can't be read."""
    return frozenset(entry.fingerprint for entry in _load(path).accepted)


def accept(check: Check, baseline: frozenset[str]) -> Check:
    """Return a check in which the findings of a baseline are marked as accepted.

    Where other findings of a route are not, its verdict is that of the worst of them: what is left to do.
    """
    return check.model_copy(
        update={
            "accepted": _of(check.startup, baseline),
            "routes": tuple(_accepted(route, baseline) for route in check.routes),
        }
    )


def _accepted(route: RouteCheck, baseline: frozenset[str]) -> RouteCheck:
    accepted = route.model_copy(update={"accepted": _of(route.findings, baseline)})
    faults = open_faults(accepted)
    if not faults or any(finding.verdict == route.verdict for finding in faults):
        return accepted
    other = {"advice": "", "code_now": "", "code_then": "", "change": None, "gain": None}
    return accepted.model_copy(update={"verdict": faults[0].verdict, **other})


def write(path: Path, check: Check) -> int:
    """Accept everything that was found, and return how many findings that is.

    What an earlier file accepts of routes of which nothing is known this time stays, and so do its reasons.

    Args:
        path: the file; replaced if it is there.
        check: what was found.

    Raises:
        UsageError: if it can't be written, or what is there is no baseline.
    """
    before = {entry.fingerprint: entry for entry in _load(path).accepted} if path.exists() else {}
    found = {
        entry.fingerprint: entry.model_copy(update={"reason": before[entry.fingerprint].reason})
        if entry.fingerprint in before
        else entry
        for entry in _entries(check)
    }
    unseen = {title(route) for route in check.routes if route.verdict == "not-known"}
    kept = {entry.fingerprint: entry for entry in before.values() if entry.route in unseen}
    entries = sorted({**kept, **found}.values(), key=lambda entry: (*entry.model_dump().values(),))
    content = Baseline(accepted=tuple(entries)).model_dump_json(indent=2)
    try:
        replace_file(path, f"{content}\n".encode())
    except OSError as error:
        raise UsageError(f"{OPTION} {path}: it can't be written: {error.strerror or error}") from None
    return len(entries)


def outdated(path: Path, check: Check) -> list[str]:
    """Return sentences about what a baseline accepts and the check does not find; a few, and how many more there are.

    Of routes of which nothing is known nothing is said. Raises UsageError if the file can't be read.
    """
    found = {entry.fingerprint for entry in _entries(check)}
    routes = {title(route): route for route in check.routes}
    said = [
        f"The baseline accepts {entry.problem} of {entry.route} ({_described(entry)}), {why}"
        for entry in _load(path).accepted
        if entry.fingerprint not in found and (why := _why_missing(entry, routes))
    ]
    more = len(said) - MOST_TOLD
    left = [f"The baseline accepts {counted(more, 'more finding')} that no longer exist"] if more > 0 else []
    return [*said[:MOST_TOLD], *left]


def _why_missing(entry: Entry, routes: dict[str, RouteCheck]) -> str:
    """Say why an accepted finding is not there; nothing if it may be there all the same."""
    if entry.route != STARTUP and entry.route not in routes:
        return "but the app has no such route"
    if entry.route in routes and routes[entry.route].verdict == "not-known":
        return ""
    return "which is no longer found"


def _described(entry: Entry) -> str:
    return f"{entry.part}: {entry.call}" if entry.call else entry.part


def _of(findings: Iterable[Finding], baseline: frozenset[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each.fingerprint for each in findings if each.fingerprint in baseline))


def _entries(check: Check) -> list[Entry]:
    of_routes = [_entry(title(route), finding) for route in check.routes for finding in route.findings]
    return [*of_routes, *(_entry(STARTUP, finding) for finding in check.startup)]


def _entry(route: str, finding: Finding) -> Entry:
    return Entry(
        route=route,
        problem=finding.problem,
        part=printable(f"{PLACES[finding.place]} {finding.name}".rstrip()),
        call=printable(finding.site.call) if finding.site else "",
        fingerprint=finding.fingerprint,
    )


def _load(path: Path) -> Baseline:
    try:
        baseline = Baseline.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{OPTION} {path}: there is no such file; --write-baseline creates it") from None
    except OSError as error:
        raise UsageError(f"{OPTION} {path}: it can't be read: {error.strerror or error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in first["loc"]).lstrip(".")
        where = f"{place}: " if place else ""
        raise UsageError(
            f"{OPTION} {path}: it is not a baseline: {where}{first['msg']}; fix it, or delete it and create it again"
            " with --write-baseline"
        ) from None
    if baseline.schema_version != SCHEMA:
        raise UsageError(
            f"{OPTION} {path}: it has schema {baseline.schema_version}, and this bench reads schema {SCHEMA};"
            " delete it and create it again with --write-baseline"
        )
    return baseline
