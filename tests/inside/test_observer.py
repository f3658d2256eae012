"""What is seen inside a server: that it is there, and that it is right."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio.to_thread
import numpy as np
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool, QueuePool
from starlette.types import Message, Receive, Scope, Send

from loadtests.inside.observer import PERIOD_S, Connections, ObservedApp, Sampler
from loadtests.inside.rows import FIELDS, FORMAT, SUFFIX, UNKNOWN
from loadtests.records.samples import COUNTS, ROW, Timeline, collect_observations, merge_observations

HTTP: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "app": None}
LONG_S = 12 * PERIOD_S


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def send(message: Message) -> None:
    pass


def watch(folder: Path, app: Callable[[Scope, Receive, Send], Awaitable[None]], requests: int = 1) -> Timeline:
    """Ask an app so many times at once, and return what was seen meanwhile."""

    async def ask() -> None:
        observed = ObservedApp(app, str(folder))
        await asyncio.gather(*(observed(HTTP, receive, send) for _ in range(requests)))
        await asyncio.sleep(LONG_S)

    started = time.perf_counter()
    asyncio.run(ask())
    seen = collect_observations(folder, started, time.perf_counter())
    assert seen is not None
    return seen


def most(seen: Timeline, name: str) -> int:
    return int(seen.rows[name].max())


def rows(times: list[float], **columns: Any) -> Any:
    made = np.zeros(len(times), ROW)
    made["time_s"] = times
    for name, values in columns.items():
        made[name] = values
    return made


def test_a_row_is_what_the_format_says() -> None:
    import struct

    packed = struct.pack(FORMAT, 1.5, 2.5, 0.25, *range(len(COUNTS)))
    (row,) = np.frombuffer(packed, ROW)
    assert (row["time_s"], row["cpu_s"], row["lag_s"]) == (1.5, 2.5, 0.25)
    assert [row[name] for name in COUNTS] == list(range(len(COUNTS)))
    assert len(FIELDS) == len(COUNTS) + 3


def test_requests_in_flight_are_counted(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(LONG_S)

    seen = watch(tmp_path, app, requests=7)
    assert most(seen, "in_flight") == 7
    assert seen.rows["in_flight"][-1] == 0
    assert (np.diff(seen.rows["time_s"]) > 0).all()
    assert [path.name for path in tmp_path.iterdir()] == [f"{os.getpid()}{SUFFIX}"]


def test_a_request_that_fails_is_not_in_flight_any_more(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(LONG_S)
        raise ZeroDivisionError

    async def ask() -> None:
        observed = ObservedApp(app, str(tmp_path))
        with pytest.raises(ZeroDivisionError):
            await observed(HTTP, receive, send)
        await asyncio.sleep(LONG_S)

    asyncio.run(ask())
    seen = collect_observations(tmp_path, 0, time.perf_counter())
    assert seen is not None
    assert (most(seen, "in_flight"), seen.rows["in_flight"][-1]) == (1, 0)


def test_a_blocked_loop_is_late(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * PERIOD_S)
        time.sleep(LONG_S)  # noqa: ASYNC251 - this is the point
        await asyncio.sleep(2 * PERIOD_S)

    seen = watch(tmp_path, app)
    assert seen.rows["lag_s"].max() > LONG_S / 2
    assert seen.rows["lag_s"].min() < LONG_S / 2


def test_threads_and_who_waits_for_one(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        anyio.to_thread.current_default_thread_limiter().total_tokens = 2
        await anyio.to_thread.run_sync(time.sleep, LONG_S)

    seen = watch(tmp_path, app, requests=5)
    assert (most(seen, "threads"), most(seen, "threads_waiting")) == (2, 3)


def test_an_app_without_a_database_has_no_connections(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(__import__("sys").modules, "sqlalchemy")
    assert Connections().read() == (UNKNOWN, UNKNOWN, UNKNOWN)


def test_connections_of_threads(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'x.db'}", poolclass=QueuePool, pool_size=2, max_overflow=1)

    def hold() -> None:
        with engine.connect():
            time.sleep(LONG_S)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await anyio.to_thread.run_sync(hold)

    seen = watch(tmp_path, app, requests=5)
    engine.dispose()
    assert (most(seen, "connections"), most(seen, "connections_waiting")) == (3, 2)
    assert most(seen, "threads_blocked") == 2


def test_connections_of_tasks(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async with engine.connect():
            await asyncio.sleep(LONG_S)

    engine = create_async_engine(
        f"sqlite+aiosqlite:///{tmp_path / 'x.db'}", poolclass=AsyncAdaptedQueuePool, pool_size=2, max_overflow=1
    )
    seen = watch(tmp_path, disposing(engine, app, requests=5), requests=5)
    assert (most(seen, "connections"), most(seen, "connections_waiting")) == (3, 2)
    assert most(seen, "threads_blocked") <= 0


def disposing(engine: Any, app: Any, requests: int) -> Any:
    """Close an engine's connections, inside the loop, after the last request."""
    left = [requests]

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app(scope, receive, send)
        left[0] -= 1
        if not left[0]:
            await asyncio.sleep(2 * PERIOD_S)
            await engine.dispose()

    return call


