"""The table of ``bench check`` in the terminal: what to change, the most worth doing first, and how."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadtests.check.changes import Change, Sorted, lead, open_findings, sort
from loadtests.check.code import code_of, defined_at, excerpt, text_of
from loadtests.check.record import Check, Problem, RouteCheck
from loadtests.check.wording import (
    advised,
    at,
    brings,
    called,
    clause,
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
from loadtests.report.html.handlers import Line
from loadtests.report.wording import printable, some

Pair = tuple[Line, Line]
"""A line as it is, and what to write in its place."""
INDENT, GAP = 2, 2
"""Columns left of code, and right of each piece of it."""
WIDE = 120
"""Columns from which everything about a change fits into one line."""
SIDE_BY_SIDE = 100
"""Columns from which two pieces of code stand side by side."""
SEVERITY: Mapping[Problem | None, str] = {
    "blocks-by-waiting": "bold red",
    "blocks-by-computing": "bold yellow",
    "pool-below-threads": "bold yellow",
    "serialised": "bold yellow",
}
"""How verdicts are shown that are about the whole process, not about one request."""
MOST_CHANGES = 15
MOST_ADVICE = 3
MOST_REASONS = 3
"""What is shown without ``--all``."""
SIGNS = str.maketrans(
    {"×": "x", "÷": "/", "–": "-", "−": "-", "…": "...", "“": '"', "”": '"', "’": "'", "→": "->", "\u00a0": " "}
)
"""How signs are written where the terminal has no Unicode."""


def table(check: Check, *, all_routes: bool = False) -> RenderableType:
    """Return the table, the advice for the most important changes, and what else there is to say.

    Args:
        check: what was found.
        all_routes: whether to list every change with its advice, and the routes to keep and those not known.
    """
    return CheckTable(check, all_routes=all_routes)


class CheckTable:
    """The table, laid out for the width and the signs of the terminal that it is printed on."""

    def __init__(self, check: Check, *, all_routes: bool) -> None:
        self.check = check
        self.all_routes = all_routes
        self.sorted = sort(check)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield one part after the other."""
        changes = self.sorted.changes
        shown = changes if self.all_routes else changes[:MOST_CHANGES]
        page = _Page(self.check, options.max_width, plain=options.ascii_only)
        yield page.text(headline(self.check, changes), "bold")
        yield page.text(f"{printable(self.check.app)}: {setting(self.check)}.", "dim")
        if shown:
            yield Text("")
            yield page.changes(shown)
        if len(shown) < len(changes):
            yield page.text(f"… and {len(changes) - len(shown):,} more changes; --all shows them.")
        yield from page.rest(self.sorted, all_routes=self.all_routes)
        advised_ = [(number, change) for number, change in enumerate(shown, 1) if change.route.advice]
        for number, change in advised_ if self.all_routes else advised_[:MOST_ADVICE]:
            yield page.advice(number, change)
        left = len(advised_) - MOST_ADVICE
        if left > 0 and not self.all_routes:
            yield page.text(f"\n--all shows the code for {counted(left, 'more change')}.", "dim")
        yield from page.remarks()


