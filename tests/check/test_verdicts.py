from typing import Any

import pytest

from loadtests.check.findings import startup_findings
from loadtests.check.raw import RawApp, RawMiddleware, RawPool, RawRoute, RawSite
from loadtests.check.record import Verdict
from loadtests.check.sentences import why_no_answer
from loadtests.check.verdicts import check_route
from tests.check.made_up_raw import app, dependency, part, request, route, seen, site, together

POOL = RawPool(size=5, overflow=10, kind="QueuePool")
SESSION = dependency(is_generator=True)
HANDLER_IN_THREAD: dict[str, Any] = {"on": "thread", "cpu_s": 0.001}
RESPONSE_IN_THREAD = part("response", "fastapi.routing.serialize_response", "thread")


def verdict_of(*args: Any, route: RawRoute = route(), app: RawApp = app(), **others: Any) -> Verdict:  # noqa: B008
    return check_route(route, seen(*args, **others), app).verdict


def test_what_blocks_and_awaits_nothing_is_made_def_and_the_line_is_named() -> None:
    found = check_route(route(), seen(part(wait_s=0.05), sites=(site(),)), app())
    assert found.verdict == "make-def"
    assert [(each.problem, each.place, each.seconds) for each in found.findings] == [
        ("blocks-by-waiting", "handler", 0.05)
    ]
    assert found.findings[0].site is not None
    assert (found.findings[0].site.file, found.findings[0].site.line) == ("main.py", 12)
    assert "requests.get" in found.findings[0].sentence
    assert "async client" in found.advice
    assert found.change == "def:main.items"
    assert found.code_then == found.code_now.replace("async def", "def")


def test_what_starts_a_task_that_blocks_is_not_made_def_because_a_thread_has_no_loop_to_start_it_on() -> None:
    source = "async def items() -> int:\n    asyncio.create_task(report())\n    return 1\n"
    found = check_route(route(source=source), seen(part(wait_s=0.3), sites=(site("time.sleep", line=5),)), app())
    assert found.verdict == "move-out-of-loop"
    assert found.change is None
    assert "run_in_threadpool" in found.advice


def test_what_blocks_and_also_awaits_is_moved_out_of_the_loop() -> None:
    source = "async def items() -> int:\n    await first()\n    return requests.get(url, timeout=1)\n"
    blocking = seen(part(wait_s=0.05, awaited_s=0.04, awaits=1), sites=(site(),))
    found = check_route(route(source=source), blocking, app())
    assert found.verdict == "move-out-of-loop"
    assert "return await run_in_threadpool(requests.get, url, timeout=1)" in found.code_then
    assert found.change is None


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("dependency", "make-def"),
        ("background", "make-def"),
        ("stream", "make-def"),
        ("middleware", "move-out-of-loop"),
        ("validator", "move-out-of-loop"),
    ],
)
def test_only_what_the_framework_would_run_in_a_thread_is_made_def(place: str, expected: str) -> None:
    assert verdict_of(part(place, "main.other", wait_s=0.05)) == expected


def test_a_dependency_that_blocks_can_be_changed_unless_it_is_a_generator() -> None:
    blocking = seen(part("dependency", "main.get_db", wait_s=0.05))
    plain = route(dependencies=(dependency(is_async=True),))
    generator = route(dependencies=(dependency(is_async=True, is_generator=True),))
    assert check_route(plain, blocking, app()).change == "def:main.get_db"
    assert check_route(generator, blocking, app()).change is None


def test_a_block_that_three_requests_of_four_do_not_show_is_none() -> None:
    rows = [request(number, parts=[part(wait_s=0.05 if number < 2 else 0.0)]) for number in range(8)]
    assert check_route(route(), together(alone=tuple(rows)), app()).verdict == "keep"


def test_a_process_that_the_loop_starts_is_as_it_should_be() -> None:
    starting = site("asyncio.create_subprocess_exec", wait_s=0.015)
    assert verdict_of(part(wait_s=0.015, awaits=2), sites=(starting,)) == "keep"
    assert verdict_of(part(wait_s=0.065, awaits=2), sites=(starting, site())) == "move-out-of-loop"


