"""Flags: what each one means, and a comparison explained in a sentence or two (pure).

``Conditions`` is what is known of a run beside its samples, for those flags that samples alone do not show.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from loadtests.analysis.comparison import MARGIN_PERCENT
from loadtests.analysis.verdict_kinds import NO_VERDICT, alike_in_words, is_alike
from loadtests.experiment.plan import MIN_BLOCKS, SINGLE_CELL_BLOCKS
from loadtests.experiment.sides import SideLabel
from loadtests.records.summary import Comparison, Metric, Verdict, side_names

NOUN: dict[Metric, str] = {
    "throughput": "throughput",
    "p50": "the median response time",
    "p99": "the 99th percentile of the response time",
    "cpu_per_request": "server CPU per request",
}
FAILURES_LIMIT = 0.01
"""Share of a side's requests that may fail without a flag."""
MEANING = {
    "collapsed": "the side could not be measured in at least one block: it died, hung or failed every request",
    "failures": f"more than {100 * FAILURES_LIMIT:g} % of the side's requests failed: they do not count as throughput,"
    " they rank as slower than every answer, and the side is never called better than, or equal to, one that answers",
    "answers-differ": "the good answers of the two sides differ in size, so the sides may not do the same work: compare"
    " the bodies; one may be empty, an error with a good status, or compressed",
    "driver-bound": "the load driver may have been the limit, not the server, so there is no verdict; use fewer users "
    "or a lower rate, a slower scenario, or drivers on more cores",
    "client-share": "with few users, a noticeable part of each response time is the client's own; it is the same on "
    "both sides, so it pulls the ratio towards 1, and the true ratio is farther from 1",
    "overloaded": "the server could not keep up with the arrivals, so its response times grow for as long as the "
    "measurement lasts, and there is no verdict on them; use a lower --rate to see them in a steady state",
    "not-steady": "the load had not settled, some requests starved while others were served, or the machine paused "
    "during the measurement; use a longer --slice",
    "work-left": "the server keeps working after its last answer, so it cannot sustain this throughput, and there is "
    "no verdict; include that work in the request, or use a --rate that the server can sustain",
    "noisy-machine": "the ratio varies more from block to block than it would on a quiet machine, or something else "
    "took CPU time; close other programs, or use a longer --budget",
    "shared-core": "server and driver shared one physical core, so each slowed the other down; use a machine, or a "
    "container's cpuset, with at least two physical cores",
    "cpu-quota": "a CPU quota gives server and driver together less CPU time than they could use, and pauses both when "
    "it is used up; raise it (docker: --cpus, Kubernetes: limits.cpu, systemd: CPUQuota), or measure without one",
    "leaking-memory": "the server grew by a fifth or more in the later half of every block, so it does not release "
    "memory; later cells of a block met a larger server than earlier ones, and in the end memory runs out",
    "small": f"the difference is certain but smaller than {MARGIN_PERCENT} %, which is no reason to rewrite an app",
    "many-comparisons": "the interval excludes 1, but with this many comparisons that can happen by chance; "
    "run this one alone, with a longer --budget",
    "sign-flip": "the interval excludes 1, but the exact sign-flip test does not confirm it; use a longer --budget",
    "too-few-blocks": f"a verdict needs at least {MIN_BLOCKS} blocks, or {SINGLE_CELL_BLOCKS} in a run with a budget "
    f"and a single cell; use a longer --budget, fewer scenarios or loads, or --blocks {MIN_BLOCKS}",
    "too-few-samples": "some blocks have too few requests for this percentile, so its ratio can't be paired; "
    "use --blocks with a longer --time",
}
"""What each flag says and what to do, without the ``:a`` or ``:b`` that tells whom it concerns."""
NO_WAITING_VERDICT = frozenset({"overloaded"})
"""Flags that leave response times without a verdict: they are as long as one measures."""
WAITING: frozenset[Metric] = frozenset({"p50", "p99"})


@dataclass(frozen=True)
class Flag:
    """A reason to doubt one cell.

    Attributes:
        name: a key of MEANING.
        label: the side it concerns; None if it is both.
        reason: what was seen, with its figure; may be empty.
    """

    name: str
    label: SideLabel | None = None
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.name}:{self.label}" if self.label else self.name


