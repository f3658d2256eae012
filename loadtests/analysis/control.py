"""The control, side a against itself: whether the setup is biased, or whether that is not known."""

import math

from loadtests.analysis.comparison import MARGIN, MARGIN_PERCENT
from loadtests.analysis.flags import written
from loadtests.records.summary import Comparison


def is_level(found: Comparison) -> bool:
    """Return whether side a is like itself, for sure.

    That its interval includes 1 says nothing if it includes much else, too: it must lie within the margin in which two
    sides count as equivalent.
    """
    if found.interval is None or "too-few-blocks" in found.flags:
        return False
    low, high = map(math.log, found.interval)
    return -MARGIN <= low <= 0 <= high <= MARGIN


def control_in_words(found: Comparison, name: str) -> str:
    """Say what became of side a against itself.

    Args:
        found: the comparison, a run's ``control``.
        name: of the side.
    """
    said = f"{name} against itself ({found.scenario} at {found.load})"
    if found.ratio is None:
        return f"{said} could not be compared, so it is not known whether the setup is biased."
    said = f"{said}: {written(found.ratio)} ×"
    if found.interval is not None:
        said += " ({} – {})".format(*map(written, found.interval))
        if is_level(found):
            return f"{said}, as expected."
        if not found.interval[0] <= 1 <= found.interval[1]:
            return f"{said}: the setup is biased, so doubt every figure above and run it again."
    why = f"the interval reaches beyond ± {MARGIN_PERCENT} %"
    if "too-few-blocks" in found.flags:
        why = f"{found.blocks} block{'s are' if found.blocks != 1 else ' is'} too few"
    return (
        f"{said}: it is not known whether the setup is biased, because {why}; use a longer --budget or more --blocks."
    )
