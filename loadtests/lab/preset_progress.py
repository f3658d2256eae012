"""The progress of a preset: its numbers of users one after another, what was measured with each, and the outcome."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from loadtests.experiment.sides import SideLabel
from loadtests.lab.limits import LaneFacts
from loadtests.lab.presets import STEP_S, STEP_TURNS, Evidence, Outcome, Preset, Step

DOUBT = "The light said not to trust these figures; choose the preset again when the machine is quieter."


class PresetProgress:
    """One choice of a preset.

    Attributes:
        chosen: which choice it is.
        outcome: what was measured; None while hidden, or while there is too little to answer. Once it is there, it
            stays, unless another lane stops answering.
    """

    def __init__(self, preset: Preset, chosen: int) -> None:
        """Begin."""
        self.chosen = chosen
        self.outcome: Outcome | None = None
        self._preset = preset
        self._steps: list[Step] = []
        self._stopped: dict[SideLabel, str] = {}
        self._begun_s: float | None = None
        self._step_begun_s = 0.0
        self._doubtful = False

    def advance(
        self,
        now_s: float,
        lanes: Mapping[SideLabel, LaneFacts],
        turns: Mapping[SideLabel, int],
        stopped: Mapping[SideLabel, str],
        *,
        applies: bool,
        guessed: bool,
        trusted: bool,
        go_on_with: Callable[[int, int], None],
    ) -> None:
        """Take the present state into account.

        Args:
            now_s: on the monotonic clock.
            lanes: what is known of both.
            turns: how many each has had under the present load.
            stopped: a sentence for each lane that has stopped answering.
            applies: whether both servers run with the preset's settings.
            guessed: whether somebody has guessed.
            trusted: whether the light lets figures be trusted now; if it did not, the outcome says so.
            go_on_with: is called with the next number of users, and the choice that it belongs to.
        """
        if not applies:
            return
        if self._begun_s is None:
            self._begun_s = self._step_begun_s = now_s
        has_news = not stopped.keys() <= self._stopped.keys()
        self._stopped |= stopped
        if not guessed or (self.outcome is not None and not has_news):
            return
        users = [int(self._preset.change.users or 0), *self._preset.then_users]
        if len(users) > 1 and len(self._steps) < len(users) and self._has_been_seen(now_s, turns):
            step = Step(users[len(self._steps)], {label: facts.rps or 0.0 for label, facts in lanes.items()})
            self._steps.append(step)
            self._doubtful = self._doubtful or not trusted
            self._step_begun_s = now_s
            if len(self._steps) < len(users):
                go_on_with(users[len(self._steps)], self.chosen)
        done = len(self._steps) == len(users)
        outcome = self._preset.judge(Evidence(lanes, self._steps, now_s - self._begun_s, self._stopped, done))
        if outcome is not None and not self._stopped and (self._doubtful or not trusted):
            outcome = replace(outcome, sentence=f"{outcome.sentence} {DOUBT}")
        self.outcome = outcome

    def _has_been_seen(self, now_s: float, turns: Mapping[SideLabel, int]) -> bool:
        """Whether the present number of users was applied for long enough, and each lane had enough turns."""
        return now_s - self._step_begun_s >= STEP_S and min(turns.values(), default=0) >= STEP_TURNS
