"""uvicorn around a side's app: settings by name, the garbage collector at a random point of its cycle, observation.

Every so many requests Python's collector looks through all objects that a server holds, imported modules included,
which takes tens of milliseconds. Which request that is follows from what was allocated before, so that without chance
the pauses of every fresh start would fall into the same windows, or between them: an error that all blocks share, and
that no interval shows. A server that has been up for a while is anywhere in that cycle, and so is one that begins here.
"""

from __future__ import annotations

import gc
import inspect
import random
import sys
from typing import Any, Dict, List, Optional

import uvicorn
from uvicorn.supervisors import Multiprocess

from .app import NoApp, find_app

COLLECTIONS = 10
"""Collections of the second generation before a full one is due: CPython's third threshold."""
PENDING_SHARE = 1 / 4
"""A full one waits until so many objects, as a share of those that survived the last, have survived the second
generation. Source: CPython, Modules/gcmodule.c, ``long_lived_pending``; 3.14 collects otherwise."""
BACKLOG = 4096
"""Connections that may wait to be accepted: more users than that is refused by ``loads``."""
KEEP_ALIVE_S = 75
"""How long an idle connection stays open: longer than any side has to wait for its turn."""
STARTUP_FAILURE = 3
"""uvicorn's exit status for it."""


class Config(uvicorn.Config):
    """uvicorn's configuration with ours; in a module of its own, because uvicorn's worker processes unpickle it."""

    spec: str = ""
    """The app, as the side names it."""
    change: Optional[str] = None
    """What is changed in the app before it serves; None: nothing."""
    collector: str = "default"
    observe: Optional[str] = None
    """The folder for what is seen inside; None: nobody looks."""
    counts_statements: bool = False
    """Whether each answer tells how many SQL statements it took."""
    check: Optional[str] = None
    """The folder for what ``bench check`` looks at; None: it does not look."""

    def load(self) -> None:
        """Load the app."""
        watch = None
        if self.check is not None:
            from .check.app import Watch

            watch = Watch()
        try:
            self.app = find_app(self.spec)
        except NoApp as reason:
            sys.exit(str(reason))
        if self.change is not None:
            from .changes import CannotChange, change

            try:
                change(self.app, self.change)
            except CannotChange as reason:
                sys.exit(str(reason))
        super().load()
        if self.counts_statements:
            from .statements import CountingApp

            self.loaded_app = CountingApp(self.loaded_app)
        if self.observe is not None:
            from .observer import ObservedApp

            self.loaded_app = ObservedApp(self.loaded_app, self.observe)
        if self.check is not None and watch is not None:
            from .check.app import CheckedApp

            self.loaded_app = CheckedApp(self.loaded_app, self.app, self.check, watch)
            if self.collector == "freeze":
                self.loaded_app.find_pools()
        if self.collector == "freeze":
            spare_imports()
        else:
            begin_anywhere(random.random())


def serve(options: Dict[str, Any]) -> None:
    """Serve until the process is ended.

    Args:
        options: ``app``, ``host``, ``port``, ``loop``, ``http``, ``workers``, ``gc``, ``observe``, a folder or None,
            ``counts_statements``, and ``check``, a folder or None, for one worker.
    """
    wanted: Dict[str, Any] = {
        "host": options["host"],
        "port": options["port"],
        "loop": options["loop"],
        "http": options["http"],
        "workers": options["workers"],
        "backlog": BACKLOG,
        "log_level": "warning",
        "access_log": False,
        "timeout_graceful_shutdown": 1,
        "timeout_keep_alive": KEEP_ALIVE_S,
    }
    known = inspect.signature(uvicorn.Config.__init__).parameters  # of old versions of uvicorn too
    config = Config(options["app"], **{name: value for name, value in wanted.items() if name in known})
    config.change = options.get("change")
    config.spec, config.collector, config.observe = options["app"], options["gc"], options["observe"]
    config.counts_statements, config.check = options["counts_statements"], options.get("check")
    if config.workers > 1:
        _run_workers(config)
        return
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        sys.exit(STARTUP_FAILURE)


def _run_workers(config: Config) -> None:
    options: dict[str, Any] = {"sockets": [config.bind_socket()]}
    if "target" in inspect.signature(Multiprocess.__init__).parameters:  # before uvicorn 0.30
        options["target"] = uvicorn.Server(config).run
    Multiprocess(config, **options).run()


def spare_imports() -> None:
    """Never look again through what there is by now."""
    gc.collect()
    gc.freeze()


def begin_anywhere(share: float) -> None:
    """Put the collector into its cycle as if a share of it had passed since the last full collection, from 0 to 1."""
    gc.collect()
    survivors: List[List[None]] = [[] for _ in range(int(share * PENDING_SHARE * len(gc.get_objects())))]
    for _ in range(1 + int(share * COLLECTIONS)):
        gc.collect(1)
    survivors.clear()
