"""Notice that the wall clock was set. Nothing is measured by it, but whoever reads times of day should know."""

import time

STEP_LEAST_S = 1.0
"""Less is what keeping it right comes to over a long run."""


class WallClock:
    """Compares the wall clock with the one that can't be set."""

    def __init__(self) -> None:
        self._ahead_s = _ahead_s()

    def stepped(self) -> str | None:
        """Return a sentence if it was set since it was last asked, or since the beginning."""
        before, self._ahead_s = self._ahead_s, _ahead_s()
        step_s = self._ahead_s - before
        if abs(step_s) < STEP_LEAST_S:
            return None
        which = "forward" if step_s > 0 else "back"
        asleep = ", or the machine slept" if step_s > 0 else ""
        return f"the wall clock was set {which} by {abs(step_s):,.0f} s{asleep}"


def _ahead_s() -> float:
    return time.time() - time.monotonic()
