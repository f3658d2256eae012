"""The tables of the page on bench check, held against what they are about."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from loadtests.check import findings
from tests.check.chosen import given
from tests.check.expected import CLEAN, FAULTS, NOT_MEASURED
from tests.check.made_up_app import App, Route

PAGE = Path("docs/check.md")
BEGIN, END = "<!-- faults -->\n", "<!-- end of faults -->"
WRITE = "WRITE_DOCS"
"""Set it to have the table written."""


def table() -> str:
    rows = ["| fault | route | must be reported as |", "| --- | --- | --- |"]
    rows += [f"| {app.kind} | `{route.route}` | {_said(app, route)} |" for app in FAULTS for route in _faulty(app)]
    rows += [
        "",
        "Not judged, with a note that says why, while the other routes of the same app are judged:"
        f" {_kinds(NOT_MEASURED)}. If an app cannot start, there is one sentence about it.",
        "",
        f"Clean, with nothing to report: {_kinds(CLEAN)}.",
    ]
    return "\n".join(["", *rows, "", ""])


def _faulty(app: App) -> Sequence[Route]:
    return [route for route in app.routes if route.verdicts != ("keep",) or route.remark]


def _said(app: App, route: Route) -> str:
    verdicts = given(app, route)
    remark = f" with a remark ({route.remark})" if route.remark and "keep" in verdicts else ""
    return " or ".join(f"{verdict}{remark if verdict == 'keep' else ''}" for verdict in verdicts)


def _kinds(apps: Sequence[App]) -> str:
    return "; ".join(app.kind for app in apps)


def test_the_table_of_faults_is_that_of_the_tests() -> None:
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    wanted = f"{before}{BEGIN}{table()}{end}{after}"
    if os.environ.get(WRITE):
        PAGE.write_text(wanted, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == wanted, f"{WRITE}=1 pytest {__file__} writes it"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (findings.BLOCKS_S, "keeps the event loop waiting for 1 ms or more"),
        (findings.COMPUTES_S, "it computes for 10 ms or more"),
        (findings.WAITS_S, "waits for 10 ms or more in a thread"),
    ],
)
def test_thresholds_are_those_of_the_code(seconds: float, text: str) -> None:
    assert f"{1000 * seconds:g} ms" in text
    assert text in PAGE.read_text(encoding="utf-8")