def test_computing_is_moved_out_of_the_loop_and_reading_a_file_needs_a_thread_alone() -> None:
    found = check_route(route(), seen(part(cpu_s=0.03), sites=(site("", cpu_s=0.03, wait_s=0.0),)), app())
    assert (found.verdict, found.findings[0].problem) == ("move-out-of-loop", "blocks-by-computing")
    assert "GIL" in found.advice
    assert found.change == "def:main.items"
    reading = site("pathlib.Path.read_bytes", cpu_s=0.03, wait_s=0.0)
    assert verdict_of(part(cpu_s=0.03), sites=(reading,)) == "make-def"
    assert verdict_of(part(cpu_s=0.005)) == "keep"


def test_a_client_that_is_made_for_each_request_is_to_be_made_once() -> None:
    making = site("httpx.AsyncClient.__init__", cpu_s=0.03, wait_s=0.0)
    found = check_route(route(), seen(part(cpu_s=0.03, awaits=2), sites=(making,)), app())
    assert found.verdict == "move-out-of-loop"
    assert "one client" in found.advice
    assert "run_in_threadpool" not in found.advice


def test_a_handler_that_waits_for_another_service_in_a_thread_is_made_async() -> None:
    waiting = seen(part(wait_s=0.05, **HANDLER_IN_THREAD), sites=(site(on="thread"),))
    source = "def items() -> int:\n    x = 1\n    return requests.get(url).status_code\n"
    found = check_route(route(is_async=False, source=source), waiting, app(threads=40))
    assert found.verdict == "make-async"
    assert "800 requests per second" in found.findings[0].sentence
    assert found.code_then == ("async def items() -> int:\n    x = 1\n    return (await client.get(url)).status_code\n")


def test_what_is_to_be_awaited_depends_on_what_waits() -> None:
    sleeping = seen(part(wait_s=0.05, **HANDLER_IN_THREAD), sites=(site("time.sleep", on="thread"),))
    asking = seen(part(wait_s=0.05, **HANDLER_IN_THREAD), sites=(site("requests.get", on="thread"),))
    advice = [check_route(route(is_async=False), waiting, app(threads=40)).advice for waiting in (sleeping, asking)]
    assert "with await asyncio.sleep(…) in place of time.sleep" in advice[0]
    assert "with an async client in place of requests.get" in advice[1]


def test_a_wait_that_is_too_short_or_of_work_that_async_code_sent_to_a_thread_is_kept() -> None:
    assert verdict_of(part(wait_s=0.009, **HANDLER_IN_THREAD), route=route(is_async=False)) == "keep"
    assert verdict_of(part(wait_s=0.05, **HANDLER_IN_THREAD), route=route(is_async=True)) == "keep"


def test_a_slow_query_in_a_thread_is_kept_and_its_pool_is_named_as_the_limit() -> None:
    querying = seen(
        part(wait_s=0.05, **HANDLER_IN_THREAD),
        sites=(site("sqlalchemy.orm.Session.execute", on="thread"),),
        statements=1,
        connections_held_s=0.05,
    )
    limited = route(is_async=False, dependencies=(dependency(is_generator=True, limit=15),))
    found = check_route(limited, querying, app(pools=(POOL,)))
    assert found.verdict == "keep"
    assert found.findings[0].verdict == "keep"
    assert "its pool of 15 connections is the limit, 300 requests per second" in found.findings[0].sentence


def test_a_pool_below_the_threads_needs_room_unless_something_keeps_requests_out() -> None:
    parts = (part(wait_s=0.002, **HANDLER_IN_THREAD), RESPONSE_IN_THREAD)
    using = {"statements": 1, "connections_held_s": 0.002}
    unlimited = route(is_async=False, dependencies=(SESSION,))
    limited = route(is_async=False, dependencies=(dependency(is_generator=True, limit=15),))
    assert verdict_of(*parts, route=unlimited, app=app(pools=(POOL,)), **using) == "give-room"
    assert verdict_of(*parts, route=limited, app=app(pools=(POOL,)), **using) == "keep"
    large = app(pools=(RawPool(size=40, overflow=0),))
    assert verdict_of(*parts, route=unlimited, app=large, **using) == "keep"
    endless = app(pools=(RawPool(size=5, overflow=-1),))
    assert verdict_of(*parts, route=unlimited, app=endless, **using) == "keep"


