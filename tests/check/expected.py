"""What is wrong with each of the made-up apps in `apps/`, and what has to be said about each of their routes.

Written from what the apps do, before anything judged them. Where more than one verdict is right, the best stands first.
"""

from tests.check.made_up_app import App, Place, Route, dependency, handler

HEALTH = Route("GET /health")
BLOCKS_AND_AWAITS_NOTHING = "It blocks the loop, and awaits nothing: in a thread it would block nobody."

FAULTS = (
    App(
        "deep_blocking_call",
        "a blocking call three functions below the handler",
        (
            Route(
                "GET /prices/tea",
                ("make-def",),
                BLOCKS_AND_AWAITS_NOTHING,
                handler("price_of_tea"),
                "blocks here",
                may_remark=("client",),
            ),
            HEALTH,
        ),
    ),
    App(
        "blocking_dependency",
        "a dependency that blocks",
        (
            Route(
                "GET /account",
                ("make-def",),
                "The dependency blocks and awaits nothing; the handler does neither.",
                dependency("current_plan"),
                "blocks here",
            ),
            Route("GET /plans"),
        ),
    ),
    App(
        "blocking_nested_dependency",
        "a router's dependency, whose own dependency blocks",
        (
            Route(
                "GET /v1/reports/today",
                ("make-def",),
                "`tenant` blocks; `allowed`, which the router names, is innocent.",
                dependency("tenant"),
                "blocks here",
            ),
            HEALTH,
        ),
    ),
    App(
        "blocking_class_dependency",
        "a dependency that is an object, whose `__call__` blocks",
        (
            Route(
                "GET /search",
                ("make-def",),
                "Its `__call__` blocks and awaits nothing.",
                dependency("Quota"),
                "blocks here",
            ),
            HEALTH,
        ),
    ),
    App(
        "blocking_base_middleware",
        "a `BaseHTTPMiddleware` that blocks",
        tuple(
            Route(
                route,
                ("move-out-of-loop",),
                "The middleware awaits the route, so that it can't be `def`; each route pays, a `def` one too.",
                (Place("middleware", "Audit"),),
                "blocks here",
                may_remark=("client", "middleware"),
                hops=hops,
            )
            for route, hops in (("GET /items", 0), ("GET /squares", 2))
        ),
    ),
    App(
        "blocking_asgi_middleware",
        "a plain ASGI middleware that blocks",
        (
            Route(
                "GET /items",
                ("move-out-of-loop",),
                "The middleware awaits the app, so that it can't be `def`.",
                (Place("middleware", "Throttle"),),
                "blocks here",
            ),
        ),
    ),
    App(
        "blocking_validator",
        "a pydantic validator that blocks",
        tuple(
            Route(
                route,
                ("move-out-of-loop",),
                "FastAPI validates what comes in on the loop, whatever the handler is: `def` would not help.",
                (Place("validator", "Address.exists"),),
                "blocks here",
                may_remark=("hop", "hops"),
                hops=hops,
                asked=f"{route}?postcode=8001",
            )
            for route, hops in (("GET /delivery", 0), ("GET /pickup", 2))
        ),
    ),
    App(
        "blocking_background_task",
        "a background task that is `async def`, and blocks",
        (
            Route(
                "GET /notified",
                ("make-def",),
                "The task blocks and awaits nothing, after the answer: others pay for it.",
                (Place("background", "notify"),),
                "blocks here",
            ),
            Route("GET /recorded", ("keep",), "The task is `def`: it has a thread, and nobody waits for it.", hops=1),
        ),
    ),
    App(
        "blocking_startup",
        "a lifespan that blocks",
        (
            Route(
                "GET /rate",
                ("keep",),
                "Nothing that a request pays for: worth a remark, no verdict.",
                (Place("startup", "lifespan"),),
                "blocks here",
                remark="startup",
            ),
        ),
    ),
    App(
        "requests_in_async",
        "`requests` in an `async def`",
        (
            Route("GET /weather", ("make-def",), BLOCKS_AND_AWAITS_NOTHING, handler("weather"), "blocks here"),
            HEALTH,
        ),
    ),
    App(
        "sync_client_in_async",
        "an `httpx.Client` in an `async def`",
        (
            Route("GET /weather", ("make-def",), BLOCKS_AND_AWAITS_NOTHING, handler("weather"), "blocks here"),
            Route("GET /cities"),
        ),
    ),
    App(
        "client_per_request",
        "a new `httpx.AsyncClient` for each request",
        (
            Route(
                "GET /weather",
                ("move-out-of-loop", "keep"),
                "Making one reads the certificates, tens of ms of CPU on the loop; the call itself is awaited.",
                handler("weather"),
                "blocks here",
                remark="client",
            ),
        ),
    ),
    App(
        "sync_session_in_async",
        "a SQLAlchemy `Session` in an `async def`",
        (
            Route(
                "GET /orders",
                ("make-def",),
                BLOCKS_AND_AWAITS_NOTHING,
                handler("orders"),
                "blocks here",
                may_remark=("hop", "hops", "pool"),
                hops=2,
                statements=1,
            ),
            HEALTH,
        ),
    ),
    App(
        "hop_for_nothing",
        "a `def` that only returns a dict",
        (
            Route(
                "GET /version",
                ("make-async", "keep"),
                "It neither waits nor computes: the thread costs more than the work.",
                handler("version"),
                remark="hop",
                may_remark=("hops",),
                hops=2,
            ),
            Route("GET /limits"),
        ),
    ),
    App(
        "password_hash_in_async",
        "an `async def` that hashes a password",
        (
            Route(
                "GET /unlock",
                ("make-def", "move-out-of-loop"),
                "scrypt lets go of the GIL, so that a thread is enough; nothing is awaited.",
                handler("unlock"),
                "blocks here",
                asked="GET /unlock?pin=2468",
            ),
            Route("GET /doors"),
        ),
    ),
    App(
        "sync_generator_streamed",
        "a plain generator as a stream",
        tuple(
            Route(
                route,
                ("make-async", "keep"),
                "A thread is taken for each line, and there is nothing to wait for.",
                (Place("stream", "powers"), *handler(name)),
                remark="hops",
                may_remark=("hop",),
                hops=hops,
            )
            for route, name, hops in (("GET /squares.csv", "squares", 101), ("GET /cubes.csv", "cubes", 102))
        ),
    ),
    App(
        "blocking_async_generator",
        "an `async def` generator that blocks, as a stream",
        (
            Route(
                "GET /progress",
                ("make-def", "move-out-of-loop"),
                "It blocks between its lines and awaits nothing: as a plain generator it would have threads.",
                (Place("stream", "progress"),),
                "blocks here",
            ),
            HEALTH,
        ),
    ),
    App(
        "def_dependency_under_async",
        "a `def` dependency under an `async def`",
        (
            Route(
                "GET /greeting",
                ("make-dependency-async",),
                "It only looks at a header: a hop for nothing.",
                dependency("language"),
                may_remark=("hop",),
                hops=1,
            ),
            HEALTH,
        ),
    ),
    App(
        "def_yield_dependency_under_async",
        "a `def` dependency with `yield` under an `async def`",
        (
            Route(
                "GET /items",
                ("make-dependency-async",),
                "It waits for nothing: one hop to enter, one to leave.",
                dependency("stopwatch"),
                may_remark=("hop", "hops"),
                hops=2,
            ),
        ),
    ),
    App(
        "lock_across_await",
        "a lock held across an `await`",
        (
            Route(
                "GET /stock",
                ("keep", "give-room"),
                "The loop is free and no thread is taken, but requests go through one by one.",
                handler("stock"),
                "queues here",
                remark="serialised",
            ),
            Route("GET /stock/free"),
        ),
    ),
    App(
        "pool_below_threads",
        "a pool smaller than the threads, and sessions without a limit",
        (
            Route(
                "GET /orders",
                ("give-room",),
                "15 connections for 40 threads: from 16 users on, threads wait for connections.",
                (*dependency("get_db"), *handler("orders")),
                may_remark=("hops", "pool"),
                hops=4,
                statements=1,
            ),
        ),
    ),
    App(
        "few_threads",
        "fewer threads than waiting users",
        (
            Route(
                "GET /weather",
                ("give-room", "make-async"),
                "It waits in one of four threads: 80 requests a second at most. More threads or none would help.",
                handler("weather"),
                "waits here",
                hops=2,
            ),
        ),
    ),
    App(
        "async_pool_of_one",
        "an `AsyncSession` with a pool of one connection",
        (
            Route(
                "GET /orders",
                ("give-room", "keep"),
                "Awaited as it should be, but there is one connection for all.",
                (*dependency("get_db"), *handler("orders")),
                remark="pool",
                may_remark=("serialised",),
                statements=1,
            ),
        ),
    ),
    App(
        "blocking_wrapper",
        "a decorator with `functools.wraps` that blocks",
        (
            Route(
                "GET /orders",
                ("move-out-of-loop",),
                "The wrapper blocks and then awaits the handler, so that `def` is not enough.",
                (*handler("orders"), *handler("audited")),
                "blocks here",
            ),
            Route("GET /items"),
        ),
    ),
    App(
        "big_file_in_async",
        "reading a big file in an `async def`",
        (
            Route("GET /sales/size", ("make-def",), BLOCKS_AND_AWAITS_NOTHING, handler("size"), "blocks here"),
            HEALTH,
        ),
    ),
    App(
        "sleep_in_async",
        "`time.sleep` in an `async def`",
        (
            Route("GET /slow", ("make-def",), BLOCKS_AND_AWAITS_NOTHING, handler("slow"), "blocks here"),
            Route("GET /patient"),
        ),
    ),
    App(
        "subprocess_in_async",
        "`subprocess.run` in an `async def`",
        (
            Route("GET /converted", ("make-def",), BLOCKS_AND_AWAITS_NOTHING, handler("converted"), "blocks here"),
            Route("GET /converted/awaited"),
        ),
    ),
    App(
        "many_short_calls",
        "ten short queries in an `async def`, one after another",
        (
            Route(
                "GET /basket",
                ("make-def",),
                "2 ms are little, ten times 2 ms are not; nothing is awaited.",
                handler("basket"),
                "blocks here",
            ),
            HEALTH,
        ),
    ),
    App(
        "cpu_in_async",
        "pure Python that computes in an `async def`",
        (
            Route(
                "GET /primes",
                ("make-def", "move-out-of-loop"),
                "In a thread it leaves the loop its turns, in a process the GIL too; nothing is awaited.",
                handler("primes"),
                "blocks here",
            ),
            Route("GET /primes/in-a-thread", ("keep",), "Computing belongs in a thread.", hops=2),
        ),
    ),
    App(
        "big_json_in_async",
        "5,000 rows serialised to JSON on the event loop",
        (
            Route(
                "GET /sales",
                ("move-out-of-loop", "keep"),
                "Not the handler takes the time but its answer; under `def`, too, FastAPI serialises on the loop.",
                (Place("response", "sales"), *handler("sales")),
                remark="serialisation",
            ),
            Route("GET /sales/first"),
        ),
    ),
    App(
        "asyncio_run_in_def",
        "`asyncio.run` in a `def`",
        (
            Route(
                "GET /weather",
                ("make-async",),
                "A thread waits for a loop of its own, where the client is async already; the loop is not blocked.",
                handler("weather"),
                "waits here",
                may_remark=("client",),
                hops=2,
            ),
        ),
    ),
    App(
        "waits_in_thread",
        "a `def` that waits for another service",
        (
            Route(
                "GET /weather",
                ("make-async",),
                "80 ms of waiting hold a thread; with an async client they hold none.",
                handler("weather"),
                "waits here",
                hops=2,
            ),
            Route("GET /cities"),
        ),
    ),
    App(
        "blocks_and_awaits",
        "an `async def` that blocks and also awaits",
        (
            Route(
                "GET /trip",
                ("move-out-of-loop",),
                "What it awaits would take a thread if it were `def`: only the other call belongs in one.",
                handler("trip"),
                "blocks here",
            ),
        ),
    ),
    App(
        "future_result_in_async",
        "waiting for a thread's result in an `async def`",
        (
            Route(
                "GET /report",
                ("make-def",),
                BLOCKS_AND_AWAITS_NOTHING,
                handler("report"),
                "blocks here",
            ),
            Route("GET /report/awaited"),
        ),
    ),
    App(
        "blocking_endpoint_class",
        "a class-based Starlette endpoint that blocks",
        (
            Route("GET /report", ("make-def",), BLOCKS_AND_AWAITS_NOTHING, handler("Report.get"), "blocks here"),
            Route("GET /status"),
        ),
    ),
    App(
        "blocking_mounted_app",
        "a blocking route in a router of a mounted app",
        (
            Route(
                "GET /bank/rates/{currency}",
                ("make-def",),
                BLOCKS_AND_AWAITS_NOTHING,
                handler("rate"),
                "blocks here",
                asked="GET /bank/rates/chf",
            ),
            Route("GET /bank/rates"),
            HEALTH,
        ),
    ),
    App(
        "pass_through_middleware",
        "a `BaseHTTPMiddleware` where a plain ASGI middleware would do",
        (
            Route(
                "GET /items",
                ("keep",),
                "The route is right; each request pays for tasks and streams that a plain middleware does without.",
                (Place("middleware", "Version"),),
                remark="middleware",
            ),
        ),
    ),
)

