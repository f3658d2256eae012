"""A worker on a load machine, which Locust's master has drive jobs. Importing this imports Locust.

It drives a job by the same code as a load generator on the master's machine does, in a greenlet that ends at once when
the master abandons the job, knows the worker no longer, or is silent: a server must not stay under load that nobody
asks for.
"""

import time
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.queue import Queue
from locust import __version__ as locust_version
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MASTER_HEARTBEAT_TIMEOUT, WorkerRunner

from loadtests.drivers import distributed_messages as messages
from loadtests.drivers.distributed_messages import WorkerJob, about_this_machine
from loadtests.drivers.greenlets import run, sleep
from loadtests.drivers.job import DONE, SILENCE_S, AtBarrier, Group, send
from loadtests.drivers.locust_users import LocustTrial
from loadtests.drivers.phases import drive_pairing
from loadtests.records.samples import Recording
from loadtests.system.errors import BenchError, RunError

LOOK_S = 1.0


@dataclass
class MasterLink:
    """The connection to the master as a load generator sees it in one job: what a pipe to the owner is elsewhere."""

    runner: WorkerRunner
    serial: int
    released: Queue = field(default_factory=Queue)

    def send(self, message: object, /) -> None:
        """Tell the master what a load generator tells its owner."""
        match message:
            case AtBarrier(value):
                self._tell(messages.BARRIER, messages.pack_value(value))
            case (("a" | "b") as label, Recording() as recording):
                self._tell(messages.RECORDING, messages.pack_recording(label, recording))
            case _ if message == DONE:
                self._tell(messages.FINISHED, None)

    def poll(self) -> bool:
        """Return whether the barrier that was told last has been passed by all."""
        return not self.released.empty()

    def recv(self) -> Any:  # noqa: ANN401 - as a pipe has it
        """Return what each load generator has brought to the barrier."""
        return self.released.get()

    def failed(self, why: str) -> None:
        """Tell the master that the job could not be driven."""
        self._tell(messages.FAILED, why)

    def _tell(self, kind: str, content: object) -> None:
        self.runner.send_message(kind, {"serial": self.serial, "content": content})


class Worker:
    """A connection to a master, and the job that is being driven."""

    def __init__(self, host: str, port: int, name: str = "") -> None:
        """Connect, under a name, by default the host's; raises RunError if no master answers for five minutes."""
        self._where = f"{host}:{port}"
        self._about = about_this_machine(name)
        self._job: gevent.Greenlet | None = None
        self._link: MasterLink | None = None
        self._refused: str | None = None
        try:
            self._runner: WorkerRunner = Environment().create_worker_runner(host, port)
        except ConnectionError:
            raise RunError(
                f"no master answered at {self._where}: start bench run there first, with --bind, and let its port"
                " through the firewall"
            ) from None
        for kind, listener in (
            (messages.WHO, self._on_who),
            (messages.REFUSED, self._on_refused),
            (messages.PING, self._on_ping),
            (messages.JOB, self._on_job),
            (messages.BARRIER, self._on_barrier),
            (messages.ABANDON, self._on_abandon),
        ):
            self._runner.register_message(kind, listener)
        self._say_hello()

    def work(self) -> None:
        """Drive what the master asks for, until it ends.

        Raises:
            RunError: the master is silent for a minute, or does not take this worker.
        """
        runner, heard_s = self._runner, time.monotonic()
        last = runner.last_heartbeat_timestamp
        while len(runner.greenlet):
            gevent.sleep(LOOK_S / 5)
            if self._refused is not None:
                self.end()
                raise RunError(f"the master at {self._where} does not take this machine: {self._refused}")
            if last != runner.last_heartbeat_timestamp:
                last, heard_s = runner.last_heartbeat_timestamp, time.monotonic()
            silent_s = time.monotonic() - heard_s
            if silent_s > SILENCE_S:
                self._abandon()
            if silent_s > MASTER_HEARTBEAT_TIMEOUT:
                raise RunError(f"the master at {self._where} gave no sign of life for {silent_s:.0f} s")
        self._abandon()

    def end(self) -> None:
        """Stop what is being driven, and tell the master that this worker is gone."""
        self._abandon()
        self._runner.environment.events.quitting.fire(environment=self._runner.environment, reverse=True)
        gevent.sleep(LOOK_S / 5)  # until it is sent

    def _say_hello(self) -> None:
        self._send(messages.HELLO, messages.pack_about(self._about))

    def _send(self, kind: str, content: object) -> None:
        self._runner.client.send(Message(kind, content, self._runner.client_id))

    def _abandon(self) -> None:
        job, self._job, self._link = self._job, None, None
        if job is not None and not job.ready():
            job.kill()

    def _on_who(self, environment: Environment, msg: Message) -> None:
        gevent.spawn(self._connect_anew)

    def _connect_anew(self) -> None:
        self._abandon()
        self._send("client_ready", locust_version)
        self._say_hello()

    def _on_refused(self, environment: Environment, msg: Message) -> None:
        self._refused = str(msg.data)

    def _on_ping(self, environment: Environment, msg: Message) -> None:
        self._send(messages.PONG, [msg.data, time.perf_counter()])

    def _on_job(self, environment: Environment, msg: Message) -> None:
        gevent.spawn(self._begin, msg.data)

    def _begin(self, content: object) -> None:
        self._abandon()
        try:
            job = messages.unpack_job(content)
        except ValueError as error:
            self._refused = f"it asks for what this one does not understand: {error}"
            return
        self._link = link = MasterLink(self._runner, job.serial)
        self._job = gevent.spawn(self._drive, job, link)

    def _drive(self, job: WorkerJob, link: MasterLink) -> None:
        group = Group(sleep, job.number, job.size, link, job.clock_offset_s)
        try:
            send(link, run(drive_pairing(job.job, LocustTrial, group)))
        except (BenchError, OSError) as error:
            link.failed(str(error))
        except Exception as error:
            link.failed(f"{type(error).__name__}: {error}")

    def _on_barrier(self, environment: Environment, msg: Message) -> None:
        match msg.data:
            case {"serial": serial, "content": [*values]} if self._link is not None and serial == self._link.serial:
                self._link.released.put([messages.unpack_value(value) for value in values])

    def _on_abandon(self, environment: Environment, msg: Message) -> None:
        if self._link is not None and msg.data == self._link.serial:
            gevent.spawn(self._abandon)
