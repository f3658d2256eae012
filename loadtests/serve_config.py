"""uvicorn's configuration, but that the garbage collector is put in its place once the app is loaded."""

import random

import uvicorn

from loadtests.collector import Collector, begin_anywhere, spare_imports


class Config(uvicorn.Config):
    """A module of its own, because uvicorn's worker processes unpickle it."""

    collector: Collector = "default"

    def load(self) -> None:
        """Load the app."""
        super().load()
        if self.collector == "freeze":
            spare_imports()
        else:
            begin_anywhere(random.random())
