"""A comparison in a sentence or two (pure)."""

from collections import Counter
from collections.abc import Sequence

from loadtests.outcome import Comparison, Metric
from loadtests.warnings import MEANING

NOUN: dict[Metric, str] = {
    "throughput": "throughput",
    "p50": "median response time",
    "p99": "99th percentile of the response time",
    "cpu_per_request": "server CPU per request",
}


def explain(comparison: Comparison, collapses: Sequence[str | None]) -> str:
    """Say what was found, how sure it is, and what each flag means.

    Args:
        comparison: the comparison, its explanation still empty.
        collapses: what each trial of the cell said of itself: a sentence, or None if it was measured.
    """
    sentences = [_finding(comparison)]
    told = Counter(reason for reason in collapses if reason)
    for flag in comparison.flags:
        name, _, label = flag.partition(":")
        side = {"a": comparison.a.side, "b": comparison.b.side}.get(label)
        prefix = f"{side}: " if side else ""
        reason = f" (“{told.most_common(1)[0][0]}”)" if name == "collapsed" and told else ""
        sentences.append(f"{prefix}{MEANING[name]}{reason}.")
    return " ".join(sentences)


def _finding(c: Comparison) -> str:
    noun = NOUN[c.metric]
    if c.ratio is None:
        if c.verdict in ("a", "b"):
            good, bad = (c.a, c.b) if c.verdict == "a" else (c.b, c.a)
            return f"Only {good.side} answered; {bad.side} gave no {noun} to compare."
        return f"The {noun} of the two sides could not be compared."
    how_much = f"{c.b.side} ÷ {c.a.side} in {noun} is {c.ratio:.2f}"
    if c.interval is not None:
        how_much += f", 95 % interval {c.interval[0]:.2f} to {c.interval[1]:.2f} over {c.blocks} blocks"
    match c.verdict:
        case "a" | "b":
            better = c.a.side if c.verdict == "a" else c.b.side
            return f"{better} is better: {how_much}."
        case "equivalent":
            return f"No difference worth having: {how_much}."
        case _:
            return f"Not decided: {how_much}."
