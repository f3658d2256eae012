"""Auxiliary servers beside the two sides, such as the slow API: started, restarted if they die, stopped."""

import socket
from pathlib import Path

from loadtests.system.cores import Cores
from loadtests.system.errors import RunError
from loadtests.system.processes import Child, Stoppable
from loadtests.system.resources import free_port

READY_LIMIT_S = 20.0


class AuxiliaryServer(Stoppable):
    """Runs a module that takes ``--port`` and ``--cores``; a context manager that owns its process."""

    def __init__(self, module: str, name: str, cores: tuple[int, ...], log: Path) -> None:
        """Start it, and wait until it accepts connections.

        Args:
            module: what to run.
            name: what to call it in a message.
            cores: where it is pinned; nowhere if there are none.
            log: where its output goes.

        Raises:
            RunError: it does not come up.
        """
        self._module = module
        self._name = name
        self._cores = cores
        self._log = log
        self._port = free_port()
        self._start()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._child!r}>"

    @property
    def url(self) -> str:
        """Where it listens, also after a restart."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        """Whether it still runs."""
        return self._child.alive

    def restart(self) -> None:
        """Replace it, on the same port; raises RunError."""
        self._child.stop()
        self._start()

    def _start(self) -> None:
        pinned = ",".join(map(str, self._cores))
        self._child = Child(self._module, [f"--port={self._port}", f"--cores={pinned}"], log=self._log)
        try:
            self._child.wait_until(self._accepts, READY_LIMIT_S, self._name)
        except RunError:
            self._child.stop()
            raise

    def _accepts(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def stop(self) -> None:
        """End it."""
        self._child.stop()


class SlowApi(AuxiliaryServer):
    """Runs ``loadtests.servers.slow_api`` beside the driver; a context manager that owns it."""

    def __init__(self, cores: Cores, log: Path) -> None:
        """Start it; raises RunError if it does not come up."""
        super().__init__("loadtests.servers.slow_api", "the slow external API", cores.driver, log)
