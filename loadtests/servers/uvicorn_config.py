"""uvicorn's configuration, and what is done once the app is loaded: put the garbage collector in its place, observe.

Python's garbage collector in the servers: where in its cycle a fresh start begins, and whether it spares imports.

Every so many requests the collector looks through all objects that a server holds, imported modules included, which
takes tens of milliseconds. Which request that is follows from what was allocated before, so that without chance the
pauses of every fresh start would fall into the same windows, or between them: an error that all blocks share, and that
no interval shows. A server that has been up for a while is anywhere in that cycle, and so is one that begins here.
"""

import gc
import random
from pathlib import Path

import uvicorn

from loadtests.experiment.sides import Collector
from loadtests.servers.observer import ObservedApp

COLLECTIONS = 10
"""Collections of the second generation before a full one is due: CPython's third threshold."""
PENDING_SHARE = 1 / 4
"""A full one waits until so many objects, as a share of those that survived the last, have survived the second
generation. Source: CPython, Modules/gcmodule.c, ``long_lived_pending``; 3.14 collects otherwise."""


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


def spare_imports() -> None:
    """Never look again through what there is by now."""
    gc.collect()
    gc.freeze()


def begin_anywhere(share: float) -> None:
    """Put the collector into its cycle as if a share of it had passed since the last full collection, from 0 to 1."""
    gc.collect()
    survivors: list[list[None]] = [[] for _ in range(int(share * PENDING_SHARE * len(gc.get_objects())))]
    for _ in range(1 + int(share * COLLECTIONS)):
        gc.collect(1)
    survivors.clear()
