"""Checks that never happened, in the shapes that real ones take; for looking at outputs, and testing them."""

from collections.abc import Sequence
from hashlib import sha256
from itertools import product
from typing import Any

from loadtests.check.record import Check, Finding, Gain, Part, Place, Problem, RouteCheck, Site, Verdict

VERSIONS = {"Python": "3.11.7", "fastapi": "0.165.0", "starlette": "1.0.2", "sqlalchemy": "2.1.9"}
USERS = 64
CODE: dict[str, tuple[str, str]] = {
    "blocking": (
        '@router.get("/blocking")\nasync def blocking(wait_ms: WaitMs = 50) -> Waited:\n'
        "    time.sleep(wait_ms / 1000)\n    return Waited(wait_ms=wait_ms)\n",
        '@router.get("/blocking")\ndef blocking(wait_ms: WaitMs = 50) -> Waited:\n'
        "    time.sleep(wait_ms / 1000)\n    return Waited(wait_ms=wait_ms)\n",
    ),
    "upstream": (
        '@router.get("/upstream", responses=BAD_GATEWAY)\n'
        'def upstream(request: Request, wait_ms: WaitMs = 50, calls: Calls = 1, mode: Mode = "native") -> Fetched:\n'
        '    """Call the slow external API: one call after another, or each in a thread."""\n'
        "    api = request.state.upstream\n"
        '    fetch = api.fetch_in_threads if mode == "threads" else api.fetch_all\n'
        "    return Fetched(calls=calls, waited_ms=fetch(wait_ms, calls))\n",
        '@router.get("/upstream", responses=BAD_GATEWAY)\n'
        "async def upstream(\n"
        '    request: Request, wait_ms: WaitMs = 50, calls: Calls = 1, mode: Mode = "native"\n'
        ") -> Fetched:\n"
        '    """Call the slow external API: one call after another, or each in a thread."""\n'
        "    api = request.state.upstream\n"
        '    fetch = api.fetch_in_threads if mode == "threads" else api.fetch_all\n'
        "    return Fetched(calls=calls, waited_ms=await fetch(wait_ms, calls))\n",
    ),
}


def fingerprint(*words: str) -> str:
    """Return what tells a finding from others."""
    return sha256("\n".join(words).encode()).hexdigest()[:16]


def finding(
    problem: Problem,
    name: str,
    seconds: float,
    site: Site | None = None,
    *,
    route: str = "",
    place: Place = "handler",
    sentence: str = "",
) -> Finding:
    """Make up a remark, which ``route`` turns into what its verdict rests on."""
    call = site.call if site else ""
    function = site.function if site else ""
    return Finding(
        problem=problem,
        verdict="keep",
        place=place,
        name=name,
        seconds=seconds,
        site=site,
        fingerprint=fingerprint(route, problem, place, name, function, call),
        sentence=sentence or f"{call or name} takes {1000 * seconds:g} ms of each request",
    )


def gain(ratio: float, *, now_rps: float = 20.0, limits: tuple[str, str] = ("loop", "threads")) -> Gain:
    """Make up what a change would bring, within 15 % either way."""
    low, high = 0.85 * ratio, 1.15 * ratio
    then = now_rps * ratio
    return Gain(
        users=USERS,
        now_rps=now_rps,
        then_rps=then,
        ratio=ratio,
        low=low,
        high=high,
        limit_now=limits[0],
        limit_then=limits[1],
    )


def route(
    method: str,
    path: str,
    name: str,
    verdict: Verdict = "keep",
    *findings: Finding,
    remarks: Sequence[Finding] = (),
    file: str = "main.py",
    line: int = 10,
    is_async: bool | None = True,
    **more: Any,
) -> RouteCheck:
    """Make up a route with a handler at a line; its verdict rests on the findings, not on the remarks."""
    site = Site(file=file, line=line, function=name.rpartition(".")[2])
    handler = Part(
        place="handler", name=name, is_async=bool(is_async), runs_on="loop" if is_async else "thread", site=site
    )
    found = (*(each.model_copy(update={"verdict": verdict}) for each in findings), *remarks)
    values = {
        "parts": (handler,),
        "hops": int(not is_async),
        "cpu_s": 0.0012,
        "wait_s": 0.0003,
        "asked": 20,
        "site": site,
        **more,
    }
    return RouteCheck(method=method, path=path, name=name, is_async=is_async, verdict=verdict, findings=found, **values)


