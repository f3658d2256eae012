"""How long the phases of a closed loop's slice last, whichever client puts on the load.

How many rounds of turns a pairing has, and how long their windows are: planned once, never after looking (pure).
"""

from dataclasses import dataclass

from loadtests.experiment.plan import OPEN_SLICE_OVERHEAD_S

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
OVERTIME = 2
"""Times its planned length after which a pairing ends, whatever rounds it still lacks: a server may grow slower."""
SIDES = 2


def spread_s(wait_s: float, users: int) -> float:
    """Return over how many seconds users start, who are not to march in step."""
    return max(wait_s, START_GAP_S * users)


@dataclass(frozen=True)
class Turns:
    """What is to come after the first round.

    Attributes:
        rounds: how many, in each of which every side has a turn.
        window_s: how long each window is, of either side, in seconds; None where each side's slices have their own.
    """

    rounds: int
    window_s: float | None = None


def of_closed_loop(pairing_s: float, took_s: float, windows_s: list[float], lead_in_s: float) -> Turns:
    """Plan a closed loop's further rounds from what the first one took: as many as fit.

    Their windows are at least as long as the longer lead-in, and together they fill the time. They are the same for
    both sides and all rounds: were each as long as the lead-in before it asks for, slow turns would weigh more.

    Args:
        pairing_s: how long the pairing may take.
        took_s: how long the first round took.
        windows_s: the lengths of its windows.
        lead_in_s: the longer of its lead-ins.
    """
    left_s, idle_s = pairing_s - took_s, took_s - sum(windows_s)
    shortest_s = max([lead_in_s, *windows_s])
    rounds = int(left_s / (idle_s + len(windows_s) * shortest_s)) if windows_s else 0
    if rounds < 1:
        return Turns(0)
    return Turns(rounds, (left_s / rounds - idle_s) / len(windows_s))


def of_open_loop(pairing_s: float, slice_s: float) -> Turns:
    """Plan an open loop's further rounds: by the plan alone, so that a slow side is asked as often as a fast one."""
    return Turns(max(1, round(pairing_s / (SIDES * (slice_s + OPEN_SLICE_OVERHEAD_S)))) - 1)
