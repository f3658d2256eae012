import struct
from pathlib import Path

import pytest

from loadtests.inside.rows import FORMAT, UNKNOWN
from loadtests.lab import observation
from loadtests.lab.observation import Observer, inside


def row(time_s: float, in_flight: int = 8, threads: int = 5, waiting: int = 3, blocked: int = 0) -> bytes:
    # time, CPU, lag; in flight, threads, waiting for one; connections, waiting for one, blocked threads; turns
    return struct.pack(FORMAT, time_s, 0.0, 0.02, in_flight, threads, waiting, 0, blocked, blocked, UNKNOWN)


def test_rows_are_read_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "1.rows"
    observer = Observer(tmp_path)
    assert inside(observer.look()) is None
    file.write_bytes(row(1.0) + row(1.02)[:10])
    assert len(observer.look()) == 1
    with file.open("ab") as more:
        more.write(row(1.02, in_flight=10)[10:])
    found = inside(observer.look())
    assert found is not None
    assert (found.newest_s, found.in_flight) == (1.02, 9.0)
    assert found.in_thread == 5.0
    assert found.waiting_for_thread == 3.0
    assert found.on_loop == 1.0
    assert found.lag_s == pytest.approx(0.02)


def test_what_was_seen_before_an_instant_or_long_ago_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "1.rows").write_bytes(row(1.0, 100) + row(4.0, 10) + row(4.5, 20))
    timeline = Observer(tmp_path).look()
    assert len(timeline) == 2
    found = inside(timeline, since_s=4.2)
    assert found is not None
    assert found.in_flight == 20.0


def test_threads_that_wait_for_a_connection_are_told_from_those_that_work(tmp_path: Path) -> None:
    (tmp_path / "1.rows").write_bytes(row(1.0, in_flight=128, threads=40, waiting=88, blocked=40))
    found = inside(Observer(tmp_path).look())
    assert found is not None
    assert (found.in_thread, found.waiting_for_connection, found.threads_blocked) == (0.0, 40.0, 40.0)


def test_worker_processes_add_up(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.rows").write_bytes(row(1.0) + row(1.02))
    found = inside(Observer(tmp_path).look())
    assert found is not None
    assert found.in_flight == 16.0


def test_a_file_that_has_grown_long_is_cut_while_its_observer_appends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observation, "CUT_BYTES", 100)
    file = tmp_path / "1.rows"
    observer = Observer(tmp_path)
    with file.open("ab", buffering=0) as writer:
        for number in range(20):
            writer.write(row(number * 0.02))
        assert len(observer.look()) == 20
        assert file.stat().st_size == 0
        writer.write(row(0.5, in_flight=99))
        found = inside(observer.look(), since_s=0.45)
    assert found is not None
    assert found.in_flight == 99.0