def test_a_pool_below_the_threads_is_enough_where_no_request_needs_a_thread_twice_and_the_cpu_is_the_limit() -> None:
    unlimited = route(is_async=False, dependencies=(SESSION,))
    small = app(pools=(POOL,))
    handler = part(wait_s=0.002, **HANDLER_IN_THREAD)
    assert verdict_of(handler, route=unlimited, app=small, statements=1, connections_held_s=0.002) == "keep"
    assert verdict_of(handler, route=unlimited, app=small, statements=1, connections_held_s=0.05) == "give-room"
    user = part("dependency", "main.user", "thread", wait_s=0.002)
    held = {"statements": 1, "connections_held_s": 0.002}
    assert verdict_of(user, handler, route=unlimited, app=small, **held) == "give-room"
    form = part("dependency", "main.Form", "thread", cpu_s=0.00001)
    assert verdict_of(form, handler, route=unlimited, app=small, **held) == "keep"


def test_a_limit_is_advised_where_threads_use_the_pool_and_a_larger_pool_where_coroutines_do() -> None:
    held: dict[str, Any] = {"statements": 1, "connections_held_s": 0.05}
    threads = seen(part(wait_s=0.05, **HANDLER_IN_THREAD), RESPONSE_IN_THREAD, **held)
    found = check_route(route(is_async=False, dependencies=(SESSION,)), threads, app(pools=(POOL,)))
    assert found.advice.startswith("admit no more requests than there are connections")
    assert "max_concurrency=15" in found.advice
    coroutines = seen(part(awaited_s=0.05, awaits=3), **held)
    lending = dependency(is_async=True, is_generator=True)
    found = check_route(route(dependencies=(lending,)), coroutines, app(pools=(POOL,)))
    assert found.advice.startswith("raise pool_size + max_overflow")


def test_the_dependency_that_lends_the_session_is_named() -> None:
    lending = dependency("main.get_session", is_async=True, is_generator=True)
    manager = dependency("main.get_manager", is_async=True, is_generator=True)
    figures = seen(part(awaited_s=0.05, awaits=3), statements=1, connections_held_s=0.05)
    found = check_route(route(dependencies=(lending, manager)), figures, app(pools=(POOL,)))
    assert [each.name for each in found.findings] == ["main.get_session"]


@pytest.mark.parametrize(
    ("held_s", "cpu_s", "expected"),
    [
        (0.05, 0.0005, "give-room"),  # 300 requests a second, of 2,000
        (0.05, 0.003, "keep"),  # of 333
        (0.002, 0.00001, "keep"),  # not long
    ],
)
def test_an_async_session_needs_room_where_connections_are_the_limit(
    held_s: float, cpu_s: float, expected: str
) -> None:
    lending = route(dependencies=(dependency(is_async=True, is_generator=True),))
    awaiting, using = part(awaited_s=held_s, awaits=3), {"statements": 1, "connections_held_s": held_s}
    assert verdict_of(awaiting, route=lending, app=app(pools=(POOL,)), cpu_s=cpu_s, **using) == expected


def test_a_def_dependency_that_does_nothing_is_made_async_under_an_async_handler_alone() -> None:
    nothing = part("dependency", "main.get_db", "thread", cpu_s=0.00001)
    found = check_route(route(dependencies=(dependency(),)), seen(part(), nothing), app())
    assert (found.verdict, found.change) == ("make-dependency-async", "inline:main.get_db")
    assert found.code_then == "async def get_db():\n    return 1\n"
    threads = route(is_async=False, dependencies=(dependency(),))
    assert verdict_of(part(on="thread", cpu_s=0.01), nothing, route=threads) == "keep"
    working = part("dependency", "main.get_db", "thread", cpu_s=0.005)
    assert verdict_of(part(), working, route=route(dependencies=(dependency(),))) == "keep"


