"""Locust's master, which has workers on load machines drive jobs. Importing this imports Locust.

To its owner it is one load generator, whose jobs and recordings come and go as those of any other (see ``job``). The
workers connect by Locust's own protocol, and tell by its heartbeats that they are there. They drive a job by the same
code as load generators on one machine do: users are divided among them, and the master holds the barriers at which they
wait for each other, so that the sides take turns on all machines at once.

A trial's times are by the master's clock. Before each job every worker is asked what time it has, several times, and is
told how far its clock is off; after the job once more, which shows whether a clock was set. How long a request took was
measured with one clock whatever the others show. The offset only decides which of a worker's requests fall into a
window.

A worker from which nothing comes for SILENCE_S is lost, with what it held of the job: the others abandon it, and the
owner is told who was lost. The next job is driven by who is there then.
"""

import contextlib
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection

import gevent
import gevent.socket
from gevent.queue import Empty, Queue
from locust.env import Environment
from locust.rpc import Message
from locust.runners import MasterRunner

from loadtests.drivers import distributed_messages as messages
from loadtests.drivers.distributed_messages import About, WorkerJob
from loadtests.drivers.job import (
    DONE,
    HEARTBEAT,
    HEARTBEAT_S,
    SILENCE_S,
    Gather,
    GatheredMachine,
    NotDriven,
    PairingJob,
)
from loadtests.drivers.merge import merge_machines
from loadtests.drivers.trial import Stalled
from loadtests.experiment.sides import SideLabel
from loadtests.records.samples import Recording
from loadtests.system.clock_offset import ClockOffset, Ping, clock_offset

PINGS = 5
PING_LIMIT_S = SILENCE_S
"""A machine, or its link, may stand still for as long as it may anywhere else."""
REJOIN_S = 30.0
"""A worker that is missing when a job comes is waited for so long: a master that was started anew knows none yet."""
ROUND_TRIPS = 10
"""Round trips to the furthest worker that a slice lasts at the least: its barriers take half a dozen."""
LOOK_S = 0.2
GONE = "gone"
"""The kind of news that a worker can't go on with what it was driving."""


@dataclass
class Machine:
    """A worker that has said what it is.

    Attributes:
        client: what Locust calls it.
        name: what it calls itself, with a number behind it where several do so.
        about: what it says of itself.
        pongs: answers to the current question for the time.
    """

    client: str
    name: str
    about: About
    pongs: Queue = field(default_factory=Queue)


class Lost(Exception):
    """A worker that drives a job is gone; as text, a sentence."""


class NoneLeft(Exception):
    """No worker is there; as text, a sentence."""


class Failed(Exception):
    """A worker could not drive a job; as text, a sentence."""


class Master(MasterRunner):
    """Locust's master, which also notes when it heard of whom, and tells a worker it doesn't know to connect anew."""

    def __init__(self, environment: Environment, host: str, port: int) -> None:
        self.heard_s: dict[str, float] = {}
        self.gone: Callable[[str], None] = lambda client: None
        environment.runner = self
        super().__init__(environment, host, port)

    def handle_message(self, client_id: str, msg: Message) -> None:
        """Handle what a worker has sent."""
        self.heard_s[client_id] = time.monotonic()
        if msg.type == "heartbeat" and client_id not in self.clients:
            self.server.send_to_client(Message(messages.WHO, None, client_id))
        if msg.type == "quit":
            self.gone(client_id)
        super().handle_message(client_id, msg)