class _Page:
    """Lays parts out.

    Attributes:
        check: what was found.
        width: columns of the terminal.
        plain: whether only ASCII can be shown.
    """

    def __init__(self, check: Check, width: int, *, plain: bool) -> None:
        self.check = check
        self.width = width
        self.plain = plain

    def text(self, words: str, style: str = "") -> Text:
        """Return words in the signs that the terminal has."""
        return Text(words.translate(SIGNS) if self.plain else words, style=style)

    def lines(self, *parts: tuple[str, str]) -> Text:
        """Return words and styles, one below the other; those without words are left out."""
        return Text("\n").join(self.text(words, style) for words, style in parts if words)

    def changes(self, changes: Sequence[Change]) -> Table:
        """Return the table of what to do: a line or two for each where there is room, else a few."""
        wide = self.width >= WIDE
        rows = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, leading=int(not wide))
        rows.add_column("", justify="right", style="dim", no_wrap=True)
        if wide:
            rows.add_column("route", overflow="fold", ratio=3)
            rows.add_column("what to do", overflow="fold", ratio=4)
            rows.add_column("where", overflow="fold", ratio=4)
        else:
            rows.add_column("route, and what to do", overflow="fold", ratio=1)
        rows.add_column(f"at {counted(self.check.users, 'user')}", no_wrap=True)
        for number, change in enumerate(changes, 1):
            finding = change.finding
            why = cost(finding, self.check) if finding else ""
            site = finding.site if finding else change.route.site
            do, style = advised(change.route), SEVERITY.get(finding.problem if finding else None, "bold")
            routes = self._routes(change)
            if wide:
                cells = [routes, self.lines((do, style), (why, "")), self.lines((at(site), ""), (called(site), "dim"))]
            else:
                what = Text(": ").join(self.text(*each) for each in ((do, style), (why, "")) if each[0])
                where = Text(" ").join(self.text(*each) for each in ((at(site), ""), (called(site), "dim")) if each[0])
                cells = [Text("\n").join(each for each in (routes, what, where) if each)]
            rows.add_row(str(number), *cells, self._gain(change))
        return rows

    def _routes(self, change: Change) -> Text:
        first, *others = [title(route) for route in change.routes]
        return self.lines((first, "bold"), (f"and {counted(len(others), 'more route')}" if others else "", "dim"))

    def _gain(self, change: Change) -> Text:
        gain = change.route.gain
        if gain is None:
            return self.text("not predicted", "dim")
        proved = measured(gain)
        style = "green" if gain.low > 1 else "dim"
        return self.lines(
            (("up to " if len(change.routes) > 1 else "") + brings(gain), style),
            (f"measured {proved}" if proved else "", "bold"),
        )

    def rest(self, found: Sorted, *, all_routes: bool) -> Iterator[RenderableType]:
        """Yield what became of the other routes: how many, and of each if all are wanted."""
        groups = (
            ("Accepted by the baseline", found.accepted, self._why_accepted),
            ("To keep, with a remark", found.remarked, self._remark),
            ("To keep", found.kept, _measured_briefly),
            ("Not known", found.unknown, _why_unknown),
        )
        if not any(routes for _, routes, _ in groups):
            return
        yield Text("")
        if not all_routes:
            *short, (what, unknown, _) = groups
            yield from (self.text(f"{what}: {some([*map(title, routes)])}.") for what, routes, _ in short if routes)
            yield from (self.text(f"{what}: {line}") for line in _reasons(unknown))
            yield self.text("--all lists them with reasons.", "dim")
            return
        for number, (what, routes, reason) in enumerate(group for group in groups if group[1]):
            yield self.text(f"{chr(10) if number else ''}{what}: {counted(len(routes), 'route')}", "bold")
            rows = Table.grid(padding=(0, 2, 0, 0))
            rows.add_column(overflow="fold", max_width=max(24, self.width // 3))
            rows.add_column(overflow="fold")
            by_reason: dict[str, list[str]] = {}
            for route in routes:
                by_reason.setdefault(reason(route), []).append(title(route))
            for said, titles in by_reason.items():
                rows.add_row(self.text("\n".join(titles)), self.text(said, "dim"))
            yield rows

    def _why_accepted(self, route: RouteCheck) -> str:
        finding = lead(route)
        why = f": {cost(finding, self.check)} ({at(finding.site)})" if finding else ""
        return advised(route) + why

    def _remark(self, route: RouteCheck) -> str:
        said = [ended(told(finding)) for finding in open_findings(route)]
        return " ".join([*said, *([ended(route.note)] if route.note else [])])

    def advice(self, number: int, change: Change) -> RenderableType:
        """Return what to write instead of what, for one change."""
        route, finding = change.route, change.finding
        parts: list[RenderableType] = [self.text(f"\n{number}. {title(route)}: {advised(route)}", "bold")]
        said = [ended(told(finding))] if finding else []
        limits = [ended(route.note)] if route.note else []
        parts.append(self.text(" ".join([*said, ended(route.advice), *limits])))
        if code := code_of(route):
            pairs = excerpt(code)
            site = defined_at(route, finding)
            where = f", {at(site)}" if site else ""
            if not code.then:
                parts.append(self._below(f"now{where}", pairs))
            elif self._fits_beside(pairs):
                parts.append(self._beside(f"now{where}", "then", pairs))
            else:
                parts.append(self._below(f"now (-) and then (+){where}", pairs))
        return Group(*parts)

    def _fits_beside(self, pairs: Sequence[Pair | None]) -> bool:
        """Whether both pieces of code have room without a line that must be broken."""
        longest = max(cell_len(text_of(line)) for pair in pairs if pair for line in pair)
        return self.width >= SIDE_BY_SIDE and INDENT + 2 * (longest + len("- ") + GAP) <= self.width

    def _beside(self, now: str, then: str, pairs: Sequence[Pair | None]) -> RenderableType:
        rows = Table.grid(padding=(0, GAP, 0, 0), expand=True)
        for _ in range(2):
            rows.add_column(overflow="fold", ratio=1)
        rows.add_row(self.text(now, "dim"), self.text(then, "dim"))
        for pair in pairs:
            left, right = pair or (None, None)
            rows.add_row(self._line(left, "-"), self._line(right, "+"))
        return Padding(rows, (0, 0, 0, INDENT))

    def _below(self, heading: str, pairs: Sequence[Pair | None]) -> RenderableType:
        """Return the code as a patch shows it: what is taken away, below it what is put there."""
        lines = [self.text(heading, "dim")]
        for differing, run in groupby(pairs, lambda pair: pair is not None and pair[0].differs | pair[1].differs):
            several = list(run)
            lines += [self._line(pair and pair[0], "-") for pair in several if not (pair and pair[0].gap)]
            if differing:
                lines += [self._line(pair[1], "+") for pair in several if pair and not pair[1].gap]
        return Padding(Group(*lines), (0, 0, 0, INDENT))

    def _line(self, line: Line | None, sign: str) -> Text:
        if line is None:
            return self.text("  …", "dim")
        style = {"-": "red", "+": "green"}[sign] if line.differs else ""
        return self.text(f"{sign if line.differs else ' '} {text_of(line)}", style)

    def remarks(self) -> Iterator[RenderableType]:
        """Yield what runs before the first request, and sentences about the check as a whole."""
        if self.check.startup:
            yield self.text("\nBefore the first request", "bold")
            yield from (self.text(ended(told(finding))) for finding in self.check.startup)
        if self.check.notes:
            yield Text("")
            yield from (self.text(ended(note), "yellow") for note in self.check.notes)


def _reasons(routes: Sequence[RouteCheck]) -> list[str]:
    """Say why nothing is known of routes, those together of which it is the same; the most frequent reasons only."""
    by_reason: dict[str, list[str]] = {}
    for route in routes:
        by_reason.setdefault(_why_unknown(route), []).append(title(route))
    frequent = sorted(by_reason.items(), key=lambda each: -len(each[1]))
    said = [f"{some(routes)} ({reason})." for reason, routes in frequent[:MOST_REASONS]]
    left = sum(len(routes) for _, routes in frequent[MOST_REASONS:])
    return [*said, *([f"{counted(left, 'more route')}, for other reasons."] if left else [])]


def _why_unknown(route: RouteCheck) -> str:
    return clause(route.note) or "it gave no good answer"


def _measured_briefly(route: RouteCheck) -> str:
    kind = {True: "async def", False: "def", None: "no function"}[route.is_async]
    statements = "" if route.statements is None else f", {counted(route.statements, 'statement')}"
    return (
        f"{kind}, {duration(route.cpu_s)} of CPU time, {duration(route.wait_s)} of waiting,"
        f" {counted(route.hops, 'thread hop')}{statements}"
    )