CLEAN = (
    App("clean_async_client", "an async client, awaited", (Route("GET /weather"), Route("GET /trip"))),
    App(
        "clean_cpu_in_def",
        "`def` handlers that compute or read files",
        tuple(
            Route(route, ("keep",), "Work that would block the loop has a thread.", hops=2)
            for route in ("GET /hash", "GET /primes", "GET /modules")
        ),
    ),
    App(
        "clean_sqlite_in_def",
        "`def` handlers with short queries",
        tuple(
            Route(route, ("keep",), "Too short to be worth an async driver, and rightly in a thread.", hops=4)
            for route in ("GET /items", "GET /items/count")
        ),
    ),
    App(
        "clean_session_with_limit",
        "`def` handlers with a `Session`, and a limit as large as the pool",
        tuple(
            Route(route, ("keep",), "Short queries, and no thread waits for a connection.", hops=4, statements=1)
            for route in ("GET /items", "GET /items/count")
        ),
    ),
    App(
        "clean_async_session",
        "an `AsyncSession`, awaited",
        (Route("GET /items", statements=1), Route("GET /items/count", statements=1)),
    ),
    App(
        "clean_run_in_threadpool",
        "an `async def` that moves blocking work to a thread",
        tuple(
            Route(route, ("keep",), "What blocks has a thread already.", hops=hops)
            for route, hops in (("GET /weather", 1), ("GET /hash", 0), ("GET /forecast", 1))
        ),
    ),
    App(
        "clean_async_sleep",
        "waiting with `await`, and a lock that is not held meanwhile",
        (Route("GET /sleep"), Route("GET /event"), Route("GET /counted")),
    ),
    App("clean_async_dependency", "`async def` dependencies", (Route("GET /basket"),)),
    App(
        "clean_routers_and_mounts",
        "routers, prefixes, a mounted app, path parameters",
        (Route("GET /v1/items/{number}", asked="GET /v1/items/1"), Route("GET /v1/items"), Route("GET /admin/users")),
    ),
    App("clean_websocket_and_static", "a WebSocket, static files, a page", (Route("GET /"),)),
    App("clean_async_stream", "`async def` generators that await", (Route("GET /progress"), Route("GET /events"))),
    App("clean_endpoint_class", "class-based Starlette endpoints", (Route("GET /"), Route("GET /v1/orders"))),
    App(
        "clean_lifespan_state",
        "a lifespan, a plain ASGI middleware, a `def` background task",
        (Route("GET /items", hops=1),),
    ),
    App(
        "clean_wrapper",
        "decorators with `functools.wraps` that block nothing",
        (Route("GET /orders"), Route("GET /hash", ("keep",), "Computing belongs in a thread.", hops=2)),
    ),
    App(
        "slow_first_call",
        "an app of which only the first call is slow",
        (
            Route(
                "GET /predict",
                ("keep",),
                "It blocks once in the life of a process: no request after the first pays for it.",
                handler("predict"),
                "blocks here",
                may_remark=("first-call",),
            ),
        ),
    ),
)

