"""The users in one process: seated when a pairing begins, called when it's their turn, written down when it ends."""

import gc
import itertools
import pickle
import random
from collections.abc import Callable

from locust import FastHttpUser
from locust.env import Environment
from locust.rpc import Message
from locust.runners import Runner

from loadtests.drivers.locust import cast, merge, orders
from loadtests.drivers.locust.board import ROWS, Board
from loadtests.drivers.locust.orders import Begin, users_of
from loadtests.drivers.locust.seats import Bench, Seat, SeatedSession, on_request
from loadtests.drivers.phases import spread_s
from loadtests.experiment.sides import SideLabel


class Seated(FastHttpUser):
    """What makes a user class play for the bench."""

    abstract = True
    bench: Bench
    take_seat: Callable[[], Seat]
    index: dict[tuple[str, str], int]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.client = SeatedSession(self, self.take_seat(), self.index)


class Player:
    """Plays pairings as the conductor says, in Locust's messages."""

    def __init__(self, environment: Environment, runner: Runner, board: Board, number: int, of: int) -> None:
        """Listen to the conductor.

        Args:
            environment: Locust's, for this process.
            runner: that of a worker, or a local one.
            board: the board.
            number: of this player, from 0.
            of: how many players there are.
        """
        self._environment = environment
        self._runner = runner
        self._board = board
        self._number = number
        self._of = of
        self._benches: dict[SideLabel, Bench] = {}
        self._begin: Begin | None = None
        environment.events.request.add_listener(on_request)
        for name, listener in (
            (orders.BEGIN, self._on_begin),
            (orders.TURN, self._on_turn),
            (orders.GIVE_UP, self._on_give_up),
            (orders.END, self._on_end),
        ):
            self._runner.register_message(name, listener)

    def _on_begin(self, msg: Message, **_: object) -> None:
        begin: Begin = pickle.loads(msg.data["begin"])  # noqa: S301 - from the conductor, on this machine
        job, self._begin, self._benches = begin.job, begin, {}
        random.seed(f"{job.seed} {self._number}")  # think times and what visitors choose
        gc.collect()
        gc.disable()  # a collection in mid-window would show up as latency of the server
        classes: list[type[FastHttpUser]] = []
        spread = spread_s(job.wait_s, users_of(job))
        for side, (label, users) in enumerate(cast.user_classes(job).items()):
            rng = random.Random(f"{job.seed} {self._number}")
            bench = Bench(side, self._board, begin.started_s, spread, rng)
            self._benches[label] = bench
            extras = {
                "bench": bench,
                "take_seat": self._seats(bench),
                "index": cast.index(job),
                "next_turn": itertools.count(self._number).__next__,
            }
            classes += [type(each.__name__, (Seated, each), extras) for each in users]
        self._environment.user_classes[:] = classes

    def _seats(self, bench: Bench) -> Callable[[], Seat]:
        rows = itertools.count(bench.side * ROWS + self._number, self._of)
        return staticmethod(lambda: Seat(bench, next(rows)))

    def _on_turn(self, msg: Message, **_: object) -> None:
        self._benches[msg.data["side"]].call()

    def _on_give_up(self, msg: Message, **_: object) -> None:
        bench = self._benches[msg.data["side"]]
        bench.close()
        for user in [each.args[0] for each in self._runner.user_greenlets if each.args]:
            if isinstance(user, Seated) and user.bench is bench:
                user.greenlet.kill(block=False)

    def _on_end(self, msg: Message, **_: object) -> None:
        del msg
        assert self._begin is not None  # noqa: S101 - the conductor begins before it ends
        for bench in self._benches.values():
            if not bench.closed:
                bench.close()
        path = self._begin.folder / f"samples{self._number}.npz"
        merge.write(path, {label: bench.recorder.samples() for label, bench in self._benches.items()})
        gc.enable()
        self._runner.send_message(orders.WRITTEN, {"file": str(path)})