def check(routes: Sequence[RouteCheck], app: str = "main:app", folder: str = ".", **more: object) -> Check:
    """Make up a check of some routes."""
    values = {"users": USERS, "threads": 40, "connections": 15, "versions": VERSIONS, **more}
    return Check(app=app, folder=folder, routes=tuple(routes), **values)


def _blog_route(
    build: str, name: str, line: int, *findings: Finding, verdict: Verdict = "keep", **more: Any
) -> RouteCheck:
    file = f"{build}_app/routers/workloads.py"
    handler = f"{build}_app.routers.workloads.{name}"
    path = f"/{name.rstrip('_').replace('_', '-')}"
    return route("GET", path, handler, verdict, *findings, file=file, line=line, is_async=build == "async", **more)


def _pitfall(name: str, line: int, call: str, ratio: float, *, proved: bool = False) -> RouteCheck:
    file = "async_app/routers/workloads.py"
    handler = f"async_app.routers.workloads.{name}"
    site = Site(file=file, line=line, function=name, call=call)
    found = finding("blocks-by-waiting", handler, 0.0502, site, route=f"GET /{name}")
    brought = gain(ratio)
    if proved:
        brought = brought.model_copy(
            update={"proved": (0.97 * ratio, 0.93 * ratio, 1.01 * ratio), "proof_run": "results/check-blocking"}
        )
    now, then = CODE.get(name, CODE["blocking"])
    return _blog_route(
        "async",
        name,
        line - 3,
        found,
        verdict="make-def",
        gain=brought,
        loop_longest_s=0.0503,
        wait_s=0.0502,
        advice="It awaits nothing: write def, and FastAPI runs it in a thread",
        code_now=now,
        code_then=then,
        change="endpoint=def",
    )


def async_blog() -> Check:
    """Return the blog's async build: three pitfalls, of which one is proved, and one route that can't be judged."""
    keep = [
        _blog_route("async", name, 36 + 8 * n, statements=int(name == "query"))
        for n, name in enumerate(["noop", "query", "upstream", "file", "hash_", "thumbnail", "crunch", "mixed"])
    ]
    return check(
        [
            _pitfall("blocking", 104, "time.sleep", 12.1, proved=True),
            _pitfall("blocking_session", 111, "sqlalchemy.orm.Session.execute", 7.4),
            _pitfall("blocking_client", 118, "httpx.Client.get", 11.8),
            *keep,
            _blog_route(
                "async", "lazy", 122, verdict="not-known", note="it answered 409 Conflict to all 3 requests", asked=0
            ),
        ],
        app="async_app.main:app",
    )


def sync_blog() -> Check:
    """Return the blog's sync build: calls that wait in threads, a pool that limits, and computing that stays."""
    file = "sync_app/routers/workloads.py"
    call = Site(file="sync_app/upstream.py", line=31, function="Upstream.fetch", call="httpx.Client.get")
    waits = finding(
        "waits-in-thread",
        "sync_app.routers.workloads.upstream",
        0.0513,
        call,
        route="GET /upstream",
        sentence="httpx.Client.get waits for 51.3 ms, and holds one of 40 threads for it",
    )
    pool = finding(
        "pool-below-threads",
        "sync_app.database.get_db",
        0.0508,
        Site(file="sync_app/database.py", line=40, function="get_db"),
        route="GET /query",
        place="dependency",
        sentence="40 threads share 15 connections, and each request holds one for 50.8 ms",
    )
    upstream = _blog_route(
        "sync",
        "upstream",
        47,
        waits,
        verdict="make-async",
        gain=gain(2.07, now_rps=727, limits=("threads", "cpu")),
        wait_s=0.0513,
        advice="Await an async client, httpx.AsyncClient, and write async def",
        code_now=CODE["upstream"][0],
        code_then=CODE["upstream"][1],
    )
    query = _blog_route(
        "sync", "query", 40, pool, verdict="give-room", gain=gain(1.0, now_rps=290, limits=("connections", "threads")),
        wait_s=0.0508, statements=1, advice="Enlarge the pool: pool_size and max_overflow of create_engine",
    )  # fmt: skip
    keep = [
        _blog_route("sync", name, 55 + 8 * n, cpu_s=0.002)
        for n, name in enumerate(["noop", "file", "hash_", "thumbnail", "crunch", "mixed", "blocking"])
    ]
    assert file == upstream.site.file if upstream.site else False
    return check([upstream, query, *keep], app="sync_app.main:app")


