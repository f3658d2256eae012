"""Which timelines a run's report shows, and how a single one is drawn."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loadtests.analysis.model import observed
from loadtests.charts import timeline
from loadtests.charts.files import drawing, save
from loadtests.charts.view import LABELS, View
from loadtests.experiment.loads import Load
from loadtests.records.outcome import SideLabel
from loadtests.records.samples import Recording
from loadtests.records.trial_file import TrialKey

Trial = Callable[[TrialKey], Recording | None]
"""Returns one trial of the run; None if it was not measured."""
PREFIX = "timeline-"


@dataclass(frozen=True)
class Drawn:
    """A timeline that was drawn.

    Attributes:
        scenario: its name.
        load: its load.
        block: from 0.
        finding: what it says.
        reading: how to read it.
        paths: its files.
    """

    scenario: str
    load: Load
    block: int
    finding: str
    reading: str
    paths: list[Path]


def draw_all(run: View, trial: Trial, folder: Path) -> list[Drawn]:
    """Draw each scenario at its highest load, in the first block in which it was looked at; remove older drawings."""
    for old in folder.glob(f"{PREFIX}*"):
        old.unlink()
    drawn = []
    for scenario in run.scenarios:
        load = run.measured_loads(scenario.name)[-1]
        found = (draw_one(run, trial, folder, scenario.name, load, block) for block in range(run.blocks))
        drawn += [next(filter(None, found), None)]
    return [one for one in drawn if one is not None]


def draw_one(run: View, trial: Trial, folder: Path, scenario: str, load: Load, block: int) -> Drawn | None:
    """Draw both sides of one cell in one block; None if nobody looked into either."""
    keys = {label: TrialKey(block, scenario, load.slug, label) for label in LABELS}
    recordings = dict(_recordings(keys, trial))
    stories = {label: story for label, r in recordings.items() if (story := observed.story_of(r)) is not None}
    if not stories:
        return None
    with drawing():
        figure = timeline.draw(run, scenario, load, stories, block)
        name = PREFIX + keys["a"].file_name.removesuffix("-a.npz")
        paths = save(figure, folder, name)
    names = [run.names[label] for label in stories]
    return Drawn(scenario, load, block, timeline.finding(run, scenario, load, stories), timeline.reading(names), paths)


def _recordings(keys: Mapping[SideLabel, TrialKey], trial: Trial) -> Iterator[tuple[SideLabel, Recording]]:
    for label, key in keys.items():
        if (recording := trial(key)) is not None:
            yield label, recording
