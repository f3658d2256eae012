"""A run opened for reading in a notebook or a script: its plan, its results and every sample."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from loadtests.experiment.loads import ClosedLoop
from loadtests.records.manifest import Manifest
from loadtests.records.run_folder import RunFolder
from loadtests.records.sample_columns import COLUMNS, Column, labels_of, sample_columns
from loadtests.records.schedule_record import ScheduleOutcome
from loadtests.records.schedule_trials import read_parts, read_schedule_outcome
from loadtests.records.summary import Comparison, Outcome, headline_of
from loadtests.records.trial_file import CONTROL, TrialKey
from loadtests.system.errors import UsageError


class OpenedRun:
    """A run's folder, read on demand; nothing is written.

    Attributes:
        path: the folder.
        manifest: run.json: plan, sides, settings, machine, events.
    """

    def __init__(self, path: Path) -> None:
        """Read run.json; raises UnreadableRun."""
        self.path = path
        self._folder = RunFolder(path)
        self.manifest: Manifest = self._folder.read_manifest()

    def __repr__(self) -> str:
        manifest = self.manifest
        sides = f"{manifest.b.spec} ÷ {manifest.a.spec}"
        asked = f"{len(manifest.cells())} cells" if manifest.schedule is None else manifest.schedule.rate
        return f"<OpenedRun {manifest.name}: {sides}, {asked}>"

    @cached_property
    def summary(self) -> Outcome:
        """summary.json: verdicts, intervals, each side's figures; raises UnreadableRun, also for a schedule."""
        return self._folder.read_outcome()

    @cached_property
    def over_time(self) -> ScheduleOutcome:
        """summary.json of a schedule: each side over time, and where it broke; raises UnreadableRun."""
        return read_schedule_outcome(self._folder)

    def verdicts(self) -> list[Comparison]:
        """Return the headline comparison of each cell: throughput, in an open loop p99; raises UnreadableRun."""
        return [each for each in self.summary.comparisons if each.metric == headline_of(each.load)]

    def trials(
        self,
        scenario: str | None = None,
        users: int | None = None,
        rate: float | None = None,
        label: str | None = None,
        *,
        control: bool = False,
    ) -> Iterator[dict[str, Column]]:
        """Yield the samples of each trial in turn, by column; for columns and arguments see ``samples``.

        Trials of a schedule come in parts of about 50,000 samples: they may last for hours.
        """
        labels = labels_of(label)
        if (plan := self.manifest.schedule) is not None:
            if (users, rate, control) == (None, None, False) and scenario in (None, self.manifest.scenarios[0].name):
                yield from read_parts(self._folder, self.manifest, plan, labels)
            return
        for number, block in enumerate(self.manifest.blocks):
            for pairing in block:
                load = pairing.load
                size = load.users if isinstance(load, ClosedLoop) else None, getattr(load, "rate", None)
                wanted = users in (None, size[0]) and rate in (None, size[1]) and pairing.control is control
                if not wanted or scenario not in (None, pairing.scenario):
                    continue
                name = f"{CONTROL if control else ''}{pairing.scenario}"
                for each in labels:
                    key = TrialKey(number, name, load.slug, each)
                    if (recording := self._folder.read_trial(key)) is not None:
                        yield sample_columns(self.manifest, key, recording)

    def samples(
        self,
        scenario: str | None = None,
        users: int | None = None,
        rate: float | None = None,
        label: str | None = None,
        *,
        control: bool = False,
    ) -> dict[str, Column]:
        """Return samples by column, each a numpy array of the same length, as ``pandas.DataFrame`` takes them.

        Args:
            scenario: only samples of this scenario, by its name.
            users: only samples of the closed loop with this many users.
            rate: only samples of the open loop with this rate, in arrivals per second; a schedule has no such samples.
            label: only samples of side ``a`` or ``b``.
            control: samples of side a against itself instead; ``b`` is then a second process of side a.

        Raises:
            UnreadableRun: a trial is damaged; the message names it.
            UsageError: the run has no such samples.
        """
        found = list(self.trials(scenario, users, rate, label, control=control))
        if not found:
            plan = self.manifest.schedule
            if plan is not None:
                there = f"it has those of {self.manifest.scenarios[0].name} with {plan.rate}"
            else:
                names = dict.fromkeys(f"{s.name} with {load}" for s, load in self.manifest.cells())
                there = f"its cells are {', '.join(names)}"
            raise UsageError(f"{self.path} has no such samples; {there}")
        return {name: np.concatenate([columns[name] for columns in found]) for name in COLUMNS}


def open_run(path: Path | str) -> OpenedRun:
    """Open a run's folder; raises UnreadableRun if it holds no run, or one of another schema version."""
    return OpenedRun(Path(path))