class Workers:
    """The workers that have connected, and jobs that they drive together."""

    def __init__(self, host: str, port: int, expected: int) -> None:
        """Begin to listen.

        Args:
            host: the address to listen on.
            port: the port there.
            expected: how many workers there are to be.
        """
        self._expected = expected
        self._machines: dict[str, Machine] = {}
        self._news: Queue = Queue()
        self._serials = itertools.count(1)
        self._runner = Master(Environment(), host, port)
        self._runner.gone = self._gone
        self._runner.register_message(messages.HELLO, self._on_hello)
        self._runner.register_message(messages.PONG, self._on_pong)
        for kind in (messages.BARRIER, messages.RECORDING, messages.FINISHED, messages.FAILED):
            self._runner.register_message(kind, self._on_news)

    @property
    def present(self) -> list[Machine]:
        """Those that are there, by name."""
        now = time.monotonic()
        heard = self._runner.heard_s
        here = [each for each in self._machines.values() if now - heard.get(each.client, 0.0) < SILENCE_S]
        return sorted(here, key=lambda each: each.name)

    def gather(self, limit_s: float) -> list[Machine]:
        """Wait until all that are expected are there, or time is up; return those who are."""
        deadline = time.monotonic() + limit_s
        while len(self.present) < self._expected and time.monotonic() < deadline:
            gevent.sleep(LOOK_S)
        return self.present

    def drive(self, job: PairingJob) -> dict[SideLabel, Recording]:
        """Have a job driven by the workers that are there.

        Raises:
            Lost: one of them was lost.
            NoneLeft: none is there.
            Failed: one of them could not drive it.
        """
        machines = self.gather(REJOIN_S)
        if not machines:
            raise NoneLeft(f"no load machine is connected any more, and none came back within {REJOIN_S:g} s")
        self._expected = len(machines)
        while not self._news.empty():  # of jobs that were abandoned
            self._news.get_nowait()
        offsets = self._compare_clocks(machines)
        longest_s = 2 * max(offset.uncertainty_s for offset in offsets)  # half of a round trip each
        job = replace(job, slice_s=max(job.slice_s, ROUND_TRIPS * longest_s))
        serial, begun_s = next(self._serials), time.monotonic()
        for number, (machine, offset) in enumerate(zip(machines, offsets, strict=True)):
            own = WorkerJob(serial, number, len(machines), offset.offset_s, job)
            self._send(machine, messages.JOB, messages.pack_job(own))
        try:
            parts = self._collect(serial, machines, job)
        except (Lost, Failed):
            for machine in machines:
                self._send(machine, messages.ABANDON, serial)
            self._expected = max(1, len(self.present))
            raise
        names = [each.name for each in machines]
        after = self._ask_clocks(machines)  # of one that is gone by now nothing is lost: it has told all that it held
        return {
            label: merge_machines([part[label] for part in parts], names, offsets, after, time.monotonic() - begun_s)
            for label in job.targets
        }

    def end(self) -> None:
        """Tell all workers that there is nothing more to do."""
        self._runner.quit()

    def _collect(self, serial: int, machines: Sequence[Machine], job: PairingJob) -> list[dict[SideLabel, Recording]]:
        """Hold the barriers of a job, and return what each worker has recorded."""
        recordings: dict[str, dict[SideLabel, Recording]] = {machine.client: {} for machine in machines}
        at_barrier: dict[str, object] = {}
        working = {machine.client: machine for machine in machines}
        while working:
            self._check_present(working.values())
            try:
                client, kind, data = self._news.get(timeout=LOOK_S)
            except Empty:
                continue
            machine = next((each for each in machines if each.client == client), None)
            if kind == GONE and machine is not None:
                raise Lost(f"load machine {machine.name} was lost: {data}")
            if machine is None or not isinstance(data, Mapping) or data.get("serial") != serial:
                continue  # of a job that was abandoned
            content = data.get("content")
            try:
                if kind == messages.FAILED:
                    raise Failed(f"load machine {machine.name}: {content}")
                if kind == messages.BARRIER:
                    at_barrier[client] = messages.unpack_value(content)
                elif kind == messages.RECORDING:
                    label, recording = messages.unpack_recording(content)
                    recordings[client][label] = recording
                elif kind == messages.FINISHED:
                    if recordings[client].keys() != job.targets.keys():
                        raise Failed(f"load machine {machine.name} ended without what it had recorded")
                    del working[client]
            except ValueError as error:
                raise Failed(f"load machine {machine.name} said what this one does not understand: {error}") from None
            if len(at_barrier) == len(machines):
                check_stalls(at_barrier, machines[: job.users])
                all_values = [messages.pack_value(at_barrier[each.client]) for each in machines]
                for each in machines:
                    self._send(each, messages.BARRIER, {"serial": serial, "content": all_values})
                at_barrier.clear()
        return [recordings[machine.client] for machine in machines]

    def _check_present(self, machines: Iterable[Machine]) -> None:
        now = time.monotonic()
        for machine in machines:
            if now - self._runner.heard_s.get(machine.client, 0.0) > SILENCE_S:
                raise Lost(f"load machine {machine.name} was lost: it gave no sign of life for {SILENCE_S:g} s")

    def _compare_clocks(self, machines: Sequence[Machine]) -> list[ClockOffset]:
        """Return how far the master's clock is ahead of each worker's; raises Lost."""
        offsets = []
        for machine, offset in zip(machines, self._ask_clocks(machines), strict=True):
            if offset is None:
                self._runner.heard_s.pop(machine.client, None)  # not there until it is heard of again
                raise Lost(f"load machine {machine.name} was lost: it did not say what time it has")
            offsets.append(offset)
        return offsets

    def _ask_clocks(self, machines: Sequence[Machine]) -> list[ClockOffset | None]:
        """Return how far the master's clock is ahead of each worker's; None for one that does not answer."""
        asked = [gevent.spawn(self._compare_clock, machine) for machine in machines]
        gevent.joinall(asked)
        return [each.value for each in asked]

    def _compare_clock(self, machine: Machine) -> ClockOffset | None:
        """Ask one worker for its time; None if it does not answer."""
        pings = []
        while not machine.pongs.empty():
            machine.pongs.get_nowait()
        for _ in range(PINGS):
            number, sent_s = next(self._serials), time.perf_counter()
            self._send(machine, messages.PING, number)
            try:
                while True:
                    answered, theirs_s, received_s = machine.pongs.get(timeout=PING_LIMIT_S)
                    if answered == number:
                        break
            except Empty:
                return None
            pings.append(Ping(sent_s, theirs_s, received_s))
        return clock_offset(pings)

    def _send(self, machine: Machine, kind: str, content: object) -> None:
        self._runner.server.send_to_client(Message(kind, content, machine.client))

    def _gone(self, client: str) -> None:
        self._machines.pop(client, None)
        self._news.put((client, GONE, "its worker was ended"))

    def _on_hello(self, environment: Environment, msg: Message) -> None:
        try:
            about = messages.unpack_about(msg.data)
        except ValueError as error:
            self._refuse(msg.node_id, f"it said what this one does not understand: {error}")
            return
        if about.code != messages.code_fingerprint():
            self._refuse(
                msg.node_id,
                "it runs another version of this project or of Locust; check out the same commit on both, and install"
                " the same versions (uv sync)",
            )
            return
        if msg.node_id not in self._machines:
            name = self._free_name(about.name)
            self._machines[msg.node_id] = Machine(msg.node_id, name, about)
        else:  # it has connected anew: whatever it was driving, it does so no longer
            self._news.put((msg.node_id, GONE, "it connected anew"))
        self._runner.server.send_to_client(Message(messages.WELCOME, None, msg.node_id))

    def _refuse(self, client: str, why: str) -> None:
        self._runner.server.send_to_client(Message(messages.REFUSED, why, client))

    def _free_name(self, name: str) -> str:
        taken = {each.name for each in self.present}
        candidates = itertools.chain([name], (f"{name} ({number})" for number in itertools.count(2)))
        return next(each for each in candidates if each not in taken)

    def _on_pong(self, environment: Environment, msg: Message) -> None:
        received_s = time.perf_counter()
        match msg.data:
            case [int(number), float(theirs_s)] if msg.node_id in self._machines:
                self._machines[msg.node_id].pongs.put((number, theirs_s, received_s))

    def _on_news(self, environment: Environment, msg: Message) -> None:
        self._news.put((msg.node_id, msg.type, msg.data))


