"""What to doubt about a run: how it was measured, on what, and which of its cells are flagged (pure)."""

from loadtests.charts.view import View
from loadtests.doubts import cells, conditions, events, load
from loadtests.doubts.deadlock import deadlock
from loadtests.doubts.doubt import Doubt, flag_words
from loadtests.records.outcome import Outcome

__all__ = ["Doubt", "doubts", "flag_words"]


def doubts(run: View, outcome: Outcome) -> list[Doubt]:
    """Return every doubt that the run itself gives rise to, the serious ones first."""
    found = [
        *cells.incomplete(run, outcome),
        *cells.collapses(run),
        *deadlock(run),
        *events.logs(run),
        *cells.taken_out(run),
        *cells.flagged(run),
        *conditions.blocks(run),
        *load.driver(run),
        *load.ceiling(run),
        *load.locust(run),
        *conditions.cores(run),
        *conditions.machine(run),
        *conditions.database(run),
        *conditions.provenance(run),
        *events.mishaps(run),
        *events.interruptions(run),
        *events.clock(run),
        *conditions.always(run),
        *load.loop(run),
    ]
    return sorted(found, key=lambda doubt: not doubt.serious)
