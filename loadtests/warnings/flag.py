"""What a flag is, and what each of them says (pure)."""

from dataclasses import dataclass

from loadtests.records.outcome import SideLabel

MEANING = {
    "collapsed": "the side could not be measured in at least one block: it died, hung or gave no good answer",
    "failures": "more than 1 % of the side's requests failed; they count as slower than everything",
    "driver-bound": "the load driver may have been the limit, not the server, so there is no verdict; use fewer users "
    "or a lower rate, a slower scenario, or drivers on more cores",
    "overloaded": "the server could not keep up with the arrivals, so its response times grow for as long as one "
    "measures; use a lower --rate to see them in a steady state",
    "not-steady": "the load had not settled, or the machine stopped and started while it was measured; use a longer "
    "--time and --slice",
    "noisy-machine": "the ratio changes from block to block more than a quiet machine would let it, or something else "
    "took CPU time; close other programs, or use more --blocks and a longer --time",
    "leaking-memory": "the later half of every block made the server a fifth larger or more: it keeps what it should "
    "let go; the later cells of a block met another server than the earlier ones, and in the end memory runs out",
    "small": "the difference is sure, but smaller than 10 %: less than that is no reason to rewrite an app",
    "many-comparisons": "the interval excludes 1, but among so many comparisons that can happen by chance; "
    "run this one alone, with more blocks",
    "sign-flip": "the interval excludes 1, but the exact sign-flip test does not confirm it; use more blocks",
    "too-few-blocks": "a verdict needs at least 6 blocks",
    "too-few-samples": "some blocks hold too few requests for this percentile, so that its ratio can't be paired; "
    "use a longer --time",
}
"""What each flag says and what to do, without the ``:a`` or ``:b`` that tells whom it concerns."""

NO_VERDICT = frozenset({"driver-bound"})
"""Flags that take a cell out of the headlines: what was measured may be the client."""


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
