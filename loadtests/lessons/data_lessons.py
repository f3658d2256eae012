"""Lessons about data: how much there is, how often it is queried, and which database holds it."""

from datetime import date

from loadtests.lessons.io_and_cpu_bound import handlers
from loadtests.lessons.lesson import Code, Collapse, Lesson, Measure, Ratio

WRITTEN = date(2026, 11, 26)
MANY_AUTHORS = "seed_users=101,seed_posts=100"
MANY_ROWS = "seed_posts=5000"
APPS = "loadtests.lessons.after_commit"

AUTHOR_EACH = Lesson(
    name="an_author_each",
    title="N + 1 queries with an author for each post",
    question="What does lazy loading cost if a hundred posts have a hundred authors?",
    hypothesis="A hundred more queries for each answer, so less than half of the throughput.",
    written=WRITTEN,
    code=(
        Code("lazy", "posts = db.scalars(select(Post)).all()\n[post.author.username for post in posts]"),
        Code(
            "eager",
            "query = select(Post).options(\n    selectinload(Post.author)\n)\nposts = db.scalars(query).all()\n"
            "[post.author.username for post in posts]",
        ),
    ),
    measure=Measure(["list_posts"], a=f"sync,{MANY_AUTHORS},loading=lazy", b=f"sync,{MANY_AUTHORS}", users="8"),
    expects=(Ratio("Eager loading handles at least twice as much", "list_posts", 8, low=2.0),),
    why="The session remembers each author that it has loaded, so lazy loading costs a query for each author, not for"
    " each post. With four authors the cost is small. It is easy to overlook during development, when there is little"
    " data. With a hundred authors one answer takes 101 statements. With `selectinload` it takes two, for up to 500"
    " authors.",
    next=(
        ("bench lesson n_plus_one", "the same with four authors: why nobody notices"),
        (
            f"bench run list_posts --a sync,{MANY_AUTHORS},loading=lazy --b async,{MANY_AUTHORS} --users 8",
            "a comparison that gives async the credit for eager loading",
        ),
    ),
)
MANY_ROWS_LESSON = Lesson(
    name="many_rows",
    title="Answers of 5,000 rows",
    question="A route answers with 5,000 posts. Does async help it?",
    hypothesis="No. Nearly all of the time goes into turning rows into objects and JSON. That is CPU work in both"
    " builds, so they are alike within 25 %.",
    written=WRITTEN,
    code=handlers("/api/posts"),
    measure=Measure(
        ["list_posts"], a=f"sync,{MANY_ROWS}", b=f"async,{MANY_ROWS}", users="2", time_s=4.0, slice_s=1.5
    ),
    expects=(Ratio("The sides are alike within 25 %", "list_posts", 2, low=0.8, high=1.25),),
    why="The database returns the rows quickly. Then SQLAlchemy makes an object of each row, Pydantic validates it,"
    " and FastAPI writes 2 MB of JSON. All of this is computing, and a core can do it for only a few answers a second."
    " What async saves in waiting hardly matters beside it. The computing also delays all other requests: in async it"
    " blocks the event loop, in sync it holds the GIL. Paginate the list, or send fewer fields. This route has no"
    " limit, so it answers with every post.",
    next=(
        ("bench run list_posts --users 8", "answers of 20 rows"),
        (f"bench run list_posts --a sync,{MANY_ROWS} --b sync,{MANY_ROWS},workers=2 --users 4", "more processes help"
         " if there are cores for them"),
    ),
)  # fmt: skip
AFTER_COMMIT = Lesson(
    name="after_commit",
    title="After the commit",
    question="A route writes a post and answers with it and its author. What happens with `expire_on_commit=True`?",
    hypothesis="In sync it works, but it takes two more statements and is slower. In async it fails: MissingGreenlet.",
    written=WRITTEN,
    code=(
        Code(
            "expired: SQLAlchemy's default",
            "with Session(engine) as db:\n    author = db.get_one(User, 1)\n    post = Post(title=title,"
            " user_id=author.id)\n    db.add(post)\n    db.commit()\n    # SELECT post; SELECT author\n"
            "    return PostResponse.model_validate(post)",
        ),
        Code(
            "kept: as in the builds",
            "with Session(engine, expire_on_commit=False) as db:\n    author = db.get_one(User, 1)\n    post ="
            " Post(title=title, author=author)\n    db.add(post)\n    db.commit()\n    # nothing to load\n"
            "    return PostResponse.model_validate(post)",
        ),
    ),
    measure=Measure(["POST /sync", "POST /async"], a=f"{APPS}:expired", b=f"{APPS}:kept", users="1"),
    expects=(
        Ratio("In sync the app handles more if objects do not expire", "POST /sync", 1, low=1.0),
        Collapse("In async every request fails if objects expire", "POST /async", 1, "a", "not one good answer ("),
    ),
    why="By default a commit expires all objects of the session: the next access to an attribute reads the row again."
    " Here a request then takes four statements instead of two: it reads the author, inserts the post, and reads both"
    " again. Async SQLAlchemy can't run a query in the middle of an attribute access, so it raises MissingGreenlet."
    " With `expire_on_commit=False` objects keep their values. These may be out of date if another transaction"
    " changes the row. That does not matter to a request that is about to answer.",
    next=(
        ("bench lesson refresh_author", "the tutorial's way: `refresh` with attribute_names"),
        ("bench lesson missing_greenlet", "the same error when a route reads"),
    ),
)
REFRESH_AUTHOR = Lesson(
    name="refresh_author",
    title="refresh(attribute_names=…), or the author that is already loaded",
    question="After the commit the tutorial loads the author with `refresh(post, attribute_names=[\"author\"])`. What"
    " does that cost?",
    hypothesis="One more statement for each request, in both builds: a few percent.",
    written=WRITTEN,
    code=(
        Code(
            "refreshed: as the tutorial's chapter writes it",
            "author = await db.get_one(User, 1)\npost = Post(title=title, user_id=author.id)\ndb.add(post)\nawait"
            " db.commit()\nawait db.refresh(\n    post, attribute_names=[\"author\"]\n)\nreturn post",
        ),
        Code(
            "kept: as in the builds",
            "author = await db.get_one(User, 1)\npost = Post(title=title, author=author)\ndb.add(post)\nawait"
            " db.commit()\nreturn post",
        ),
    ),
    measure=Measure(["POST /sync", "POST /async"], a=f"{APPS}:refreshed", b=f"{APPS}:kept", users="1"),
    expects=(
        Ratio("Sync: the app handles more with the loaded author", "POST /sync", 1, low=1.0),
        Ratio("Async: the app handles more with the loaded author", "POST /async", 1, low=1.0),
    ),
    why="The route has already read the author, to check that it exists. If the post gets that object, nothing is"
    " left to load after the commit: two statements. `refresh` begins a new transaction and reads the post's row"
    " again: three statements. It reads the author a second time only if the route keeps no reference to it, because a"
    " session holds its objects weakly. If nothing has read the author before, use `refresh`; in async either `refresh`"
    " or `selectinload` is necessary.",
    next=(("bench lesson after_commit", "with neither of them, and with SQLAlchemy's default"),),
)  # fmt: skip
ON_POSTGRES = ("get_post", "list_posts", "query")
POSTGRES = Lesson(
    name="postgres",
    title="PostgreSQL, one driver for both",
    question="With SQLite, async is slower than sync on `get_post`, because its driver is a thread. What changes with"
    " PostgreSQL and psycopg, which has real async I/O?",
    hypothesis="On `get_post` and `list_posts`, async handles at least three quarters of what sync handles. On `query`"
    " the pool of connections still limits both: they are alike within 10 %.",
    written=WRITTEN,
    code=handlers("/api/posts/{post_id}"),
    measure=Measure(ON_POSTGRES, users="32", database="postgres"),
    expects=(
        Ratio("get_post: async handles at least three quarters", "get_post", 32, low=0.75),
        Ratio("list_posts: async handles at least three quarters", "list_posts", 32, low=0.75),
        Ratio("query: alike within 10 %", "query", 32, low=0.9, high=1.1),
    ),
    why="psycopg waits on a socket, so the async build needs no thread for it. The remaining cost is CPU time:"
    " async SQLAlchemy switches to a greenlet and back for each call, and sync needs a thread for each request."
    " PostgreSQL runs beside the load driver, not on the server's cores, and SQLite inside the server. So with"
    " PostgreSQL a request spends more of its time waiting. The pool of connections limits both builds in the same"
    " way.",
    next=(
        ("bench lesson asyncpg", "a driver that is written for asyncio"),
        ("bench run get_post list_posts query --users 32", "the same on SQLite"),
        ("uv run --extra postgres bench run count --database postgres --users 50", "a query that returns one number"),
    ),
)
ASYNCPG = Lesson(
    name="asyncpg",
    title="PostgreSQL: psycopg in sync, asyncpg in async",
    question="Tutorials recommend asyncpg for PostgreSQL. How does async with asyncpg compare with sync with psycopg?",
    hypothesis="asyncpg needs less CPU time than psycopg, so async handles at least as much as sync on `get_post`. On"
    " `query` both are still alike within 10 %.",
    written=WRITTEN,
    code=(
        Code("sync_app", 'create_engine("postgresql+psycopg://…")'),
        Code("async_app", 'create_async_engine("postgresql+asyncpg://…")'),
    ),
    measure=Measure(ON_POSTGRES, b="async,database_driver=asyncpg", users="32", database="postgres"),
    expects=(
        Ratio("get_post: async handles at least as much", "get_post", 32, low=1.0),
        Ratio("query: alike within 10 %", "query", 32, low=0.9, high=1.1),
    ),
    why="asyncpg speaks PostgreSQL's binary protocol in compiled code and keeps prepared statements. That is a"
    " property of the driver, not of async, so part of the difference is asyncpg against psycopg. To see the effect of"
    " async alone, use psycopg on both sides.",
    next=(
        ("bench lesson postgres", "psycopg on both sides"),
        ("uv run --extra postgres bench run get_post --database postgres --a async --b async,database_driver=asyncpg"
         " --users 32", "the driver alone"),
    ),
)  # fmt: skip
LESSONS_ON_DATA = (AUTHOR_EACH, MANY_ROWS_LESSON, AFTER_COMMIT, REFRESH_AUTHOR, POSTGRES, ASYNCPG)
