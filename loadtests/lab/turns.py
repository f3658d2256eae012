"""Which lane has its turn, and for how long: the servers share their cores, so only one lane at a time has load (pure).

A turn has three phases, as in a run. Lead-in: users start one after another, and the load settles until each of them
has had an answer. Window: requests are measured. Drain: nothing new is sent, and the requests in flight are answered.
Each phase has a limit: a server that no longer answers must not take the other lane's turns.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.experiment.sides import LABELS, SideLabel

START_GAP_S = 0.001
"""Average time between the starts of two users. If a request waits by design, starts may be spread over its wait."""
LEAD_IN_LEAST_S = 0.05
LEAD_IN_MOST_S = 3.0
LEAD_IN_ANSWERS = 1.5
"""The lead-in ends at the latest after this many expected response times, or after LEAD_IN_MOST_S if that is longer."""
WINDOW_S = 0.6
FIRST_WINDOW_S = 0.35
"""Shorter, so that both lanes have figures soon after a change."""
WINDOW_ANSWERS = 2
"""Answers of each user to expect in a window."""
WINDOW_MOST_S = 3.0
PHASE_MOST_S = 15.0
"""The most that a lead-in or a window takes, even if a single answer takes longer; the figures are rough then."""
SILENCE_S = 1.5
SILENCE_ANSWERS = 2
"""A server has stopped answering if nothing has come for SILENCE_S, or for SILENCE_ANSWERS times the expected response
time if that is longer. Its turn ends, so that the other lane goes on."""
DRAIN_LEAST_S = 0.3
DRAIN_MOST_S = 2.0
DRAIN_ANSWERS = 2
"""A drain may take this many times the slowest response time of its turn."""


@dataclass(frozen=True)
class Seen:
    """What a turn has seen so far.

    Attributes:
        passed_s: since its phase began, in seconds.
        waiting_users: those who have had no answer in this turn.
        in_flight: requests without an answer.
        slowest_s: the longest that an answer took in this turn, in seconds.
        response_s: how long one took on average, in seconds; 0 if there was none.
        spread_s: over how long users started, in seconds.
        silent_s: since something of an answer came last while requests were in flight, in seconds.
        expected_s: how long an answer should take by what is known beforehand, in seconds.
        first: whether it is the lane's first turn under this load.
    """

    passed_s: float
    waiting_users: int
    in_flight: int
    slowest_s: float
    response_s: float
    spread_s: float
    silent_s: float
    expected_s: float
    first: bool


def spread_s(wait_s: float, users: int) -> float:
    """Return over how many seconds users start, so that they do not all send at the same time."""
    return max(wait_s, START_GAP_S * users)


def lead_in_is_over(seen: Seen) -> bool:
    """Whether the load has settled, or has had enough time to settle."""
    most_s = min(PHASE_MOST_S, max(LEAD_IN_MOST_S, LEAD_IN_ANSWERS * seen.expected_s))
    if seen.passed_s >= most_s + seen.spread_s:
        return True
    return not seen.waiting_users and seen.passed_s >= max(LEAD_IN_LEAST_S, seen.spread_s)


def window_is_over(seen: Seen) -> bool:
    """Whether enough was seen: two answers of each user, unless that takes too long."""
    least_s = FIRST_WINDOW_S if seen.first else WINDOW_S
    most_s = min(PHASE_MOST_S, max(WINDOW_MOST_S, seen.response_s))
    return seen.passed_s >= min(most_s, max(least_s, WINDOW_ANSWERS * seen.response_s))


def silence_limit_s(expected_s: float) -> float:
    """Return how long a server with requests in flight may send nothing, in seconds.

    Args:
        expected_s: how long an answer should take, in seconds.
    """
    return max(SILENCE_S, SILENCE_ANSWERS * expected_s)


def has_stopped_answering(seen: Seen) -> bool:
    """Whether a turn is useless, because nothing comes."""
    return seen.silent_s >= silence_limit_s(seen.expected_s)


def drain_is_over(seen: Seen) -> bool:
    """Whether everything was answered, or the drain has taken long enough."""
    limit_s = min(DRAIN_MOST_S, max(DRAIN_LEAST_S, DRAIN_ANSWERS * seen.slowest_s))
    return not seen.in_flight or seen.passed_s >= limit_s


def next_lane(last: SideLabel | None, lanes: Sequence[SideLabel]) -> SideLabel | None:
    """Return the lane whose turn follows that of ``last``, among those that have a server; None if there is none."""
    if not lanes:
        return None
    others = [label for label in LABELS if label in lanes and label != last]
    return others[0] if others else lanes[0]
