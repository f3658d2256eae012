"""The apps of the lessons about threads and the event loop: they answer alike, and run their code where pages say."""

import asyncio
import contextvars
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType, ModuleType
from typing import Any

import anyio.to_thread
import httpx
import pytest
from fastapi import FastAPI

from loadtests.lessons import (
    background_tasks,
    dependency_hop,
    health_check,
    middleware,
    reading_files,
    streaming,
    text,
)
from loadtests.lessons.lesson import Lesson
from loadtests.lessons.record import read_lesson
from loadtests.lessons.threads_and_loop import HEALTH_CHECK, THREADS_AND_LOOP
from loadtests.records.run_folder import EXAMPLE

LOOP, THREAD = "the event loop", "a thread"


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_check, "REPORT_S", 0.001)
    monkeypatch.setattr(background_tasks, "MAIL_S", 0.001)


async def ask(app: FastAPI, *paths: str) -> list[httpx.Response]:
    """Ask for all paths at once."""
    async with app.router.lifespan_context(app) as state:

        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await app(scope | {"state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(with_state), base_url="http://app") as client:
            return await asyncio.gather(*[client.get(path) for path in paths])


@contextmanager
def recorded(module: ModuleType) -> Iterator[Counter[tuple[str, str]]]:
    """Count the calls of a module's functions, by name and by where they ran; each step of a generator is a call."""
    calls: Counter[tuple[str, str]] = Counter()
    here = threading.get_ident()

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_filename == module.__file__:
            calls[frame.f_code.co_name, LOOP if threading.get_ident() == here else THREAD] += 1

    before = sys.getprofile()
    threading.setprofile(profile)
    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def where(module: ModuleType, app: FastAPI, path: str) -> Counter[tuple[str, str]]:
    """Return which functions of a module ran for one request, and where, without those that only start and end it."""
    with recorded(module) as calls:
        assert [answer.status_code for answer in asyncio.run(ask(app, path))] == [200]
    return Counter({each: count for each, count in calls.items() if not each[0].startswith("_")})


def apps_of(lesson: Lesson) -> tuple[FastAPI, FastAPI]:
    names = [side.rpartition(":") for side in (lesson.measure.a, lesson.measure.b)]
    a, b = (getattr(sys.modules[module], name) for module, _, name in names)
    return a, b


@pytest.mark.parametrize("lesson", THREADS_AND_LOOP, ids=lambda lesson: lesson.name)
def test_both_apps_of_a_lesson_answer_alike(lesson: Lesson) -> None:
    paths = [path for scenario in lesson.measure.scenarios for path in scenario.split()[1:]]
    a, b = (asyncio.run(ask(app, *paths)) for app in apps_of(lesson))
    assert [answer.status_code for answer in a] == [200] * len(paths)
    for one, other in zip(a, b, strict=True):
        assert (one.status_code, one.headers, one.content) == (other.status_code, other.headers, other.content)


def test_a_dependency_says_what_is_asked_on_either_side() -> None:
    for app in (dependency_hop.def_dependency, dependency_hop.async_dependency):
        [answer] = asyncio.run(ask(app, "/three?limit=1000&page=-1"))
        assert answer.json() == f"{dependency_hop.MOST_ROWS} 1 en"


def test_a_def_dependency_runs_in_a_thread_although_its_route_is_async() -> None:
    assert where(dependency_hop, dependency_hop.def_dependency, "/three") == {
        ("page_size", THREAD): 1,
        ("page_number", THREAD): 1,
        ("language", THREAD): 1,
        ("three", LOOP): 1,
    }
    found = where(dependency_hop, dependency_hop.async_dependency, "/three")
    assert {place for _, place in found} == {LOOP}


def test_only_the_def_health_check_needs_a_thread() -> None:
    assert where(health_check, health_check.def_health, "/health") == {("health", THREAD): 1}
    assert where(health_check, health_check.async_health, "/health") == {("health_on_the_loop", LOOP): 1}


def answered_while_threads_are_busy(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether a health check is answered while reports occupy all threads, which end only afterwards."""
    threads, release = 40, threading.Event()

    async def asked() -> bool:
        loop, all_busy = asyncio.get_running_loop(), asyncio.Event()

        def tell() -> None:
            loop.call_soon_threadsafe(all_busy.set)

        barrier = threading.Barrier(threads, tell)

        def occupy(_seconds: float) -> None:
            barrier.wait(timeout=30)
            release.wait(timeout=30)

        monkeypatch.setattr("loadtests.lessons.health_check.time.sleep", occupy)
        reports = asyncio.create_task(ask(app, *["/report"] * threads))
        await all_busy.wait()
        health = asyncio.create_task(ask(app, "/health"))
        for _ in range(1000):  # turns of the event loop; a request needs some dozens
            await asyncio.sleep(0)
        answered = health.done()
        release.set()
        assert [answer.status_code for answer in [*await reports, *await health]] == [200] * (threads + 1)
        return answered

    return asyncio.run(asked())


def test_a_def_health_check_starves_while_all_threads_are_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not answered_while_threads_are_busy(health_check.def_health, monkeypatch)
    assert answered_while_threads_are_busy(health_check.async_health, monkeypatch)


def test_the_median_request_is_a_health_check() -> None:
    [scenario] = HEALTH_CHECK.measure.scenarios
    paths = scenario.split()[1:]
    assert paths.count("/health") > paths.count("/report")


def test_the_page_shows_the_median_too_of_which_something_is_expected() -> None:
    record = read_lesson(EXAMPLE / "lessons" / "health_check.json")
    [throughput, median] = text.figures(HEALTH_CHECK, record.outcome)
    assert (throughput.unit, median.unit) == ("requests/s", "ms, median")
    assert text.short(median)[1].endswith(" × as long (median)")
    assert "the median response time" in text.reasons(HEALTH_CHECK, record.outcome)[1]
    plain = replace(HEALTH_CHECK, expects=HEALTH_CHECK.expects[1:])
    assert text.figures(plain, record.outcome) == [throughput]


def test_both_kinds_of_middleware_set_the_header() -> None:
    for app in (middleware.base_http, middleware.plain_asgi):
        [answer] = asyncio.run(ask(app, "/hello"))
        assert answer.headers[middleware.HEADER] == middleware.VALUE


def tasks_and_context(app: FastAPI, middleware_class: type, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Return how many tasks one request makes, and what the middleware sees of a variable that the route sets."""
    seen: contextvars.ContextVar[str] = contextvars.ContextVar("seen", default="nothing")
    made = 0
    found: list[str] = []
    original = middleware_class.__call__

    async def looking(self: Any, scope: Any, receive: Any, send: Any) -> None:
        await original(self, scope, receive, send)
        found.append(seen.get())

    async def route() -> str:
        seen.set("what the route set")
        return "done"

    def counting(loop: asyncio.AbstractEventLoop, coro: Any, **options: Any) -> asyncio.Task[Any]:
        nonlocal made
        made += 1
        return asyncio.Task(coro, loop=loop, **options)

    monkeypatch.setattr(middleware_class, "__call__", looking)
    own = FastAPI(middleware=app.user_middleware)
    own.get("/")(route)

    async def asked() -> int:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(own), base_url="http://app") as client:
            asyncio.get_running_loop().set_task_factory(counting)
            await client.get("/")
        return made

    return asyncio.run(asked()), found[0]


def test_base_http_middleware_runs_the_app_in_a_task_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    made, seen = tasks_and_context(middleware.base_http, middleware.WithBaseHTTP, monkeypatch)
    assert made >= 1
    assert seen == "nothing"
    made, seen = tasks_and_context(middleware.plain_asgi, middleware.PlainASGI, monkeypatch)
    assert (made, seen) == (0, "what the route set")


def test_each_chunk_of_a_def_generator_takes_a_hop_to_a_thread() -> None:
    found = where(streaming, streaming.def_generator, "/table.csv")
    assert found["lines", THREAD] == streaming.LINES + 1  # the last one finds that there is no more
    assert found["lines", LOOP] == 0
    found = where(streaming, streaming.async_generator, "/table.csv")
    assert {place for _, place in found} == {LOOP}


def test_a_def_task_runs_in_a_thread_and_an_async_one_on_the_loop() -> None:
    assert where(background_tasks, background_tasks.def_task, "/order")["send_mail", THREAD] == 1
    found = where(background_tasks, background_tasks.async_task, "/order")
    assert found["send_mail", LOOP] == 1
    assert {place for _, place in found} == {LOOP}


def hops(app: FastAPI, path: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often a request sends work to a thread."""
    original, count = anyio.to_thread.run_sync, 0

    async def counted(*args: Any, **options: Any) -> Any:
        nonlocal count
        count += 1
        return await original(*args, **options)

    monkeypatch.setattr(anyio.to_thread, "run_sync", counted)
    monkeypatch.setattr("anyio._core._fileio.to_thread.run_sync", counted)
    [answer] = asyncio.run(ask(app, path))
    assert answer.json() == reading_files.SIZE
    return count


@pytest.mark.parametrize(
    ("app", "path", "expected"),
    [
        (reading_files.in_def, "/anyio", 2),
        (reading_files.in_def, "/open", 2),
        (reading_files.in_async_def, "/anyio", 3),
        (reading_files.in_async_def, "/open", 0),
    ],
    ids=["def", "def again", "AnyIO", "open in async def"],
)
def test_a_file_takes_the_hops_that_the_page_counts(
    app: FastAPI, path: str, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert hops(app, path, monkeypatch) == expected
