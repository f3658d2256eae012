"""Doubts about what happened while the run went on (pure)."""

from collections.abc import Iterator

from loadtests.charts.view import View
from loadtests.doubts.doubt import Doubt

MOST_LOGS = 6


def mishaps(run: View) -> Iterator[Doubt]:
    """Say what of the harness was replaced, and that something was measured again."""
    if said := _said(run, "restarted"):
        yield Doubt("Something was tried again", "; ".join(said) + ".")


def logs(run: View) -> Iterator[Doubt]:
    """Quote the log of a side that gave no good answer to a cell, each line of it once."""
    if said := list(dict.fromkeys(_said(run, "log"))):
        more = f"; and {len(said) - MOST_LOGS} more" if len(said) > MOST_LOGS else ""
        yield Doubt(
            "What a side's log says that gave no good answer", "; ".join(said[:MOST_LOGS]) + more + ".", serious=True
        )


def interruptions(run: View) -> Iterator[Doubt]:
    """Say that the run was not made in one sitting."""
    if said := _said(run, "resumed"):
        yield Doubt(
            "The run was interrupted",
            f"It was {', and '.join(said)}. Between the sittings the machine may have changed in what can't be"
            " checked; sides were only ever compared within one.",
        )


def clock(run: View) -> Iterator[Doubt]:
    """Say that the wall clock was set."""
    if said := _said(run, "clock"):
        text = "; ".join(said)
        yield Doubt(
            "The wall clock was set",
            f"{text[:1].upper()}{text[1:]}. Nothing is measured by it; only times of day in logs and run.json jump.",
        )


def _said(run: View, kind: str) -> list[str]:
    return [event.message for event in run.manifest.events if event.kind == kind]
