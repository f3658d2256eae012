"""The ``bench run`` command that measures the lab's present settings (pure)."""

import shlex
from collections.abc import Iterable, Mapping, Sequence

from loadtests.experiment.request_options import OF_SIDE_B, TypedOption
from loadtests.experiment.sides import Side, SideLabel

USUAL: Mapping[SideLabel, str] = {"a": "sync", "b": "async"}
"""The default sides of a run."""


def run_command(words: Sequence[str], sides: Mapping[SideLabel, Side], users: int) -> str:
    """Return the command for a shell.

    Args:
        words: the scenario, or a request with its options, as they are typed.
        sides: with all their settings.
        users: of a closed loop.
    """
    given = [part for label, side in sides.items() if side.spec != USUAL[label] for part in (f"--{label}", side.spec)]
    return shlex.join(["bench", "run", *words, f"--users={users}", *given])


def words_of_requests(
    scenarios: Sequence[str], typed: Iterable[TypedOption], *, sequence: bool = False, values: str | None = None
) -> list[list[str]]:
    """Return how to type each scenario of the user's own requests by itself.

    Args:
        scenarios: the requests, those of ``--curl`` among them.
        typed: their options; where the requests are no sequence, an option holds for all of them.
        sequence: whether they are one scenario.
        values: a file whose rows fill their places.
    """
    options = list(typed)
    first = ["--sequence"] if sequence else []
    first += [f"--values={values}"] if values is not None else []
    if not sequence:
        return [
            [
                *first,
                name,
                *(_word(each) for each in options if each.behind in (0, number) or each.name != OF_SIDE_B),
            ]
            for number, name in enumerate(scenarios, 1)
        ]
    words = [*first, *(_word(each) for each in options if not each.behind)]
    for number, name in enumerate(scenarios, 1):
        words += [name, *(_word(each) for each in options if each.behind == number)]
    return [words]


def _word(option: TypedOption) -> str:
    return f"{option.name}={option.value}" if option.value else option.name
