"""A doubt, and the words that flags go by (pure)."""

from dataclasses import dataclass

from loadtests.analysis.flags import MEANING
from loadtests.charts.view import View


@dataclass(frozen=True)
class Doubt:
    """A reason not to believe, or not to generalise.

    Attributes:
        title: in a few words.
        text: in a sentence or two.
        serious: whether it touches this run's verdicts, rather than what they say of other machines.
    """

    title: str
    text: str
    serious: bool = False


def flag_words(run: View, flag: str) -> tuple[str, str]:
    """Return a flag as a reader should see it, ``driver-bound (async)``, and what it means."""
    name, _, label = flag.partition(":")
    side = {"a": run.names["a"], "b": run.names["b"]}.get(label)
    return f"{name} ({side})" if side else name, MEANING.get(name, "")
