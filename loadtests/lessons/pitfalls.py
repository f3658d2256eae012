"""Lessons about pitfalls: in apps (a blocked event loop, N + 1 queries, a deadlock) and in load generators."""

from datetime import date

from loadtests.lessons.deadlock_cure import CURE
from loadtests.lessons.io_and_cpu_bound import handlers
from loadtests.lessons.lesson import Code, Collapse, Lesson, Measure, Ratio

BLOCKED = Lesson(
    name="blocked_loop",
    title="The blocked loop",
    question="A handler waits with `time.sleep`, or with any other call that blocks. Does it matter where?",
    hypothesis="In `def` it does not. In `async def` the process serves one request at a time, and all others wait.",
    written=date(2026, 11, 25),
    code=handlers("/api/workloads/blocking"),
    measure=Measure(["blocking", "blocking_session"], users="8", time_s=1.6, slice_s=0.6),
    expects=(
        Ratio("Sleeping: async handles less than a fifth", "blocking", 8, high=0.2),
        Ratio("A synchronous session: async handles less than a fifth", "blocking_session", 8, high=0.2),
    ),
    why="The event loop is one thread. A call that blocks it blocks every request in the process, so one worker"
    " serves at most 1 ÷ (time blocked) requests per second. FastAPI runs `def` routes in threads to prevent exactly"
    " this. A synchronous library belongs in a `def` route. Here each call blocks for 20 ms, so the limit is 50"
    " requests per second.",
    next=(
        ('bench run "blocking[wait_ms=300]" --users 50 --a sync,workers=2 --b async,workers=2',
         "a published figure: 6.6 requests/s with two workers"),
        ("bench run blocking_client --users 8", "the same with a synchronous HTTP client"),
    ),
)  # fmt: skip
DEADLOCK = Lesson(
    name="deadlock",
    title="The deadlock of threads and connections",
    question="Forty threads share fifteen database connections. What happens with 128 users?",
    hypothesis="The sync build as tutorials write it stops answering. FastAPI's `max_concurrency`, available from 0.163"
    " on, cures it.",
    written=date(2026, 11, 25),
    code=(
        Code("as tutorials write it", "Db = Annotated[Session, Depends(get_db)]"),
        Code(
            "the fix: one alias for all routes",
            "Db = Annotated[\n    Session,\n    Depends(get_db, max_concurrency=15),\n]",
        ),
    ),
    measure=Measure(["get_post"], a="sync,session_limit=none", b="sync", users="128", time_s=1.0),
    expects=(
        Collapse(
            "Without a limit on sessions nothing is answered",
            "get_post",
            128,
            label="a",
            because="nothing was answered",
        ),
    ),
    why="All forty threads wait for one of fifteen connections. The fifteen requests that hold a connection wait"
    " for a thread, because FastAPI needs one to validate their result before it closes their session. Nothing moves"
    " until the pool times out after 30 s: “QueuePool limit of size 5 overflow 10 reached, connection timed out,"
    " timeout 30.00”. (With half as many users it happens only sometimes.) If no more requests are admitted than there"
    " are connections, no thread waits for a connection, so there are threads for the requests that hold one.",
    guide=CURE,
    next=(
        ("bench lesson pasted_limit", "the same limit, written into each route"),
        ("bench deadlock", "with how many users does it begin, and does a larger pool help?"),
        ("bench run get_post --a async,session_limit=none --b async --users 128", "does async deadlock?"),
    ),
)
PASTED_LIMIT = Lesson(
    name="pasted_limit",
    title="A limit in every route",
    question="`Depends(get_db, max_concurrency=15)` cures the deadlock. Does it also help if pasted into each route?",
    hypothesis="No. Each `Depends` object has a limit of its own, so eight routes admit 120 requests, and the app stops"
    " answering. One alias that all routes share admits 15.",
    written=date(2026, 11, 26),
    code=(
        Code(
            "pasted into each route",
            '@app.get("/posts")\ndef posts(\n    db: Annotated[\n        Session,\n'
            "        Depends(get_db, max_concurrency=15),\n    ],\n) -> list[PostOut]: ...\n\n\n"
            '@app.get("/users")\ndef users(\n    db: Annotated[\n        Session,\n'
            "        Depends(get_db, max_concurrency=15),\n    ],\n) -> list[UserOut]: ...",
        ),
        Code(
            "one alias",
            "Db = Annotated[\n    Session,\n    Depends(get_db, max_concurrency=15),\n]\n\n\n"
            '@app.get("/posts")\ndef posts(db: Db) -> list[PostOut]: ...\n\n\n'
            '@app.get("/users")\ndef users(db: Db) -> list[UserOut]: ...',
        ),
    ),
    measure=Measure(
        ["GET /posts /users /tags /likes /drafts /pages /files /dates"],
        a="loadtests.lessons.session_limits:pasted",
        b="loadtests.lessons.session_limits:shared",
        users="128",
        time_s=1.0,
    ),
    expects=(
        Collapse(
            "With a limit for each route nothing is answered",
            "GET /posts /users /tags /likes /drafts /pages /files /dates",
            128,
            label="a",
            because="nothing was answered",
        ),
    ),
    why="FastAPI keeps the limit with the `Depends` object, not with the function `get_db`. If each route writes its"
    " own `Depends`, each has its own object with its own limit. With r routes, r × 15 requests are admitted: 15 of"
    " them hold a connection, and the others wait for one, each in a thread. With four routes, up to 45 can wait, more"
    " than there are threads (40). An `Annotated` alias is one object, wherever it is used.",
    next=(("bench lesson deadlock", "why threads and connections wait for each other, and the whole cure"),),
)
N_PLUS_ONE = Lesson(
    name="n_plus_one",
    title="N + 1 queries",
    question="A list of posts shows each author. What does lazy loading cost?",
    hypothesis="It hides one query for each author, so throughput is lower. This has nothing to do with async.",
    written=date(2026, 11, 25),
    code=(
        Code("lazy", "posts = db.scalars(select(Post)).all()\n[post.author.username for post in posts]"),
        Code(
            "eager",
            "query = select(Post).options(\n    selectinload(Post.author)\n)\nposts = db.scalars(query).all()\n"
            "[post.author.username for post in posts]",
        ),
    ),
    measure=Measure(["list_posts"], a="sync,loading=lazy", b="sync", users="8"),
    expects=(Ratio("Eager loading handles more", "list_posts", 8, low=1.0),),
    why="Lazy loading queries each author when the code first accesses it; `selectinload` fetches all of them in"
    " one more query. Here 20 posts have four authors, so that is four more queries instead of one; with a"
    " hundred authors it is a hundred. Async SQLAlchemy forces eager loading, so a blog that is converted to"
    " async gets faster for a reason that has nothing to do with async. Use the same loading on both sides,"
    " then compare.",
    next=(
        (
            "bench run list_posts --a sync,loading=lazy --b async --users 8",
            "the unfair comparison that is often published",
        ),
        ("bench run list_posts --users 8", "the fair comparison: both load eagerly"),
    ),
)
MISSING_GREENLET = Lesson(
    name="missing_greenlet",
    title="MissingGreenlet",
    question="What happens when an async handler touches a relationship that was not loaded?",
    hypothesis="The sync build answers, with a query for each author. The async build refuses.",
    written=date(2026, 11, 25),
    code=handlers("/api/workloads/lazy"),
    measure=Measure(["lazy"], users="4", time_s=1.0),
    expects=(Collapse("async fails every request", "lazy", 4, label="b", because="not one good answer ("),),
    why="Lazy loading needs a query at a place where the code does not await. Async SQLAlchemy cannot wait there"
    " and raises MissingGreenlet. Load what you will access: with `selectinload` in the query, or with"
    " `refresh(attribute_names=…)` afterwards.",
    next=(("bench lesson n_plus_one", "what the sync build pays for answering"),),
)
SLOW_CLIENT = Lesson(
    name="slow_client",
    title="The slow client inside the app",
    question="Every guide says: use one shared httpx.AsyncClient. How well does that scale?",
    hypothesis="Its connection pool is slow with many calls in flight: async's best case becomes its worst.",
    written=date(2026, 11, 24),
    code=(
        Code("as every guide says", "client = httpx.AsyncClient(\n    limits=limits,\n)"),
        Code(
            "the same interface, another pool",
            "client = httpx.AsyncClient(\n    transport=AiohttpTransport(\n        limit=…,\n    ),\n)",
        ),
    ),
    measure=Measure(["external_api"], a="async,upstream_transport=httpcore", b="async", users="64"),
    expects=(Ratio("The other pool handles at least half as much again", "external_api", 64, low=1.5),),
    why="httpcore's pool scans all its connections whenever a request starts or ends, so its cost grows with the"
    " square of the calls in flight, all of it on the event loop. The route is still `async def` and the code"
    " is still correct, but it answers only a fraction of the requests that it could. Measure the client"
    " before you blame the build.",
    next=(
        ("bench run external_api --b async,upstream_transport=httpcore --users 64", "against `def`: who wins?"),
        ("bench lesson lying_client", "the same pool, in a load generator"),
    ),
)
MIXING = Lesson(
    name="mixing",
    title="def and async def in one app",
    question="May one app have both kinds of routes?",
    hypothesis="Yes: it handles at least as many requests as an app in which both routes are `def`.",
    written=date(2026, 11, 24),
    code=(
        Code(
            "a blocking library, in def",
            '@app.get("/blocking")\ndef blocking() -> str:\n    time.sleep(0.02)\n    return "done"',
        ),
        Code(
            "an async library, in async def",
            '@app.get("/waiting")\nasync def waiting() -> str:\n    await asyncio.sleep(0.05)\n    return "done"',
        ),
    ),
    measure=Measure(
        ["GET /blocking /waiting"],
        a="loadtests.lessons.apps:all_def",
        b="loadtests.lessons.apps:mixed",
        users="64",
    ),
    expects=(
        Ratio("The mixed app handles at least as much as one with `def` alone", "GET /blocking /waiting", 64, low=1.0),
    ),
    why="FastAPI decides for each route: `def` runs in a thread, `async def` on the event loop. Neither slows the"
    " other down, as long as no `async def` route blocks or computes for long. Here the route that waits"
    " leaves the threads to the route that blocks, so 64 users are no longer limited to 40 threads.",
    next=(("bench lesson blocked_loop", "the mix that fails: a blocking call in `async def`"),),
)
IN_APPS = (BLOCKED, DEADLOCK, PASTED_LIMIT, N_PLUS_ONE, MISSING_GREENLET, SLOW_CLIENT, MIXING)
LYING_CLIENT = Lesson(
    name="lying_client",
    title="The lying client",
    question="The same server, 64 users. Does it matter which program sends the requests?",
    hypothesis="httpx's own connection pool, shared by 64 users, is slower than the server it measures.",
    written=date(2026, 11, 24),
    code=(
        Code(
            "what is often written",
            "async with httpx.AsyncClient() as client:\n    async with asyncio.TaskGroup() as users:\n"
            "        for _ in range(64):\n            users.create_task(user(client))",
        ),
        Code(
            "what this harness does",
            "# idle connections are a stack: no search\nclient = Client(url, requests, log)\nasync with"
            " asyncio.TaskGroup() as users:\n    for _ in range(64):\n        users.create_task(user(client))",
        ),
    ),
    measure=Measure(["noop"], a="a shared httpx.AsyncClient", b="this harness", users="64", compares="clients"),
    expects=(Ratio("The harness sees at least three times as many answers", "noop", 64, low=3.0),),
    why="httpcore's pool scans all its connections for each request. With 64 of them the client is busy with its"
    " own bookkeeping, its core is full, and its figures describe itself. Any two servers measured this way"
    " look alike. This harness measures its own ceiling first, and gives no verdict near it.",
    next=(
        ("bench doctor", "how many requests per second can this machine's client send at most?"),
        ("bench validate --only drivers", "compare the driver with wrk and Locust"),
    ),
)
COORDINATED_OMISSION = Lesson(
    name="coordinated_omission",
    title="Coordinated omission",
    question="A server stops for a tenth of the time. What is the response time of its slowest 1 %?",
    hypothesis="An answer takes 20 ms, and every 3 s the server stops for 300 ms. At a fixed arrival rate (open loop)"
    " the slowest 1 % take nearly as long as a stop. With four users who wait for each answer (closed loop) they take"
    " about 20 ms, as if nothing had happened.",
    written=date(2026, 11, 24),
    code=(
        Code("a closed loop", "while True:\n    sent = now()\n    await ask()\n    record(now() - sent)"),
        Code(
            "an open loop",
            "for due in schedule:\n    await sleep_until(due)\n    create_task(ask_from(due))\n\n"
            "# in ask_from:\nawait ask()\nrecord(now() - due)",
        ),
    ),
    measure=Measure(["steady"], a="a closed loop", b="an open loop", rate="150", compares="loops"),
    expects=(
        Ratio("The open loop's slowest 1 % take at least five times as long", "steady", 150, low=5.0, metric="p99"),
    ),
    why="In a closed loop each of the four users has one request waiting during the stop and sends no other: each"
    " stop affects four requests among hundreds. Real visitors keep coming. An open loop sends requests on a"
    " schedule and measures each response from the moment it was due, so it includes all requests that"
    " arrived during the stop.",
    next=(
        ("bench run get_post --rate 200", "an open loop: the verdict is about the slowest 1 %"),
        ('bench capacity --slo p99=200ms --scenario get_post', "the highest arrival rate that meets an objective"),
    ),
)  # fmt: skip
IN_LOAD_GENERATORS = (LYING_CLIENT, COORDINATED_OMISSION)
