"""Waiting and computing are charged to the app's own line, whatever library they happen in."""

import asyncio
import hashlib
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from loadtests.inside.check import lines
from loadtests.inside.check.lines import c_name, only_call, public_name

from .conftest import Looking

WAIT_S = 0.03
Lines = Callable[[str], int]


def deepest() -> None:
    subprocess.run([sys.executable, "-S", "-c", "import time; time.sleep(0.03)"], check=True)  # in a function below


def deeper() -> None:
    list(map(lambda _: deepest(), [1]))  # noqa: C417 - through a function in C


def test_a_call_three_functions_below_the_handler(looking: Looking, line_of: Lines) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> None:
        deeper()

    (answer,) = looking.ask(app, "GET /", kind="trace")
    site = answer.slowest_site()
    assert (site["file"], site["line"]) == ("test_lines.py", line_of("in a function below"))
    assert (site["function"], site["call"]) == ("deepest", "subprocess.run")
    assert (site["place"], site["name"].rpartition(".")[2], site["via"]) == ("handler", "handler", None)
    assert answer.line["loop"]["longest_step_s"] >= site["wait_s"]


def test_a_line_that_waits_in_a_thread(looking: Looking, line_of: Lines) -> None:
    app, lock = FastAPI(), threading.Lock()
    lock.acquire()

    @app.get("/")
    def handler() -> None:
        threading.Timer(WAIT_S, lock.release).start()
        with lock:  # no call is reported here
            pass

    (answer,) = looking.ask(app, "GET /", kind="trace")
    site = answer.slowest_site(on="thread")
    assert (site["line"], site["call"], site["place"]) == (line_of("no call is reported here"), "", "handler")


def test_each_line_of_a_stream_and_after_an_await(looking: Looking, line_of: Lines) -> None:
    app = FastAPI()

    def rows() -> Iterator[str]:
        yield "1"
        time.sleep(WAIT_S)  # between two items
        yield "2"

    @app.get("/rows")
    async def streamed() -> StreamingResponse:
        return StreamingResponse(rows())

    @app.get("/late")
    async def late() -> None:
        await asyncio.gather(asyncio.sleep(0), blocking_task())

    async def blocking_task() -> None:
        await asyncio.sleep(0)
        time.sleep(WAIT_S)  # noqa: ASYNC251  # in a task of its own

    rows_answer, late_answer = looking.ask(app, "GET /rows", "GET /late", kind="trace")
    assert rows_answer.slowest_site(on="thread")["line"] == line_of("between two items")
    site = late_answer.slowest_site()
    assert (site["line"], site["place"]) == (line_of("in a task of its own"), "handler")


def test_sqlalchemy_that_blocks_in_a_greenlet_is_charged_to_the_line_that_awaits_it(
    looking: Looking, line_of: Lines
) -> None:
    engine = create_async_engine("sqlite+aiosqlite://")
    event.listen(engine.sync_engine, "before_cursor_execute", lambda *_: time.sleep(WAIT_S))
    app = FastAPI()

    @app.get("/")
    async def handler() -> None:
        async with AsyncSession(engine) as session:
            await session.execute(text("select 1"))  # its greenlet blocks
        await engine.dispose()

    (answer,) = looking.ask(app, "GET /", kind="trace")
    # the listener is an own function, too, so that the waiting is charged to it; `via` says who asked SQLAlchemy
    (site,) = [each for each in answer.line["sites"] if each["call"] == "time.sleep"]
    assert site["via"]["line"] == line_of("its greenlet blocks")
    assert site["via"]["call"] == "sqlalchemy.ext.asyncio.AsyncSession.execute"
    assert answer.line["statements"] == 1


