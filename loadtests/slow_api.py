"""The owner's end of the slow external API: a process that is there whenever a cell begins."""

from pathlib import Path

from loadtests.companion import Companion
from loadtests.system.cores import Cores


class SlowApi(Companion):
    """Runs ``loadtests.upstream`` beside the driver; a context manager that owns it."""

    def __init__(self, cores: Cores, log: Path) -> None:
        """Start it; raises RunError if it does not come up."""
        super().__init__("loadtests.upstream", "the slow external API", cores.driver, log)
