"""Presets: settings named after lessons, each with a question that the measured figures answer (pure)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from loadtests.experiment.sides import SideLabel
from loadtests.lab import state
from loadtests.lab.limits import LaneFacts
from loadtests.lab.sentences import rps
from loadtests.lab.state import Change, Option
from loadtests.system.errors import UsageError

MUCH = 1.25
"""Ratio from which on two figures count as different."""
FLAT = 1.15
"""A throughput that grew by a smaller factor has not grown."""
STEP_S = 5.0
"""While a preset adds users, it keeps each number of users for at least this long."""
STEP_TURNS = 2
"""And for at least this many turns of each lane."""
WATCH_S = 15.0
"""How long to wait for a server to stop before the outcome says that none did."""


@dataclass(frozen=True)
class Outcome:
    """What was measured, in a sentence, and the option that it supports."""

    sentence: str
    answer: str


@dataclass(frozen=True)
class Step:
    """The throughput of each lane with some number of users, in answers per second."""

    users: int
    rps: Mapping[SideLabel, float]


@dataclass(frozen=True)
class Evidence:
    """What a preset's answer is based on.

    Attributes:
        lanes: what is known of both.
        steps: what was measured with each number of users so far.
        watched_s: for how long its settings have applied, in seconds.
        stopped: a sentence for each lane that has stopped answering since then, by label.
        done: whether all numbers of users were applied for long enough.
    """

    lanes: Mapping[SideLabel, LaneFacts]
    steps: Sequence[Step]
    watched_s: float
    stopped: Mapping[SideLabel, str]
    done: bool


Judge = Callable[[Evidence], Outcome | None]
"""Returns what was measured, or None while there is too little to answer."""


@dataclass(frozen=True)
class Preset:
    """A preset.

    Attributes:
        shown: what a page is told of it.
        change: the settings that it applies.
        then_users: the numbers of users to apply after that, one after another, once somebody has guessed.
        judge: says what was measured.
    """

    shown: state.Preset
    change: Change
    then_users: tuple[int, ...]
    judge: Judge

    def option(self, guess: str) -> Option:
        """Return one of its options; raises UsageError if there is none of that id."""
        for option in self.shown.options:
            if option.id == guess:
                return option
        raise UsageError(f"there is no answer {guess!r} to this question")


def _judge_41_users(seen: Evidence) -> Outcome | None:
    if not seen.done or len(seen.steps) < 2:
        return None
    first, last = seen.steps[0], seen.steps[-1]
    names = {label: facts.name for label, facts in seen.lanes.items()}
    growth = {label: last.rps[label] / first.rps[label] if first.rps[label] else 0.0 for label in names}
    said = "; ".join(
        f"{names[label]} went from {rps(first.rps[label])} to {rps(last.rps[label])}" for label in sorted(names)
    )
    bends = [label for label in sorted(names) if growth[label] < FLAT]
    answer = {(): "neither", ("a",): "a", ("b",): "b"}.get(tuple(bends), "both")
    threads = seen.lanes[bends[0]].resources if bends else None
    why = ""
    if len(bends) == 1:
        number = threads.all_threads if threads is not None else None
        why = f": the line of {names[bends[0]]}" + (f", with its {number} threads," if number else "") + " bends"
    return Outcome(f"From {first.users} to {last.users} users, {said}{why}.", answer)


def _judge_blocked_loop(seen: Evidence) -> Outcome | None:
    a, b = seen.lanes["a"], seen.lanes["b"]
    if not a.rps or b.rps is None or seen.watched_s < STEP_S:
        return None
    ratio = b.rps / a.rps
    answer = "fewer" if ratio < 1 / MUCH else "more" if ratio > MUCH else "same"
    said = f"{a.name} answers {rps(a.rps)}, {b.name} {rps(b.rps)}"
    late_s = b.inside.lag_s if b.inside is not None else 0.0
    why = f": the event loop of {b.name} is blocked ({1000 * late_s:.0f} ms late)" if answer == "fewer" else ""
    return Outcome(f"{said}{why}.", answer)


def _judge_deadlock(seen: Evidence) -> Outcome | None:
    stopped = sorted(seen.stopped)
    others = [facts for label, facts in sorted(seen.lanes.items()) if label not in stopped and facts.rps is not None]
    is_early = seen.watched_s < WATCH_S
    if not stopped and (is_early or len(others) < len(seen.lanes)):
        return None
    if is_early and len(stopped) + len(others) < len(seen.lanes):
        return None  # the other one has not had its turn yet
    answer = {(): "neither", ("a",): "a", ("b",): "b"}.get(tuple(stopped), "both")
    going = " and ".join(f"{facts.name} answers {rps(facts.rps)}" for facts in others)
    if not stopped:
        return Outcome(f"Nothing stopped within {seen.watched_s:.0f} s: {going}.", answer)
    said = "; ".join(seen.stopped[label] for label in stopped)
    return Outcome(f"{said}; {going}." if going else f"{said}.", answer)


def _judge_neighbour(seen: Evidence) -> Outcome | None:
    a, b = seen.lanes["a"], seen.lanes["b"]
    if a.p99_s is None or b.p99_s is None or seen.watched_s < STEP_S:
        return None
    ratio = b.p99_s / a.p99_s
    answer = "b" if ratio > MUCH else "a" if ratio < 1 / MUCH else "same"
    times = " and ".join(f"{1000 * (each.p99_s or 0.0):.0f} ms or more with {each.name}" for each in (a, b))
    said = f"The slowest 1 % take {times}"
    return Outcome(f"{said}; the medians are {_half(a)} and {_half(b)}.", answer)


def _half(facts: LaneFacts) -> str:
    return f"{1000 * facts.p50_s:.0f} ms" if facts.p50_s is not None else "an unknown time"


def _preset(
    name: str,
    title: str,
    lesson: str,
    question: str,
    options: Mapping[str, str],
    change: Change,
    judge: Judge,
    *then_users: int,
) -> Preset:
    shown = state.Preset(
        name=name,
        title=title,
        lesson=lesson,
        question=question,
        options=[Option(id=each, label=label) for each, label in options.items()],
    )
    return Preset(shown, change, then_users, judge)


USUAL = {"threads": 40, "connections": 15, "session_limit": 15}
"""The blog's own threads and connections."""
PRESETS: Sequence[Preset] = (
    _preset(
        "41-users",
        "41 users",
        "waiting",
        "Each request waits 200 ms for another service; the sync build has 40 threads. The number of users goes from 40"
        " to 41, 60 and 80. Which throughput hardly grows?",
        {"a": "sync’s", "b": "async’s", "both": "both", "neither": "neither"},
        Change(scenario="external_api", users=40, wait_ms=200, **USUAL),
        _judge_41_users,
        41,
        60,
        80,
    ),
    _preset(
        "blocked-loop",
        "The blocked loop",
        "blocked_loop",
        "The handler calls time.sleep for 20 ms, and there are 8 users. How many requests does async answer, compared"
        " with sync?",
        {"more": "more", "same": "about the same", "fewer": "far fewer"},
        Change(scenario="blocking", users=8, wait_ms=20, **USUAL),
        _judge_blocked_loop,
    ),
    _preset(
        "deadlock",
        "The deadlock",
        "deadlock",
        "128 users read posts. As in many tutorials, nothing limits how many requests hold a session. In the sync build"
        " 40 threads share 15 connections. Which build stops answering?",
        {"a": "sync", "b": "async", "both": "both", "neither": "neither"},
        Change(scenario="get_post", users=128, threads=40, connections=15, session_limit=None),
        _judge_deadlock,
    ),
    _preset(
        "starved-neighbour",
        "The starved neighbour",
        "starved_neighbour",
        "One request in 200 hashes a million bytes, the others only wait 10 ms. In which build do the slowest 1 % of"
        " the requests take longer?",
        {"a": "in sync", "b": "in async", "same": "about the same"},
        Change(scenario="neighbour", users=8, wait_ms=10, **USUAL),
        _judge_neighbour,
    ),
)


def preset_named(name: str) -> Preset:
    """Return a preset; raises UsageError if there is none of that name."""
    for preset in PRESETS:
        if preset.shown.name == name:
            return preset
    raise UsageError(f"there is no preset {name!r}; choose one of: {', '.join(each.shown.name for each in PRESETS)}")