def shop() -> Check:
    """Return an app of 40 routes in a folder of its own: shared faults, a remark, notes, something in startup."""
    auth = Site(file="shop/auth.py", line=21, function="get_current_user", call="")
    timing = Site(file="shop/middleware.py", line=14, function="Timing.dispatch", call="requests.post")
    nouns = ("orders", "items", "customers", "invoices", "carts", "reviews", "coupons", "stock")
    verbs = (("GET", ""), ("GET", "/{id}"), ("POST", ""), ("PUT", "/{id}"), ("DELETE", "/{id}"))
    routes: list[RouteCheck] = []
    for number, (noun, (method, tail)) in enumerate(product(nouns, verbs)):
        path = f"/api/v1/{noun}{tail}"
        name = f"shop.routers.{noun}.{method.lower()}_{noun}{'_one' if tail else ''}"
        at = f"{method} {path}"
        file = f"shop/routers/{noun}.py"
        if method in ("PUT", "DELETE"):
            routes.append(
                route(method, path, name, "not-known", file=file, asked=0,
                      note="it writes, and was not asked: --allow-writes")
            )  # fmt: skip
        elif noun in ("orders", "invoices"):
            found = finding("blocks-by-waiting", "shop.middleware.Timing", 0.031, timing, route=at, place="middleware")
            routes.append(
                route(method, path, name, "move-out-of-loop", found, file=file, gain=gain(5.0 - number / 40),
                      loop_longest_s=0.031, advice="Post the figures from a task, with an async client")
            )  # fmt: skip
        elif noun in ("customers", "carts", "reviews"):
            found = finding("hop-for-nothing", "shop.auth.get_current_user", 0.00021, auth, route=at,
                            place="dependency")  # fmt: skip
            routes.append(
                route(method, path, name, "make-dependency-async", found, file=file, hops=2,
                      gain=gain(1.4 - number / 400), advice="Write async def get_current_user: it only reads a header",
                      code_now="def get_current_user(request: Request) -> User:\n    return request.state.user\n",
                      code_then="async def get_current_user(request: Request) -> User:\n"
                      "    return request.state.user\n",
                      change="dependency=inline")
            )  # fmt: skip
        elif noun == "stock":
            found = finding("blocks-by-computing", name, 0.0041, Site(file=file, line=60, function="count"), route=at)
            routes.append(route(method, path, name, "keep", found, file=file, cpu_s=0.0041))
        else:
            routes.append(route(method, path, name, file=file, statements=number % 3))
    order = {"move-out-of-loop": 0, "make-dependency-async": 1, "keep": 2, "not-known": 3}
    startup = finding(
        "blocks-by-waiting", "shop.main.lifespan", 2.4, Site(file="shop/main.py", line=30, function="lifespan",
        call="requests.get"), place="other", sentence="requests.get blocks the start of the app for 2.40 s",
    )  # fmt: skip
    return check(
        sorted(routes, key=lambda each: order[each.verdict]),
        app="shop.main:app,dir=services/shop",
        folder="services/shop",
        startup=(startup,),
        notes=("16 routes write and were not asked", "the app logs in with a bearer token that was not given"),
    )


