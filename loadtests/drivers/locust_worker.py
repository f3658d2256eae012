"""A worker on a load machine, which Locust's master has drive jobs. Importing this imports Locust.

It drives a job by the same code as a load generator on the master's machine does, in a greenlet that ends at once when
the master abandons the job, knows the worker no longer, or is silent: a server must not stay under load that nobody
asks for.
"""

import socket
import time
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.lock import BoundedSemaphore
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
from loadtests.system.errors import BenchError, RunError, UsageError

LOOK_S = 0.2
WELCOME_S = 30.0
"""A master of a run answers a worker's first words at once. Any other master of Locust's never does."""


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
        """Prepare.

        Args:
            host: where the master listens.
            port: the port there.
            name: what the run calls this machine; by default the host's name.
        """
        self._host, self._port = host, port
        self._where = f"{host}:{port}"
        self._about = about_this_machine(name)
        self._runner: WorkerRunner | None = None
        self._wanted = 0
        """The serial of the job that the master asked for last; 0 if it asks for none."""
        self._job: gevent.Greenlet | None = None
        self._link: MasterLink | None = None
        self._ending = BoundedSemaphore()
        self._welcome = False
        self._refused: str | None = None

    def connect(self) -> None:
        """Take part in the run of a master.

        Raises:
            UsageError: its host is not known.
            RunError: no master answers for five minutes, or it does not take this worker, or it is none of ``bench``.
        """
        try:
            socket.getaddrinfo(self._host, self._port)
        except OSError as error:
            raise UsageError(
                f"{self._host}: this machine does not know that name ({error.strerror or error}); write the address"
                " that the run has after --bind"
            ) from None
        try:
            self._runner = runner = Environment().create_worker_runner(self._host, self._port)
        except ConnectionError:
            raise RunError(
                f"no master answered at {self._where}: start bench run there first, with --bind, and let its port"
                " through the firewall"
            ) from None
        for kind, listener in (
            (messages.WELCOME, self._on_welcome),
            (messages.WHO, self._on_who),
            (messages.REFUSED, self._on_refused),
            (messages.PING, self._on_ping),
            (messages.JOB, self._on_job),
            (messages.BARRIER, self._on_barrier),
            (messages.ABANDON, self._on_abandon),
        ):
            runner.register_message(kind, listener)
        self._say_hello()
        deadline = time.monotonic() + WELCOME_S
        while not self._welcome:
            gevent.sleep(LOOK_S)
            self._check_refused()
            if time.monotonic() > deadline:
                self.end()
                raise RunError(
                    f"what answers at {self._where} is a master of Locust's, but none of bench run; name the address"
                    " that the run has after --bind"
                )

    def work(self) -> None:
        """Drive what the master asks for, until it ends.

        Raises:
            RunError: the master is silent for a minute, or does not take this worker.
        """
        assert self._runner is not None, "call connect() first"  # noqa: S101
        runner, heard_s = self._runner, time.monotonic()
        last = runner.last_heartbeat_timestamp
        while len(runner.greenlet):
            gevent.sleep(LOOK_S)
            self._check_refused()
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
        if self._runner is not None:
            self._runner.environment.events.quitting.fire(environment=self._runner.environment, reverse=True)
            gevent.sleep(LOOK_S)  # until it is sent

    def _check_refused(self) -> None:
        """Raise RunError if the master does not take this worker."""
        if self._refused is not None:
            self.end()
            raise RunError(f"the master at {self._where} does not take this machine: {self._refused}")

    def _say_hello(self) -> None:
        self._send(messages.HELLO, messages.pack_about(self._about))

    def _send(self, kind: str, content: object) -> None:
        assert self._runner is not None  # noqa: S101 - who calls this has heard of the master
        self._runner.client.send(Message(kind, content, self._runner.client_id))

    def _abandon(self) -> None:
        """Drive nothing any more, nor what was asked for and has not begun."""
        self._wanted = 0
        self._stop()

    def _stop(self) -> None:
        """Stop what is being driven; return when it is over, even if another greenlet stops it."""
        with self._ending:
            job, self._job, self._link = self._job, None, None
            if job is not None and not job.ready():
                job.kill()

    def _on_who(self, environment: Environment, msg: Message) -> None:
        gevent.spawn(self._connect_anew)

    def _connect_anew(self) -> None:
        self._abandon()
        self._send("client_ready", locust_version)
        self._say_hello()

    def _on_welcome(self, environment: Environment, msg: Message) -> None:
        self._welcome = True

    def _on_refused(self, environment: Environment, msg: Message) -> None:
        self._refused = str(msg.data)

    def _on_ping(self, environment: Environment, msg: Message) -> None:
        self._send(messages.PONG, [msg.data, time.perf_counter()])

    def _on_job(self, environment: Environment, msg: Message) -> None:
        try:
            job = messages.unpack_job(msg.data)
        except ValueError as error:
            self._refused = f"it asks for what this one does not understand: {error}"
            return
        self._wanted = job.serial
        gevent.spawn(self._begin, job)

    def _begin(self, job: WorkerJob) -> None:
        self._stop()
        if job.serial != self._wanted:
            return  # the master has abandoned it, or asked for another one, while the one before was ending
        assert self._runner is not None  # noqa: S101 - it has asked for the job
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
        if msg.data == self._wanted:
            self._wanted = 0  # at once: it may not have begun
            gevent.spawn(self._stop)
