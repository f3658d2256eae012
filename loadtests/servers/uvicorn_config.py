"""uvicorn's configuration: loads the app, puts the garbage collector at a random point of its cycle, observes.

Every so many requests Python's collector looks through all objects that a server holds, imported modules included,
which takes tens of milliseconds. Which request that is follows from what was allocated before, so that without chance
the pauses of every fresh start would fall into the same windows, or between them: an error that all blocks share, and
that no interval shows. A server that has been up for a while is anywhere in that cycle, and so is one that begins here.
"""

import gc
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors import Multiprocess

if TYPE_CHECKING:
    from loadtests.experiment.sides import Collector

COLLECTIONS = 10
"""Collections of the second generation before a full one is due: CPython's third threshold."""
PENDING_SHARE = 1 / 4
"""A full one waits until so many objects, as a share of those that survived the last, have survived the second
generation. Source: CPython, Modules/gcmodule.c, ``long_lived_pending``; 3.14 collects otherwise."""


class Config(uvicorn.Config):
    """uvicorn's configuration with ours; in a module of its own, because uvicorn's worker processes unpickle it."""

    collector: "Collector" = "default"
    observe: Path | None = None
    """The folder for what is seen inside; None: nobody looks."""

    def load(self) -> None:
        """Load the app."""
        super().load()
        if self.observe is not None:
            from loadtests.servers.observer import ObservedApp  # noqa: PLC0415 - brings NumPy, which no app needs

            self.loaded_app = ObservedApp(self.loaded_app, self.observe)
        if self.collector == "freeze":
            spare_imports()
        else:
            begin_anywhere(random.random())


def run_uvicorn(config: Config) -> None:
    """Do what ``uvicorn.run`` does, which takes no configuration of one's own."""
    if config.workers > 1:
        Multiprocess(config, sockets=[config.bind_socket()]).run()
        return
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


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
