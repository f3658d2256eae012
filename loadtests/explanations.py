"""A comparison in a sentence or two (pure)."""

from collections import Counter
from collections.abc import Mapping, Sequence

from loadtests.records.outcome import Comparison, Metric, SideLabel, side_names
from loadtests.warnings.flag import MEANING, NO_VERDICT, Flag

NOUN: dict[Metric, str] = {
    "throughput": "throughput",
    "p50": "the median response time",
    "p99": "the 99th percentile of the response time",
    "cpu_per_request": "server CPU per request",
}


def explain(comparison: Comparison, flags: Sequence[Flag], collapses: Mapping[SideLabel, Sequence[str | None]]) -> str:
    """Say what was found, how sure it is, and what each flag means.

    Args:
        comparison: the comparison, its explanation still empty.
        flags: its flags with their reasons.
        collapses: what each trial of a side said of itself: a sentence, or None if it was measured.
    """
    a, b = side_names(comparison.a.side, comparison.b.side)
    sentences = [_finding(comparison, a, b, left_out=any(flag.name in NO_VERDICT for flag in flags))]
    for flag in flags:
        told = Counter(reason for reason in collapses[flag.label] if reason) if flag.label else Counter[str]()
        side = {"a": a, "b": b}.get(flag.label or "")
        reason = f"“{told.most_common(1)[0][0]}”" if flag.name == "collapsed" and told else flag.reason
        text = f"{MEANING[flag.name]}{f' ({reason})' if reason else ''}."
        sentences.append(f"{side}: {text}" if side else text[0].upper() + text[1:])
    return " ".join(sentences)


def _finding(c: Comparison, a: str, b: str, *, left_out: bool) -> str:
    noun = NOUN[c.metric]
    if c.ratio is None:
        if c.verdict in ("a", "b"):
            good, bad = (a, b) if c.verdict == "a" else (b, a)
            why = "because it collapsed or because too many requests failed"
            return f"{good} is better: there is no figure for {noun} of {bad}, {why}."
        return f"The two sides could not be compared in {noun}."
    less = "" if c.metric == "throughput" else ", of which less is better,"
    how_much = f"{b} ÷ {a} in {noun}{less} is {written(c.ratio)}"
    if c.interval is not None:
        how_much += f", 95 % interval {written(c.interval[0])} to {written(c.interval[1])} over {c.blocks} blocks"
    match c.verdict:
        case "a" | "b":
            better = a if c.verdict == "a" else b
            return f"{better} is better: {how_much}."
        case "equivalent":
            return f"No difference worth having: {how_much}."
        case _:
            return f"{'No verdict' if left_out else 'Not decided'}: {how_much}."


def written(ratio: float) -> str:
    """Write a ratio with two decimals, or as many as it takes to see that it is not 0."""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"
