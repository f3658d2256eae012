"""The cure of the deadlock in one's own app: a part of the lesson's page, in Markdown, whose code is tested."""

CURE = """\
## The cure in your own app

### How to recognise it

Requests hang. After 30 s they fail with status 500, and the log says:

```text
sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached, connection timed out, timeout 30.00
(Background on this error at: https://sqlalche.me/e/21/3o7r)
```

The same error appears when queries are slow, or when sessions are never closed. In a deadlock the database is idle
while the requests hang: PostgreSQL's `pg_stat_activity` shows 15 connections as `idle in transaction`.

### Where 40 and 15 come from

- **40 threads** in each worker process are the default of AnyIO's limiter. `def` routes and `def` dependencies run in
  these threads; so do the validation of what a `def` route returns, uploads and static files. To change the number, set
  `current_default_thread_limiter().total_tokens` while the event loop runs, as in the lifespan below.
- **15 connections** of an engine, in each worker process, are the defaults of SQLAlchemy's pool: `pool_size=5`, and
  `max_overflow=10` beyond that. **30 s** is its `pool_timeout`, after which a request that waits for a connection
  fails. All three are arguments of `create_engine` and `create_async_engine`.

No change of these numbers cures the deadlock for certain. Requests that hold a connection can wait for a thread when
there are fewer threads than connections, and when there are more:
[the grid](../reading-charts.md#the-deadlock-grid-bench-deadlock) tries larger pools.
The cure is a limit: no more requests may ask for a session at once than the pool has connections.

### The whole of it

FastAPI 0.163.0 or later:

```python
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated

from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session, sessionmaker

THREADS = 40
POOL_SIZE, MAX_OVERFLOW = 5, 10

engine = create_engine("sqlite:///blog.db", pool_size=POOL_SIZE, max_overflow=MAX_OVERFLOW)
SessionLocal = sessionmaker(engine, expire_on_commit=False)


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    current_default_thread_limiter().total_tokens = THREADS
    yield
    engine.dispose()


def get_db() -> Iterator[Session]:
    with SessionLocal() as session:
        yield session


# The only Depends(get_db) in the app: every route and every dependency uses this alias.
Db = Annotated[Session, Depends(get_db, max_concurrency=POOL_SIZE + MAX_OVERFLOW)]

app = FastAPI(lifespan=lifespan)


@app.get("/one")
def one(db: Db) -> int:
    return db.scalars(text("SELECT 1")).one()
```

- **One alias, not one for each route.** FastAPI keeps the limit with the `Depends` object. Each new
  `Depends(get_db, max_concurrency=15)` lets in 15 more requests ([measured](pasted_limit.md)).
- **No plain `Depends(get_db)` beside it.** If `get_current_user` asks for one, it comes first and opens the session.
  The route is given the same session, and its limit is never asked.
- **Each worker process has its own threads, pool and limit.** Four workers open up to 60 connections. PostgreSQL allows
  100 by default (`max_connections`).
- Requests that wait for their turn occupy no thread, so routes without a session go on answering.

### Before FastAPI 0.163.0

`max_concurrency` was added in [0.163.0](https://github.com/fastapi/fastapi/releases/tag/0.163.0), in November 2026
([pull request 16746](https://github.com/fastapi/fastapi/pull/16746)). Older versions raise `TypeError: Depends() got an
unexpected keyword argument 'max_concurrency'`. There, let `get_db` depend on a semaphore. The dependency that waits for
it is `async def`, so that waiting occupies no thread:

```python
import asyncio

turns = asyncio.Semaphore(POOL_SIZE + MAX_OVERFLOW)


async def turn() -> AsyncIterator[None]:
    async with turns:
        yield


def get_db(_turn: Annotated[None, Depends(turn)]) -> Iterator[Session]:
    with SessionLocal() as session:
        yield session


Db = Annotated[Session, Depends(get_db)]
```

This limit belongs to the function `get_db`. It holds however many `Depends(get_db)` there are.

Or open the session in the route, and return plain data. The connection is given back in the thread that took it, before
FastAPI needs another one. No version of FastAPI can deadlock then:

```python
@app.get("/one")
def one() -> int:
    with SessionLocal() as session:
        return session.scalars(text("SELECT 1")).one()
```
"""
