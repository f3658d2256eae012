"""Writing posts as the tutorial's chapter does gets the builds' answers, with more statements: as many as docs say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from shared.models import Post, User
from shared.schemas import PostCreate, PostResponse, PostUpdate
from tests.contract.in_process import in_process
from tests.contract.test_statements import recorded

PAGE = (Path(__file__).parents[2] / "docs" / "tutorial.md").read_text(encoding="utf-8")
FUNCTIONS = ("create_post", "update_post_full", "update_post_partial")
NEW = {"title": "x", "content": "y", "user_id": 1}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/posts", NEW),
    ("PUT", "/api/posts/21", NEW | {"title": "other", "user_id": 2}),
    ("PATCH", "/api/posts/21", {"title": "third"}),
]


def chapter_of(database: Path) -> FastAPI:
    """Return an app with the chapter's three routes that write a post, on a database that exists."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
    sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await engine.dispose()

    async def get_db() -> AsyncIterator[AsyncSession]:
        async with sessions() as session:
            yield session

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/posts", response_model=PostResponse, status_code=201)
    async def create_post(post: PostCreate, db: Annotated[AsyncSession, Depends(get_db)]) -> Post:
        result = await db.execute(select(User).where(User.id == post.user_id))
        if result.scalars().first() is None:
            raise HTTPException(404, "User not found")
        new_post = Post(title=post.title, content=post.content, user_id=post.user_id)
        db.add(new_post)
        await db.commit()
        await db.refresh(new_post, attribute_names=["author"])
        return new_post

    @app.put("/api/posts/{post_id}", response_model=PostResponse)
    async def update_post_full(post_id: int, new: PostCreate, db: Annotated[AsyncSession, Depends(get_db)]) -> Post:
        result = await db.execute(select(Post).where(Post.id == post_id))
        post = result.scalars().one()
        if new.user_id != post.user_id:
            result_of_user = await db.execute(select(User).where(User.id == new.user_id))
            if result_of_user.scalars().first() is None:
                raise HTTPException(404, "User not found")
        post.title, post.content, post.user_id = new.title, new.content, new.user_id
        await db.commit()
        await db.refresh(post, attribute_names=["author"])
        return post

    @app.patch("/api/posts/{post_id}", response_model=PostResponse)
    async def update_post_partial(post_id: int, new: PostUpdate, db: Annotated[AsyncSession, Depends(get_db)]) -> Post:
        result = await db.execute(select(Post).where(Post.id == post_id))
        post = result.scalars().one()
        for field, value in new.model_dump().items():
            setattr(post, field, value)
        await db.commit()
        await db.refresh(post, attribute_names=["author"])
        return post

    return app


async def answers_and_statements(client: httpx.AsyncClient) -> tuple[list[Any], list[list[str]]]:
    """Return what each request is answered, without its date, and the statements that it executes."""
    answers, statements = [], []
    for method, url, body in REQUESTS:
        with recorded() as executed:
            answer = await client.request(method, url, json=body)
        answers.append((answer.status_code, {**answer.json(), "date_posted": ""}))
        statements.append([statement.split()[0] for statement in executed])
    return answers, statements


def test_refresh_gets_the_same_answers_with_more_statements(
    tmp_path: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table in docs/tutorial.md says how many."""

    async def both() -> tuple[Any, Any]:
        folder = tmp_path / "chapter"
        folder.mkdir()
        async with in_process("async", folder, slow_api, monkeypatch):
            pass  # creates and fills the database
        chapter = chapter_of(folder / "async.db")
        async with (
            chapter.router.lifespan_context(chapter),
            httpx.AsyncClient(transport=httpx.ASGITransport(chapter), base_url="http://chapter") as client,
        ):
            as_in_chapter = await answers_and_statements(client)
        async with in_process("async", tmp_path, slow_api, monkeypatch) as client:
            return as_in_chapter, await answers_and_statements(client)

    (answers, in_chapter), (same_answers, in_build) = asyncio.run(both())
    assert answers == same_answers
    assert [status for status, _ in answers] == [201, 200, 200]
    for function, chapter, build in zip(FUNCTIONS, in_chapter, in_build, strict=True):
        assert f"| `{function}` | {len(build)} | {len(chapter)} |" in PAGE
        assert chapter[-2:] == ["SELECT", "SELECT"]  # refresh