def long_names() -> Check:
    """Return routes whose names and files fit into no column."""
    file = "src/enterprise_resource_planning/presentation/http/controllers/procurement_order_controller.py"
    name = "enterprise_resource_planning.presentation.http.controllers.ProcurementOrderController.reconcile_all"
    path = "/api/v1/organisations/{organisation_id}/procurement-orders/{procurement_order_id}/reconciliations"
    call = "enterprise_resource_planning.infrastructure.clients.LegacySynchronousClient.fetch_everything"
    site = Site(file=file, line=1234, function="ProcurementOrderController.reconcile_all", call=call)
    code = "async def reconcile_all(self, organisation_id: UUID, procurement_order_id: UUID, *, everything: bool):\n"
    body = "".join(f"    step_{n} = await self.steps[{n}].carry_out(organisation_id)\n" for n in range(40))
    return check(
        [
            route(
                "PATCH", path, name, "make-def",
                finding("blocks-by-waiting", name, 1.25, site, route=f"PATCH {path}"),
                file=file, line=1230, gain=gain(31.0), loop_longest_s=1.25,
                advice="Call LegacySynchronousClient with run_in_threadpool",
                code_now=code + body + "    return self.client.fetch_everything()\n",
                code_then=code + body + "    return await run_in_threadpool(self.client.fetch_everything)\n",
            )
        ],
        app="enterprise_resource_planning.presentation.http.application:create_application",
    )  # fmt: skip


def other_scripts() -> Check:
    """Return names in other scripts, wide characters, markup, and signs that no terminal should be sent."""
    site = Site(file="アプリ/投稿.py", line=7, function="一覧", call="time.sleep")
    found = finding(
        "blocks-by-waiting", "アプリ.投稿.一覧", 0.02, site, route="GET /投稿", sentence="time.sleep は 20 ms"
    )
    odd = Site(file="[bold]/x y#?.py", line=3, function="f", call="[red]f[/red]")
    evil = finding("waits-in-thread", "<script>alert(1)</script>", 0.03, odd, route="GET /evil",
                   sentence="<script>alert(1)</script> \x1b[31mwaits {0}")  # fmt: skip
    return check(
        [
            route("GET", "/投稿/{番号}", "アプリ.投稿.一覧", "make-def", found, file="アプリ/投稿.py", gain=gain(3.0),
                  advice="def と書く", code_now="async def 一覧():\n    time.sleep(0.02)\n",
                  code_then="def 一覧():\n    time.sleep(0.02)\n"),
            route("GET", "/[red]évil[/red]\x1b[2J/<script>", "évil.f", "make-async", evil, is_async=False,
                  advice="</script><script>alert(1)</script>", code_now="def f():\n\tx = '</code>'\n"),
        ],
        app="アプリ:app",
    )  # fmt: skip


def only_notes() -> Check:
    """Return routes of which nothing is known, each for its own reason."""
    return check(
        [
            route("GET", "/me", "main.me", "not-known", note="it answered 401: it needs a log-in", asked=0),
            route("GET", "/events", "main.events", "not-known", note="its answer did not end within 5 s", asked=0),
            route("WEBSOCKET", "/ws", "main.ws", "not-known", note="WebSockets are not asked", asked=0),
            route("GET", "/crash", "main.crash", "not-known", note="it raised KeyError: 'DSN'", asked=0),
            route("GET", "/static", "StaticFiles", "not-known", is_async=None, asked=0),
        ],
        connections=None,
        notes=("No route answered, so nothing can be said about the app",),
    )  # fmt: skip


def nothing() -> Check:
    """Return an app without routes."""
    return check([], connections=None)


def all_well() -> Check:
    """Return an app in which all is as it should be."""
    return check([route("GET", "/", "main.home"), route("GET", "/items", "main.items", statements=2)])


def unseen_code() -> Check:
    """Return a fault in a library, seen from a dependency, and one of which no line is known."""
    library = Site(file=".venv/lib/python3.11/site-packages/legacy/client.py", line=88, function="Client.get",
                   call="socket.recv")  # fmt: skip
    inside = finding("blocks-by-waiting", "main.get_client", 0.04, library, route="GET /a", place="dependency")
    nowhere = finding("serialised", "main.b", 0.02, route="GET /b", sentence="requests wait for each other, 20 ms each")
    return check(
        [
            route("GET", "/a", "main.a", "move-out-of-loop", inside, gain=gain(4.0)),
            route("GET", "/b", "main.b", "give-room", nowhere).model_copy(update={"site": None}),
        ]
    )


ALL = {
    made.__name__: made
    for made in (
        async_blog, sync_blog, shop, long_names, other_scripts, only_notes, nothing, all_well, unseen_code
    )
}  # fmt: skip
"""Every check, by name."""