def test_sqlite_that_waits_for_a_lock(looking: Looking, tmp_path: Path, line_of: Lines) -> None:
    path = tmp_path / "x.db"
    engine, app = create_engine(f"sqlite:///{path}", connect_args={"timeout": WAIT_S}), FastAPI()
    other = sqlite3.connect(path)
    other.execute("begin exclusive")

    @app.get("/")
    async def handler() -> None:
        with engine.connect() as connection, pytest.raises(OperationalError, match="locked"):
            connection.execute(text("create table a (b)"))  # waits for the other connection

    (answer,) = looking.ask(app, "GET /", kind="trace")
    other.close()
    engine.dispose()
    site = answer.slowest_site()
    assert (site["line"], site["call"]) == (line_of("waits for the other connection"), "sqlalchemy.Connection.execute")


def test_computing_is_charged_to_its_line_too(looking: Looking, line_of: Lines) -> None:
    app = FastAPI()

    @app.get("/c")
    async def in_c() -> None:
        hashlib.pbkdf2_hmac("sha256", b"a", b"b", 50_000)  # computes in C

    @app.get("/python")
    async def in_python() -> int:
        count = 0
        for number in range(200_000):
            count += number  # computes in Python
        return count

    answers = looking.ask(app, "GET /c", "GET /python", kind="trace")
    sites = [max(each.line["sites"], key=lambda site: site["cpu_s"]) for each in answers]
    assert sites[0]["line"] == line_of("computes in C")
    assert sites[0]["call"].endswith("pbkdf2_hmac")
    assert sites[1]["line"] in {line_of("computes in Python"), line_of("computes in Python") - 1}
    assert answers[1].body == str(sum(range(200_000))).encode()


def test_a_request_that_calls_without_end_is_no_longer_traced(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "MOST_REPORTS", 1_000)
    app = FastAPI()

    @app.get("/")
    async def handler() -> int:
        return sum(len(str(number)) for number in range(5_000))

    (answer,) = looking.ask(app, "GET /", kind="trace")
    assert answer.status == 200
    assert "first 1000 calls and lines only" in answer.line["note"]


def test_what_fails_in_tracing_is_a_note(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(lines, "c_name", fail)
    app = FastAPI()

    @app.get("/")
    async def handler() -> float:
        return max(1.0, 2.0)

    (answer,) = looking.ask(app, "GET /", kind="trace")
    assert (answer.status, answer.body) == (200, b"2.0")
    assert "ZeroDivisionError" in answer.line["note"]
    assert sys.getprofile() is None
    assert sys.gettrace() is None


def test_an_app_that_is_profiled_already_is_left_alone(looking: Looking) -> None:
    app = FastAPI()

    @app.get("/")
    async def handler() -> int:
        return 1

    sys.setprofile(lambda *_: None)
    try:
        (answer,) = looking.ask(app, "GET /", kind="trace")
    finally:
        sys.setprofile(None)
    assert (answer.body, answer.line["sites"]) == (b"1", [])
    assert "profiler" in answer.line["note"]


def test_only_a_traced_request_is_traced(looking: Looking) -> None:
    app = FastAPI()
    profilers = []

    @app.get("/")
    async def handler() -> None:
        profilers.append(sys.getprofile())

    (answer,) = looking.ask(app, "GET /", kind="time")
    assert (profilers, answer.line["sites"]) == ([None], [])


def test_names_are_those_under_which_packages_offer_them() -> None:
    import httpx

    assert public_name("httpx._api", "get") == "httpx.get"
    assert public_name(httpx.Client.__module__, "Client.get") == "httpx.Client.get"
    assert public_name("subprocess", "run") == "subprocess.run"
    assert public_name("no.such.module", "f") == "no.such.module.f"
    assert c_name(time.sleep) == ("time", "sleep")
    with sqlite3.connect(":memory:") as connection:
        assert c_name(connection.execute) == ("sqlite3", "Connection.execute")
    connection.close()


def test_what_a_line_calls_if_it_is_one_thing(tmp_path: Path) -> None:
    path = tmp_path / "main.py"
    path.write_text("a = shop.client.get(1)\nb = f(g(2))\ndef h(): ...\nwith lock:\n")
    assert [only_call(str(path), line) for line in (1, 2, 3, 4)] == ["shop.client.get", "", "", ""]
