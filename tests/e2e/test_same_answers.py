"""Sides that do not answer alike are not measured unless that is meant; who forgot an await sees it there."""

import json
from pathlib import Path

import pytest

from tests.e2e.harness import bench, bench_here

SHORT = ("--users", "2", "--blocks", "1", "--time", "0.3", "--no-control", "--out", "r")
MODELS = """
from fastapi import Depends, FastAPI
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, create_engine, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship, selectinload
class Base(DeclarativeBase): ...
class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(primary_key=True)
class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    author: Mapped[User] = relationship()
engine = create_engine("sqlite:///blog.db", connect_args={{"check_same_thread": False}})
async_engine = create_async_engine("sqlite+aiosqlite:///blog.db")
Base.metadata.drop_all(engine)
Base.metadata.create_all(engine)
with Session(engine) as session:
    session.add_all([each for n in range(1, 6) for each in (User(id=n), Post(id=n, user_id=n))])
    session.commit()
class Author(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)
    id: int
    author: Author
app = FastAPI()
{rest}
"""
SYNC = """
@app.get("/posts", response_model=list[Shown])
def posts() -> object:
    with Session(engine) as session:
        return [Shown.model_validate(each) for each in session.scalars(select(Post))]
"""
ASYNC = """
@app.get("/posts", response_model=list[Shown])
async def posts() -> object:
    async with AsyncSession(async_engine) as session:
        return [Shown.model_validate(each) for each in ({await_} session.scalars(select(Post){loaded}))]
"""
LOADED = ".options(selectinload(Post.author))"
STEPS = {
    "before": SYNC,
    "no_await": ASYNC.format(await_="", loaded=LOADED),
    "no_load": ASYNC.format(await_="await", loaded=""),
    "after": ASYNC.format(await_="await", loaded=LOADED),
}


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A blog before, half way through and after it turns async, a folder each."""
    for name, rest in STEPS.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "main.py").write_text(MODELS.format(rest=rest))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("step", "why"), [("no_await", "TypeError: 'coroutine'"), ("no_load", "MissingGreenlet")])
def test_what_was_forgotten_is_shown_before_any_load(steps: Path, step: str, why: str) -> None:
    status, output, errors = bench_here("run", "/posts", "--a", "before/main.py", "--b", f"{step}/main.py", *SHORT)
    assert status == 3
    assert "the sides do not answer alike" in errors
    assert "--unequal" in errors
    assert "200 OK" in output
    assert "500 Internal Server Error" in output
    assert why in output
    assert not (steps / "r").exists()


def test_a_difference_in_statements_is_said_and_the_run_goes_on(steps: Path) -> None:
    status, output, errors = bench("run", "/posts", "--a", "before/main.py", "--b", "after/main.py", *SHORT)
    assert (status, errors) == (0, "")
    assert "6 statements" in output
    assert "is not about async" in " ".join(output.split())
    report = (steps / "r" / "report.html").read_text()
    assert "The sides execute different SQL" in report
    assert "@app.get(&#34;/posts&#34;, response_model=list[Shown])" in report
    assert "SQL that was executed for before when each request was asked once, 6 statements" in report
    executed = json.loads((steps / "r" / "run.json").read_text())["executed"]["GET /posts"]
    assert {label: (each["count"], each["threads"]) for label, each in executed.items()} == {"a": (6, 40), "b": (2, 40)}
    assert "-- 5 times in a row" in executed["a"]["statements"][1]


def test_what_is_meant_is_measured_and_the_report_says_so_on_top(steps: Path) -> None:
    status, output, errors = bench_here(
        "run", "/posts", "--a", "before/main.py", "--b", "no_load/main.py", "--unequal", *SHORT
    )
    assert (status, errors) == (0, "")
    assert "The sides do not answer alike, as --unequal allows" in " ".join(output.split())
    record = json.loads((steps / "r" / "run.json").read_text())
    assert record["unequal"] is True
    assert [each["what"] for each in record["differences"]] == ["status"]
    assert "as --unequal allows" in (steps / "r" / "report.html").read_text()


NODE = """
import os
from fastapi import FastAPI, Request
app = FastAPI()
@app.get("/x")
def x() -> dict[str, object]:
    return {{"node": {word!r}, "ids": {ids}}}
@app.get("/self/")
def itself(request: Request) -> str:
    return str(request.url_for("itself"))
@app.get("/who")
def who() -> dict[str, object]:
    return {{"pid": os.getpid(), "side": os.environ.get("SIDE", "")}}
"""
NODES = ("run", "/x", "/self/", "/self", "/who", "--a", "a.py", "--b")


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two apps that answer differently on purpose, name themselves, and say which process they are."""
    for name, word, ids in (("a", "one", [1, 2]), ("b", "two", [2, 1])):
        (tmp_path / f"{name}.py").write_text(NODE.format(word=word, ids=ids))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_differs_is_shown_and_what_another_start_changes_is_not(nodes: Path) -> None:
    status, output, _ = bench_here(*NODES, "b.py,env.SIDE=b", *SHORT)
    assert status == 3
    for shown in ("$.node", '"one"', '"two"', "$.ids[0]", "$.side"):
        assert shown in output
    for alike in ("$.pid", "/self"):
        assert alike not in output
    assert not (nodes / "r").exists()


def test_what_may_differ_is_declared_and_what_a_start_or_a_name_changes_need_not_be(nodes: Path) -> None:
    status, output, errors = bench_here(*NODES, "b.py", *SHORT, "--ignore", "$.node", "--unordered", "$.ids")
    assert (status, errors) == (0, ""), output
    status, _, errors = bench_here(*NODES, "b.py", *SHORT[:-1], "other", "--ignore", "$.[")
    assert status == 2
    assert "write a place of a JSON answer" in errors
    assert not (nodes / "other").exists()


EXPLORED = """
from fastapi import FastAPI
app = FastAPI()
@app.get("/posts")
def posts() -> list[int]:
    return [1]
@app.get("/posts/{{number}}")
def post(number: int) -> dict[str, int]:
    return {{"number": number {more}}}
@app.get("/fails")
def fails() -> int:
    return 1 // 0
@app.post("/posts")
def create() -> int:
    raise RuntimeError("nobody asked for this")
"""


@pytest.mark.slow
def test_what_nobody_thought_of_is_compared_too_where_that_is_wanted(steps: Path) -> None:
    for name, more in (("a", ""), ("b", ", 'more': 1")):
        (steps / f"{name}.py").write_text(EXPLORED.format(more=more))
    sides = ("run", "/posts", "--a", "a.py", "--b", "b.py", "--explore", "--explore-cases", "9", *SHORT)
    status, output, errors = bench_here(*sides)
    assert status == 3
    assert "the sides do not answer alike" in errors
    assert "GET /posts/1 (and " in output
    assert "$.more" in output
    assert "curl http://127.0.0.1:8000/posts/1\n" in output
    assert "both sides fail: GET /fails answers 500 (ZeroDivisionError" in output
    assert "nobody asked" not in output
    assert not (steps / ".hypothesis").exists()
    status, output, errors = bench_here(*sides, "--ignore", "$.more")
    assert (status, errors) == (0, "")
    report = (steps / "r" / "report.html").read_text()
    assert "GET /fails answers 500" in report
