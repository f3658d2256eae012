"""The conditions of ``--fail-on``: what must not be found for the exit status to be 0 (pure)."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from loadtests.check.changes import NO_CHANGE, open_faults
from loadtests.check.record import Check, Finding, Problem, RouteCheck, Verdict
from loadtests.check.wording import advised, clause, title, told
from loadtests.system.errors import UsageError

OPTION = "--fail-on"
GROUPS: Mapping[str, frozenset[Problem]] = {
    "blocking": frozenset({"blocks-by-waiting"}),
    "computing": frozenset({"blocks-by-computing"}),
    "limits": frozenset({"pool-below-threads", "serialised"}),
}
"""Words for problems: for one that is named more shortly, or for several."""
MEANINGS: Mapping[str, str] = {
    "any": "something should change, for any reason, or something blocks the start of the app",
    "blocking": "something that waits blocks the event loop",
    "computing": "a long computation blocks the event loop",
    "limits": "requests wait for a connection, a thread or a lock",
    "startup": "something blocks the start of the app",
    "make-def": "something should be `def`",
    "make-async": "something should be `async def`, with an async client",
    "make-dependency-async": "a dependency should be `async def`",
    "move-out-of-loop": "something should be moved off the event loop",
    "give-room": "a route needs more threads or connections",
    "not-known": "a route could not be judged",
    "blocks-by-waiting": "the same as `blocking`",
    "blocks-by-computing": "the same as `computing`",
    "waits-in-thread": "a thread is held while it waits",
    "hop-for-nothing": "a thread is used without need",
    "pool-below-threads": "there are fewer connections than threads that use them",
    "serialised": "requests wait for each other, for example for a lock",
}
"""Every condition, and what it says."""


@dataclass(frozen=True)
class Conditions:
    """What fails.

    Attributes:
        words: of MEANINGS, in the order in which they were given, each once.
    """

    words: tuple[str, ...]

    def of_finding(self, finding: Finding) -> str | None:
        """Return the first condition that a finding fails; None if it fails none."""
        named = {"any", finding.problem, finding.verdict}
        fit = (word for word in self.words if word in named or finding.problem in GROUPS.get(word, ()))
        return next(fit, None)

    def of_verdict(self, verdict: Verdict) -> str | None:
        """Return the first condition that a verdict without a finding fails; None if it fails none."""
        fit = (word for word in self.words if word == verdict or (word == "any" and verdict not in NO_CHANGE))
        return next(fit, None)

    @property
    def of_startup(self) -> str | None:
        """The condition that a remark on the start of the app fails; None if there is none."""
        return next((word for word in self.words if word in ("startup", "any")), None)


def parse(texts: Sequence[str]) -> Conditions:
    """Return the conditions that were typed, each text one or several with commas between; raises UsageError."""
    words = [word.strip() for text in texts for word in text.split(",")]
    for word in words:
        if word not in MEANINGS:
            raise UsageError(f"{OPTION} {word!r}: {_why_unknown(word)}")
    return Conditions(tuple(dict.fromkeys(words)))


def failures(check: Check, conditions: Conditions) -> list[str]:
    """Return a line for each finding that must not be; what the baseline accepts never fails, nor do remarks."""
    of_routes = [line for route in check.routes for line in _of_route(route, conditions)]
    failed = conditions.of_startup
    start = [finding for finding in check.startup if finding.fingerprint not in check.accepted]
    return [*of_routes, *(_line("start of the app", finding, failed) for finding in start if failed)]


def _of_route(route: RouteCheck, conditions: Conditions) -> Iterator[str]:
    for finding in open_faults(route):
        if failed := conditions.of_finding(finding):
            yield _line(title(route), finding, failed)
    rests_on_findings = any(finding.verdict == route.verdict for finding in route.findings)
    if not rests_on_findings and (failed := conditions.of_verdict(route.verdict)):
        why = f": {clause(route.note)}" if route.note else ""
        yield f"{title(route)}: {advised(route)}{why} [{failed}]"


def _line(where: str, finding: Finding, failed: str) -> str:
    return f"{where}: {told(finding)} [{failed}]"


def _why_unknown(word: str) -> str:
    if word == "keep":
        return f"a route to keep is not a failure; choose one of: {', '.join(MEANINGS)}"
    if close := difflib.get_close_matches(word.lower().replace("_", "-"), MEANINGS, n=1):
        return f"unknown condition; did you mean {close[0]!r}?"
    return f"unknown condition; choose one of: {', '.join(MEANINGS)}"
