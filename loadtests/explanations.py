"""A comparison in a sentence or two (pure)."""

from collections import Counter
from collections.abc import Sequence

from loadtests.outcome import Comparison, Metric, side_names
from loadtests.warnings import MEANING, Flag

NOUN: dict[Metric, str] = {
    "throughput": "throughput",
    "p50": "median response time",
    "p99": "99th percentile of the response time",
    "cpu_per_request": "server CPU per request",
}


def explain(comparison: Comparison, flags: Sequence[Flag], collapses: Sequence[str | None]) -> str:
    """Say what was found, how sure it is, and what each flag means.

    Args:
        comparison: the comparison, its explanation still empty.
        flags: its flags with their reasons.
        collapses: what each trial of the cell said of itself: a sentence, or None if it was measured.
    """
    a, b = side_names(comparison.a.side, comparison.b.side)
    sentences = [_finding(comparison, a, b)]
    told = Counter(reason for reason in collapses if reason)
    for flag in flags:
        side = {"a": a, "b": b}.get(flag.label or "")
        prefix = f"{side}: " if side else ""
        reason = f"“{told.most_common(1)[0][0]}”" if flag.name == "collapsed" and told else flag.reason
        sentences.append(_sentence(f"{prefix}{MEANING[flag.name]}{f' ({reason})' if reason else ''}"))
    return " ".join(sentences)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def _finding(c: Comparison, a: str, b: str) -> str:
    noun = NOUN[c.metric]
    if c.ratio is None:
        if c.verdict in ("a", "b"):
            good, bad = (a, b) if c.verdict == "a" else (b, a)
            return f"{good} is better: {bad} has no {noun}, because it collapsed or because too many requests failed."
        return f"The two sides could not be compared in {noun}."
    how_much = f"{b} ÷ {a} in {noun} is {c.ratio:.2f}"
    if c.interval is not None:
        how_much += f", 95 % interval {c.interval[0]:.2f} to {c.interval[1]:.2f} over {c.blocks} blocks"
    match c.verdict:
        case "a" | "b":
            better = a if c.verdict == "a" else b
            return f"{better} is better: {how_much}."
        case "equivalent":
            return f"No difference worth having: {how_much}."
        case _:
            return f"Not decided: {how_much}."
