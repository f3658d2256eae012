"""How much the run decided: a count of its verdicts, and what to say where there are few (pure)."""

from loadtests.analysis.comparison import MIN_BLOCKS
from loadtests.charts.clauses import CLIENT
from loadtests.charts.picks import places, taken_out
from loadtests.charts.view import View
from loadtests.charts.wording import MARGIN_PERCENT, listed, named
from loadtests.experiment.loads import Load
from loadtests.kinds import kind_of, limited


def tally(view: View) -> str:
    """Count the verdicts: "Of 28 cells, async is better in 9, …"; and say which cells were taken out, and why."""
    cells = view.headlines()
    kinds = [kind_of(c) for c in cells]
    out, unconfirmed = taken_out(view), kinds.count("unconfirmed")
    b, a, alike = (sum(c.verdict == verdict for c in cells) for verdict in ("b", "a", "equivalent"))
    unsure = kinds.count("inconclusive") + unconfirmed
    counts = [
        (b, f"{view.names['b']} is better in {b}"),
        (a, f"{view.names['a']} is better in {a}"),
        (alike, f"there is no difference worth having in {alike}"),
        (unsure, f"{unsure} {'is' if unsure == 1 else 'are'} not decided"),
        (len(out), f"{len(out)} {'was' if len(out) == 1 else 'were'} taken out"),
    ]
    said = listed([text for count, text in counts if count])
    if not cells:
        return "Nothing was measured."
    sentences = [f"Of {len(cells)} cell{'s' if len(cells) > 1 else ''} (a scenario under a load), {said}."]
    if unconfirmed:
        sentences.append(
            f"In {unconfirmed} of those not decided the interval excludes 1, which among so many cells may be chance."
        )
    if out:
        sentences.append(f"Taken out because {CLIENT}: {listed(places(out))}.")
    return " ".join(sentences)


def share(view: View, at: Load | None = None) -> str:
    """Say in how many cells nothing was decided, if that is most of them; else nothing."""
    cells = [c for c in view.headlines() if at in (None, c.load)]
    open_ = sum(c.verdict == "inconclusive" for c in cells)
    if 2 * open_ <= len(cells):
        return ""
    return f"; no verdict in {open_} of {len(cells)} cells" if len(cells) > 1 else "; no verdict"


def undecided(view: View, at: Load | None = None) -> str:
    """Say how little the run decided: the title where neither side wins by more than the margin."""
    here = [c for c in view.headlines() if at in (None, c.load)]
    cells = [c for c in here if not limited(c)]
    a, b = view.names["a"], view.names["b"]
    close = sum(c.verdict == "equivalent" or "small" in c.flags for c in cells)
    where = "everywhere" if at is None else f"at {named([at])}"
    if not cells:
        return f"No verdict {where.replace('every', 'any')}: {CLIENT}"
    if close == len(here):
        what = f"the slowest 1 % of {b} and {a} are" if view.open_loop else f"{b} and {a} are"
        return f"No difference worth having: {what} within {MARGIN_PERCENT} % of each other {where}"
    if close:
        rest = "the rest is undecided" if len(cells) == len(here) else "the rest is undecided or was taken out"
        return f"No difference worth having between {b} and {a} in {close} of {len(here)} cells, {rest}"
    if view.blocks < MIN_BLOCKS or any("too-few-blocks" in c.flags for c in cells):
        return f"Undecided: too few blocks for a verdict on {b} and {a}"
    if all("too-few-samples" in c.flags for c in cells):
        return f"Undecided: too few requests to know the slowest 1 % of {b} and {a}"
    return f"Undecided: this run can't tell {b} from {a}"
