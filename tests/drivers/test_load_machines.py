"""What a worker drives, and whom a master blames, in a process with Locust, which replaces sockets and threads."""

import subprocess
import sys

import pytest

WORKER = """
from types import SimpleNamespace as Some
import gevent
from loadtests.drivers import distributed_messages as messages, locust_worker
from loadtests.drivers.distributed_messages import WorkerJob
from tests.drivers.test_distributed_messages import job

begun, ended = [], []

def drive(self, job, link):
    begun.append(job.serial)
    try:
        gevent.sleep(60)
    finally:
        gevent.sleep(0.05)  # its connections are closed
        ended.append(job.serial)

locust_worker.Worker._drive = drive
worker = locust_worker.Worker("127.0.0.1", 1)
worker._runner = object()

def ask(serial):
    worker._on_job(None, Some(data=messages.pack_job(WorkerJob(serial, 0, 1, 0.0, job()))))

def abandon(serial):
    worker._on_abandon(None, Some(data=serial))
"""
MASTER = """
from loadtests.drivers.distributed_messages import About
from loadtests.drivers.locust_master import Failed, Machine, check_stalls
from loadtests.drivers.trial import Stalled

about = About("x", "", 1, "", "")
one, two, three = (Machine(name, name, about) for name in ("one", "two", "three"))

def blamed(values, machines):
    try:
        check_stalls(values, machines)
    except Failed as reason:
        return str(reason)
"""


def said(preparation: str, code: str) -> str:
    command = [sys.executable, "-c", preparation + code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert not done.returncode, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ("ask(1); abandon(1)", "[] [] 0"),  # read at once, after the worker or its link stood still
        ("ask(1); gevent.sleep(0); gevent.sleep(0); abandon(1); ask(2)", "[1, 2] [1] 2"),
        ("ask(1); gevent.sleep(0); gevent.sleep(0); ask(2); gevent.sleep(0.01); ask(3)", "[1, 3] [1] 3"),
        ("ask(2); abandon(1)", "[2] [] 2"),
    ],
    ids=["abandoned before it began", "next while one ends", "one after next while one ends", "abandoned late"],
)
def test_a_worker_drives_only_what_the_master_asked_for_last(messages: str, expected: str) -> None:
    shown = "\ngevent.sleep(0.2); print(begun, ended, worker._link.serial if worker._link else 0)"
    assert said(WORKER, messages + shown) == expected


def test_a_machine_alone_that_waits_in_vain_may_have_a_network_that_is_broken() -> None:
    reason = said(MASTER, 'print(blamed({"one": Stalled("no answers"), "two": "settled"}, [one, two]))')
    assert reason == "load machine one: no answers, while others had answers; look at its network"


def test_all_machines_wait_in_vain_for_a_server_that_hangs_but_those_without_users() -> None:
    hangs = '{"one": Stalled("no answers"), "two": Stalled("no answers"), "three": "settled"}'
    job = "from tests.drivers.test_distributed_messages import job; from loadtests.experiment.loads import ClosedLoop"
    code = f"\n{job}\nprint(blamed({hangs}, [one, two, three][: job(load=ClosedLoop(2)).users]))"
    assert said(MASTER, code) == "None"