def test_a_dependency_that_lends_a_session_is_no_hop_for_nothing() -> None:
    lends = part("dependency", "main.get_db", "thread", cpu_s=0.00001)
    assert verdict_of(part(), lends, route=route(dependencies=(SESSION,)), statements=1) == "keep"


@pytest.mark.parametrize(
    ("body", "remarks"), [("return {'a': 1}", 1), ("return Done(at=1)", 1), ("return db.count()", 0)]
)
def test_a_cheap_def_is_kept_with_a_remark_if_it_only_makes_values(body: str, remarks: int) -> None:
    cheap = seen(part(on="thread", cpu_s=0.00001))
    found = check_route(route(is_async=False, source=f"def items():\n    {body}\n"), cheap, app())
    assert found.verdict == "keep"
    assert [each.problem for each in found.findings] == ["hop-for-nothing"] * remarks


def test_an_answer_that_takes_long_to_be_turned_into_bytes_is_a_remark_and_then_a_finding() -> None:
    for cpu_s, verdict, findings in ((0.001, "keep", 0), (0.005, "keep", 1), (0.02, "move-out-of-loop", 1)):
        found = check_route(route(), seen(part(), part("response", "JSONResponse", cpu_s=cpu_s)), app())
        assert (found.verdict, len(found.findings)) == (verdict, findings)
    streamed = seen(part(), part("stream", "main.rows"), part("response", "StreamingResponse", cpu_s=0.02))
    assert check_route(route(), streamed, app()).verdict == "keep"


def test_requests_that_wait_for_a_lock_are_serialised() -> None:
    held = {"file": "main.py", "line": 12, "function": "items", "held_s": 0.03, "waited_s": 0.06}
    rows = [request(number, parts=[part(awaits=2)], locks=[held]) for number in range(4)]
    found = check_route(route(), together(*rows), app())
    assert (found.verdict, found.findings[0].problem) == ("give-room", "serialised")


def test_a_base_middleware_is_a_remark_on_every_route() -> None:
    middleware = RawMiddleware(name="main.Version", kind="BaseHTTPMiddleware", source="class Version: ...")
    found = check_route(route(), seen(part()), app(middlewares=(middleware,)))
    assert found.verdict == "keep"
    assert [each.place for each in found.findings] == ["middleware"]


def test_the_worst_leads_and_the_others_keep_their_own_verdicts() -> None:
    nothing = part("dependency", "main.get_db", "thread", cpu_s=0.00001)
    found = check_route(route(dependencies=(dependency(),)), seen(part(wait_s=0.05), nothing), app())
    assert found.verdict == "make-def"
    assert [each.verdict for each in found.findings] == ["make-def", "make-dependency-async"]


def test_a_fingerprint_does_not_change_when_lines_move() -> None:
    here, there = (
        check_route(route(), seen(part(wait_s=0.05), sites=(site(line=line),)), app()).findings[0] for line in (12, 40)
    )
    assert here.site != there.site
    assert here.fingerprint == there.fingerprint


def test_a_route_that_gave_no_good_answer_is_not_judged_unless_it_blocks() -> None:
    assert verdict_of(part(), status=401) == "not-known"
    assert verdict_of(part(wait_s=0.05), status=404) == "make-def"
    assert check_route(route(), None, app(), "writes").verdict == "not-known"


def test_what_blocks_the_start_for_long_is_a_remark() -> None:
    starting = [
        RawSite(file="main.py", line=4, function="lifespan", call="requests.get", wait_s=s) for s in (0.3, 0.01)
    ]
    (found,) = startup_findings(app(startup=tuple(starting)))
    assert (found.name, found.verdict, found.seconds) == ("lifespan", "keep", 0.3)
    assert "blocks the start of the app" in found.sentence


def test_a_failure_is_told_by_its_exception_and_not_by_another_line_of_the_log() -> None:
    failing = seen(part(), status=500, exception="KeyError")
    assert why_no_answer(failing, "KeyError: 'tea'", frozenset()) == "answers 500: KeyError: 'tea'"
    assert why_no_answer(failing, "GET /stock took 4 s", frozenset()) == "answers 500: KeyError"