def test_turns_at_a_dependency(tmp_path: Path) -> None:
    """FastAPI keeps its semaphores where a probe may no longer find them one day: then this fails."""

    async def resource() -> Any:
        yield None

    app = FastAPI()

    @app.get("/")
    async def route(held: Annotated[None, Depends(resource, max_concurrency=2)]) -> None:
        await asyncio.sleep(LONG_S)

    seen = watch(tmp_path, app, requests=5)
    assert most(seen, "turns_waiting") == 3
    assert most(seen, "in_flight") == 5


def test_a_sampler_that_cannot_write_leaves_the_app_alone(tmp_path: Path) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(2 * PERIOD_S)

    async def ask() -> None:
        await ObservedApp(app, str(tmp_path / "gone"))(HTTP, receive, send)

    with unraisable() as raised:
        asyncio.run(ask())
    assert raised == []


@contextmanager
def unraisable() -> Iterator[list[Any]]:
    import threading

    raised: list[Any] = []
    before, threading.excepthook = threading.excepthook, raised.append
    try:
        yield raised
    finally:
        threading.excepthook = before


def test_what_no_longer_fits_is_capped(tmp_path: Path) -> None:
    async def look() -> bytes:
        return Sampler(str(tmp_path / "x"), lambda: 10**6)._row()

    (row,) = np.frombuffer(asyncio.run(look()), ROW)
    assert row["in_flight"] == 2**15 - 1


def test_only_the_trial_is_cut_out_and_counts_from_its_start(tmp_path: Path) -> None:
    (tmp_path / f"1{SUFFIX}").write_bytes(rows([1, 2, 3, 4], in_flight=[1, 2, 3, 4]).tobytes() + b"half a row")
    seen = collect_observations(tmp_path, 1.5, 3.5)
    assert seen is not None
    assert seen.rows["time_s"].tolist() == [0.5, 1.5]
    assert seen.rows["in_flight"].tolist() == [2, 3]
    assert collect_observations(tmp_path, 8, 9) is None
    assert collect_observations(tmp_path / "none", 0, 9) is None


def test_worker_processes_add_up() -> None:
    one = rows([0.00, 0.02, 0.04, 0.06], in_flight=[1, 2, 3, 4], cpu_s=[0, 1, 2, 3], lag_s=[0.1] * 4, threads=-1)
    two = rows([0.01, 0.03, 0.05], in_flight=[10, 20, 30], cpu_s=[5, 6, 7], lag_s=[0.0, 0.5, 0.0], threads=[-1, -1, 4])
    both = merge_observations([one, two])
    assert both["time_s"].tolist() == [0.02, 0.04, 0.06]
    assert both["in_flight"].tolist() == [12, 23, 34]
    assert both["cpu_s"].tolist() == [6, 8, 10]
    assert both["lag_s"].tolist() == pytest.approx([0.1, 0.5, 0.1])
    assert both["threads"].tolist() == [UNKNOWN, UNKNOWN, 4]
    assert merge_observations([one]) is one
    assert len(merge_observations([])) == 0


def test_a_mean_leaves_out_what_is_unknown() -> None:
    seen = Timeline(rows([0, 1, 2], threads=[UNKNOWN, 4, 6], connections=UNKNOWN))
    assert seen.mean("threads") == 5
    assert seen.mean("connections") is None
    assert len(seen.inside([(0.5, 1.5), (2, 3)])) == 2
