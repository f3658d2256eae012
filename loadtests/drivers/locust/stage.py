"""What is set up in each of Locust's processes. Importing this imports Locust."""

import gc
import logging
from multiprocessing.connection import Connection
from pathlib import Path

import gevent
import gevent.socket
from locust.env import Environment
from locust.event import EventHook
from locust.runners import LocalRunner, MasterRunner

from loadtests.drivers.job import BEAT, BEAT_S
from loadtests.drivers.locust.board import Board
from loadtests.drivers.locust.conductor import Conductor
from loadtests.drivers.locust.orders import Orders
from loadtests.drivers.locust.player import Player

LOOPBACK = "127.0.0.1"


def conduct(board_file: Path, *, workers: int, port: int, fd: int) -> None:
    """Drive pairings until the owner hangs up."""
    environment, board = _prepare(board_file)
    runner: LocalRunner | MasterRunner
    if workers:
        runner = environment.create_master_runner(LOOPBACK, port)
    else:
        runner = environment.create_local_runner()
        _skip_statistics(environment)
        Player(environment, runner, board, 0, 1)
    conductor = Conductor(environment, runner, board, workers)
    with Connection(fd) as owner:
        while True:
            gevent.socket.wait_read(owner.fileno())  # reading alone would keep Locust from answering heartbeats
            try:
                told: Orders = owner.recv()
            except EOFError:
                return
            beats = gevent.spawn(_beat, owner)
            performance = conductor.drive(told)
            beats.kill()
            owner.send(performance)


def _beat(owner: Connection) -> None:
    while True:
        owner.send(BEAT)
        gevent.sleep(BEAT_S)


def work(board_file: Path, *, number: int, workers: int, port: int) -> None:
    """Be a worker until the owner ends."""
    environment, board = _prepare(board_file)
    runner = environment.create_worker_runner(LOOPBACK, port)
    _skip_statistics(environment)
    Player(environment, runner, board, number, workers)
    runner.greenlet.join()


def _prepare(board_file: Path) -> tuple[Environment, Board]:
    logging.basicConfig(level=logging.ERROR)  # the last line of a log is what a report quotes
    logging.getLogger("locust").setLevel(logging.ERROR)
    gc.freeze()  # what is imported stays
    return Environment(), Board(board_file)


def _skip_statistics(environment: Environment) -> None:
    """Take Locust's own listener off the request event: its rounded statistics cost time, and nobody reads them."""
    environment.events.request = EventHook()
