"""When a check was carried out, and at which commit."""

from loadtests.runner.single_server import Stage
from loadtests.validation.record import Occasion


def occasion(stage: Stage, seconds: float) -> Occasion:
    """Return when a check was carried out that took so many seconds."""
    return Occasion(created=stage.created, commit=stage.commit, seconds=round(seconds, 1))
