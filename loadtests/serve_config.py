"""uvicorn's configuration, and what is done once the app is loaded: put the garbage collector in its place, observe."""

import random
from pathlib import Path

import uvicorn

from loadtests.collector import begin_anywhere, spare_imports
from loadtests.experiment.sides import Collector
from loadtests.observation.observed_app import ObservedApp


class Config(uvicorn.Config):
    """A module of its own, because uvicorn's worker processes unpickle it."""

    collector: Collector = "default"
    observe: Path | None = None
    """The folder for what is seen inside; None: nobody looks."""

    def load(self) -> None:
        """Load the app."""
        super().load()
        if self.observe is not None:
            self.loaded_app = ObservedApp(self.loaded_app, self.observe)
        if self.collector == "freeze":
            spare_imports()
        else:
            begin_anywhere(random.random())
