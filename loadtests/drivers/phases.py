"""How long the phases of a closed loop's slice last, whichever client puts on the load."""

LEAD_IN_MIN_S = 0.03
LEAD_IN_MAX_S = 1.0
"""A lead-in lasts as long as the slowest answer that the trial has seen, but no longer than this for its sake."""
LEAD_IN_ANSWERS = 2
"""Answers a user has had, on average, before the window opens."""
WINDOW_ANSWERS = 8
"""Answers to expect in a window, going by the lead-in; where requests are slow it is longer. A median needs 6."""
LEAD_OUT_MIN_S = 0.2
LEAD_OUT_LEAD_INS = 2
"""Lead-ins that a lead-out may take at most; a server that lets some requests starve is not waited for longer."""
START_GAP_S = 0.001
"""Users start so far apart on average, or spread over the time that the scenario waits by design if that is longer."""
REFUSED_PAUSE_S = 0.01
"""A server that refuses everything must not make a busy loop."""


def spread_s(wait_s: float, users: int) -> float:
    """Return over how many seconds users start, who are not to march in step."""
    return max(wait_s, START_GAP_S * users)
