"""Threads that Python does not know are told apart from those that it knows."""

import _thread
import sys
import threading
import time

import pytest

from loadtests.inside.check.native_threads import NativeThreads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reads another thread's clock")


def burn(seconds: float = 0.1) -> None:
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


def test_a_thread_that_python_does_not_know_is_counted() -> None:
    native = NativeThreads()
    assert native.used() == 0.0
    done = _thread.allocate_lock()
    done.acquire()

    def unknown() -> None:
        burn()
        done.release()

    _thread.start_new_thread(unknown, ())
    assert done.acquire(timeout=30)
    assert native.used() >= 0.09
    assert native.used() < 0.09


def test_threads_that_python_knows_are_not_counted() -> None:
    native, burnt, over = NativeThreads(), threading.Event(), threading.Event()
    native.used()

    def known() -> None:
        burn()
        burnt.set()
        over.wait(30)

    thread = threading.Thread(target=known)
    thread.start()
    assert burnt.wait(30)
    burn()
    assert native.used() < 0.09
    over.set()
    thread.join()


def test_a_thread_that_has_ended_leaves_it_open() -> None:
    native, over = NativeThreads(), threading.Event()
    thread = threading.Thread(target=over.wait, args=(30,))
    thread.start()
    native.used()
    burn()
    over.set()
    thread.join()
    assert native.used() == 0.0
