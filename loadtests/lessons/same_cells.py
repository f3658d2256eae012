"""Cells of the docs that several runs have measured: which of them got different verdicts (pure)."""

from loadtests.analysis.verdict_kinds import kind_of
from loadtests.experiment.loads import Load
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.example import RUN, Example
from loadtests.records.summary import Comparison, headline_of
from loadtests.report.view import RunView
from loadtests.report.wording import ratio, word


def elsewhere(example: Example, source: str) -> str:
    """Return a sentence on cells of one run to which another run gave another verdict; empty if none did.

    Args:
        example: all runs.
        source: the run that a page is about: RUN, or a lesson's name.
    """
    runs = _same_sides(example)
    said = [
        f"{c.scenario} at {c.load}: {_verdict(c, example.run)} in {_link(source, other)}"
        for at, told in runs.get(source, {}).items()
        for other, found in runs.items()
        if (c := found.get(at)) is not None and kind_of(c) != kind_of(told)
    ]
    return f"Other runs found otherwise: {'; '.join(said)}." if said else ""


def on_sqlite(example: Example, name: str) -> str:
    """Return a sentence on what the default run found on SQLite in the cells of a lesson on another database."""
    measure, run = LESSONS[name].measure, example.run
    if measure.database == run.manifest.database or measure.compares != "sides":
        return ""
    asked = {c.scenario: c.load for c in example.lessons[name].outcome.comparisons}
    found = [c for c in run.headlines() if asked.get(c.scenario) == c.load]
    said = "; ".join(f"{c.scenario} at {c.load}: {_verdict(c, run).rstrip(',')}" for c in found)
    return f"On {run.manifest.database_version} {_link(name, RUN)} found: {said}." if said else ""


def _same_sides(example: Example) -> dict[str, dict[tuple[str, Load], Comparison]]:
    """Return the headlines of the default run, and of the lessons that compare its sides on its database, by cell."""
    run = example.run
    found = {RUN: {(c.scenario, c.load): c for c in run.headlines()}}
    for name, record in example.lessons.items():
        measure = LESSONS[name].measure
        same = (measure.a, measure.b) == (run.manifest.a.spec, run.manifest.b.spec)
        if measure.compares == "sides" and same and record.database == run.manifest.database_version:
            comparisons = record.outcome.comparisons
            found[name] = {(c.scenario, c.load): c for c in comparisons if c.metric == headline_of(c.load)}
    return found


def _verdict(c: Comparison, run: RunView) -> str:
    spread = f" ({ratio(c.interval[0])} to {ratio(c.interval[1])})" if c.interval else ""
    return f"{word(c, run.names)}" + (f", {ratio(c.ratio)}{spread}," if c.ratio else "")


def _link(source: str, other: str) -> str:
    """Return a link from the page of one run to that of another."""
    if other == RUN:
        return "[the default run](../results.md)"
    return f"[{LESSONS[other].title}]({'lessons/' if source == RUN else ''}{other}.md)"
