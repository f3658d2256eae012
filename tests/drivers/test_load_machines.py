"""What a worker drives, in a process with Locust, which replaces sockets and threads."""

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
