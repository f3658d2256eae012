"""End a run whose sides can't be started, instead of trying again in every block."""

from collections.abc import Mapping

from loadtests.experiment.plan import Experiment, ServerName
from loadtests.experiment.sides import LABELS, SideLabel
from loadtests.system.errors import RunError

IN_A_ROW = 2
"""A side that could not be started in so many blocks, one after another, is tried no more."""


class StartFailures:
    """Counts in how many blocks in a row each side could not be started."""

    def __init__(self, experiment: Experiment) -> None:
        self._experiment = experiment
        self._in_a_row: dict[SideLabel, int] = dict.fromkeys(LABELS, 0)

    def check(self, broken: Mapping[ServerName, str]) -> None:
        """Take into account which servers could not be started in a block.

        Args:
            broken: those, with the reason.

        Raises:
            RunError: neither side could be, or one could not for the second time in a row.
        """
        for label in LABELS:
            self._in_a_row[label] = self._in_a_row[label] + 1 if label in broken else 0
        if all(label in broken for label in LABELS):
            raise RunError(in_words(self._experiment, broken))
        given_up: dict[ServerName, str] = {
            label: broken[label] for label in LABELS if self._in_a_row[label] >= IN_A_ROW
        }
        if given_up:
            raise RunError(in_words(self._experiment, given_up, f" in {IN_A_ROW} blocks in a row"))


def in_words(experiment: Experiment, broken: Mapping[ServerName, str], when: str = "") -> str:
    """Say which sides could not be started, when, and why."""
    failed = {label: broken[label] for label in LABELS if label in broken}
    if len(failed) == len(LABELS) and len(set(failed.values())) == 1:
        return f"neither side could be started{when}: {failed['a']}"
    return "; ".join(
        f"side {experiment.side(label).spec!r} could not be started{when}: {reason}" for label, reason in failed.items()
    )