def withheld(verdict: Verdict, metric: Metric, flags: Sequence[Flag]) -> bool:
    """Return whether flags take a verdict away: what the figures say must not be said of the sides.

    A side that fails more than FAILURES_LIMIT of its requests keeps its figures, but wins nothing by them: to refuse a
    request is cheaper than to answer it.
    """
    names = {flag.name for flag in flags}
    if names & NO_VERDICT or (metric in WAITING and names & NO_WAITING_VERDICT):
        return True
    failing = {flag.label for flag in flags if flag.name == "failures"}
    return verdict in failing or (verdict == "equivalent" and len(failing) == 1)


def explain(
    comparison: Comparison,
    flags: Sequence[Flag],
    collapses: Mapping[SideLabel, Sequence[str | None]],
    *,
    left_out: bool = False,
) -> str:
    """Say what was found, how sure it is, and what each flag means.

    Args:
        comparison: the comparison, its explanation still empty.
        flags: its flags with their reasons.
        collapses: what each trial of a side said of itself: a sentence, or None if it was measured.
        left_out: whether its verdict was withheld.
    """
    a, b = side_names(comparison.a.side, comparison.b.side)
    sentences = [_finding_in_words(comparison, a, b, left_out=left_out)]
    for flag in flags:
        told = Counter(reason for reason in collapses[flag.label] if reason) if flag.label else Counter[str]()
        side = {"a": a, "b": b}.get(flag.label or "")
        reason = f"“{told.most_common(1)[0][0]}”" if flag.name == "collapsed" and told else flag.reason
        text = f"{MEANING[flag.name]}{f' ({reason})' if reason else ''}."
        sentences.append(f"{side}: {text}" if side else text[0].upper() + text[1:])
    return " ".join(sentences)


def _finding_in_words(c: Comparison, a: str, b: str, *, left_out: bool) -> str:
    noun = NOUN[c.metric]
    if c.ratio is None:
        if c.verdict in ("a", "b"):
            good, bad = (a, b) if c.verdict == "a" else (b, a)
            why = "because it collapsed or because too many requests failed"
            return f"{good} is better: there is no figure for {noun} of {bad} {why}."
        return f"The two sides could not be compared in {noun}."
    less = "" if c.metric == "throughput" else " (lower is better)"
    how_much = f"{b} ÷ {a} in {noun}{less} is {written(c.ratio)}"
    if c.interval is not None:
        how_much += f", 95 % interval {written(c.interval[0])} to {written(c.interval[1])} over {c.blocks} blocks"
    if is_alike(c):
        said = alike_in_words(c, a, b)
        return f"{said[0].upper()}{said[1:]}: {how_much}."
    match c.verdict:
        case "a" | "b":
            better = a if c.verdict == "a" else b
            return f"{better} is better: {how_much}."
        case _:
            return f"{'No verdict' if left_out else 'Not decided'}: {how_much}."


def written(ratio: float) -> str:
    """Write a ratio with two decimals, or as many as it takes to see that it is not 0; 1,000 and more without any."""
    if ratio >= 1000:
        return f"{ratio:,.0f}"
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.2g}"


@dataclass(frozen=True)
class Conditions:
    """What is known of a run beside its samples.

    Attributes:
        ceiling_rps: what the driver reaches against a server that does nothing, in requests/s; None if unknown.
        overhead_s: what the driver itself adds to a response time, in seconds; None if unknown.
        server_cores: how many cores each side can keep busy; 1 if unknown.
        steal: the largest share of the cores' time that the hypervisor took in a block; None if unknown.
        foreign: the largest share of the cores' time that other programs took in a block; None if unknown.
        leaks: how a side's memory grew, where it did.
        shared_core: whether servers and driver were on one physical core.
        cpu_quota: what a CPU quota allows, in cores; None if there is none.
        cores_used: how many cores servers and driver can keep busy.
        throttled: the largest share of the cores' time that a quota took in a block; None if unknown.
    """

    ceiling_rps: float | None = None
    overhead_s: float | None = None
    server_cores: Mapping[SideLabel, int] = field(default_factory=dict)
    steal: float | None = None
    foreign: float | None = None
    leaks: Mapping[SideLabel, str] = field(default_factory=dict)
    shared_core: bool = False
    cpu_quota: float | None = None
    cores_used: int = 2
    throttled: float | None = None