def check_stalls(values: Mapping[str, object], machines: Sequence[Machine]) -> None:
    """Raise Failed if some machines, but not all, wait in vain: it may be their network, and not the server.

    Args:
        values: what each has brought to a barrier, by its client.
        machines: those that drive the job and have users; one without any waits for nothing.
    """
    stalls = {each.name: value for each in machines if isinstance(value := values[each.client], Stalled)}
    if stalls and len(stalls) < len(machines):
        name, stall = next(iter(stalls.items()))
        raise Failed(f"load machine {name}: {stall}, while others had answers; look at its network")


def serve(owner: Connection, workers: Workers) -> None:
    """Do what the owner asks for until it hangs up, or sends None; then tell the workers that it is over."""
    asked: Queue = Queue()
    answering = gevent.spawn(_answer, owner, workers, asked)
    with contextlib.suppress(EOFError):
        while True:
            gevent.socket.wait_read(owner.fileno())
            if (message := owner.recv()) is None:
                break
            asked.put(message)
    answering.kill()
    workers.end()


def _answer(owner: Connection, workers: Workers, asked: Queue) -> None:
    while True:
        message = asked.get()
        beats = gevent.spawn(_send_heartbeats, owner)
        try:
            if isinstance(message, Gather):
                answers: list[object] = [*map(_gathered, workers.gather(message.limit_s)), DONE]
            else:
                answers = [*workers.drive(message).items(), DONE]
        except (Lost, Failed, NoneLeft) as reason:
            answers = [NotDriven(str(reason), none_left=isinstance(reason, NoneLeft))]
        finally:
            beats.kill()
        for answer in answers:
            owner.send(answer)


def _gathered(machine: Machine) -> GatheredMachine:
    return GatheredMachine(machine.name, machine.about.cores, machine.about.system, machine.about.python)


def _send_heartbeats(owner: Connection) -> None:
    while True:
        owner.send(HEARTBEAT)
        gevent.sleep(HEARTBEAT_S)
