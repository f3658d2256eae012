"""What a thread waits for a core is not what it waits for."""

import threading

import pytest

from loadtests.inside.check import clocks
from loadtests.inside.check.clocks import Clocks, Span, core_delay


class Fake:
    """Clocks that are set by hand, in seconds."""

    wall = cpu = delay = native = 0.0

    def go(self, wall: float, cpu: float, delay: float = 0.0, native: float = 0.0) -> None:
        self.wall, self.cpu, self.delay = self.wall + wall, self.cpu + cpu, self.delay + delay
        self.native = native

    def used(self) -> float:
        native, self.native = self.native, 0.0
        return native


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Fake:
    made = Fake()
    monkeypatch.setattr(clocks, "perf_counter", lambda: made.wall)
    monkeypatch.setattr(clocks, "thread_time", lambda: made.cpu)
    monkeypatch.setattr(clocks, "core_delay", lambda: made.delay)
    monkeypatch.setattr(clocks, "NATIVE", made)
    return made


@pytest.mark.parametrize(
    ("wall", "cpu", "delay", "told"),
    [
        (1.0, 0.25, 0.0, (1.0, 0.25)),  # it waited for something
        (1.0, 0.25, 0.75, (0.25, 0.25)),  # it waited for a core alone
        (1.0, 0.25, 0.5, (0.5, 0.25)),  # for both
        (1.0, 0.25, 5.0, (0.25, 0.25)),  # never more than it waited at all
        (1.0, 1.0, 0.0, (1.0, 1.0)),
    ],
)
def test_a_lap(fake: Fake, wall: float, cpu: float, delay: float, told: tuple[float, float]) -> None:
    read = Clocks()
    read.reset()
    fake.go(wall, cpu, delay)
    assert read.lap() == pytest.approx(told)
    fake.go(1.0, 0.0)
    assert read.lap() == pytest.approx((1.0, 0.0))  # what was left out once is not left out again


def test_a_span_adds_laps_up(fake: Fake) -> None:
    read = Clocks()
    read.reset()
    span = Span(read)
    for _ in range(3):
        fake.go(wall=1.0, cpu=0.5, delay=0.25)
        read.lap()
    span.end()
    assert (span.wall, span.cpu, span.delayed) == pytest.approx((2.25, 1.5, 0.75))


@pytest.mark.parametrize(
    ("native", "told"),
    [
        (0.5, 0.75),
        (4.0, 1.0),  # on several cores: never more than this thread waited for them
    ],
)
def test_what_a_librarys_threads_compute_is_cpu_time(fake: Fake, native: float, told: float) -> None:
    read = Clocks()
    read.reset()
    span = Span(read)
    fake.go(wall=1.0, cpu=0.25, native=native)
    assert read.lap() == pytest.approx((1.0, told))
    fake.go(wall=1.0, cpu=0.0)
    assert read.lap() == pytest.approx((1.0, 0.0))
    span.end()
    assert (span.wall, span.cpu) == pytest.approx((2.0, told))


def test_every_thread_has_a_count_of_its_own() -> None:
    counts: list[float] = []
    thread = threading.Thread(target=lambda: counts.append(core_delay()))
    thread.start()
    thread.join()
    assert counts[0] >= 0
    assert core_delay() >= 0


def test_where_nobody_counts_there_is_no_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clocks, "SCHEDSTAT", "/proc/none")
    counts: list[float] = []
    thread = threading.Thread(target=lambda: counts.append(core_delay()))
    thread.start()
    thread.join()
    assert counts == [0.0]