NOT_MEASURED = (
    App(
        "needs_log_in",
        "a route that requires a token",
        (
            Route(
                "GET /me", (), "It answers 401: without a token nothing is known of it.", status=401, reason="log-in"
            ),
            Route("GET /open"),
        ),
    ),
    App(
        "never_ends",
        "an endless stream, and a route that never answers",
        (
            Route("GET /clock", ("keep",), "Its answer never ends: it is left after a while.", reason="never-ends"),
            Route("GET /silent", (), "It never answers.", reason="no-answer"),
            HEALTH,
        ),
    ),
    App(
        "crashes",
        "a route that raises an exception, and one that ends the process",
        (
            Route("GET /bug", (), "It answers 500.", status=500, reason="error"),
            Route("GET /exit", (), "The process ends; the app is started again for the rest.", reason="process-ended"),
            HEALTH,
        ),
    ),
    App(
        "existing_ids",
        "a route that needs an existing id",
        (
            Route("GET /orders"),
            Route(
                "GET /orders/{order_id}",
                ("keep",),
                "A guessed id gets 404, which says nothing of the route; with an id of `/orders` it is fine.",
                asked="GET /orders/6f1c2f0e-9a51-4d0e-8a35-3c9f3d1f7b11",
                reason="not-found",
            ),
        ),
    ),
    App(
        "writes",
        "routes that write",
        (
            Route(
                "POST /orders",
                ("make-def",),
                "Not asked unless that is allowed; then it blocks and awaits nothing.",
                handler("place"),
                "blocks here",
                body=(("item", "tea"),),
                status=201,
                reason="writes",
            ),
            Route("DELETE /orders", ("keep",), "Not asked unless that is allowed.", status=204, reason="writes"),
            Route("GET /written"),
        ),
    ),
)
CANNOT_START = App("cannot_start", "a lifespan that fails", ())
"""One sentence with what its log says, and no table."""

EVERY_APP = (*FAULTS, *CLEAN, *NOT_MEASURED)
