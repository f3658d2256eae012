"""The client that measures, against servers that send known bytes."""

import asyncio
import gzip
import ssl
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from typing import Any, TypeVar

import pytest
import uvloop

from loadtests.drivers.client import Client
from loadtests.drivers.connection import EXAMPLE_BYTES, Answer, Connection
from loadtests.drivers.request_log import RequestLog
from loadtests.experiment.message import KEPT_BYTES, Message
from loadtests.experiment.request import JSON, Request
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.values import Values, Variables
from loadtests.records.samples import BodyBytes, Failure, FailureExample, Samples
from loadtests.system.connections import SYSTEMS, Trust
from tests.drivers.serving import listening

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
GET = Request("GET", "/", contains=b"ok")
HEAD_END = b"\r\n\r\n"
T = TypeVar("T")
Reply = Iterable[bytes | None]
"""What a server sends for one request, piece by piece; None closes the connection."""
Respond = Callable[[int, int, bytes], Reply]
"""Takes the number of the connection, the number of the request on it, and the request; both from 0."""


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


class Scripted:
    """A server that sends what it is told to, and remembers what it was asked."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self.asked: list[list[bytes]] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(asyncio.IncompleteReadError, ConnectionError):
            await self._answer(reader, writer)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked: list[bytes] = []
        connection = len(self.asked)
        self.asked.append(asked)
        while True:
            head = await reader.readuntil(HEAD_END)
            length = next((int(x.split(b":")[1]) for x in head.lower().split(b"\r\n") if b"content-length" in x), 0)
            request = head + await reader.readexactly(length)
            asked.append(request)
            for piece in self._respond(connection, len(asked) - 1, request):
                if piece is None:
                    return
                writer.write(piece)
                await asyncio.sleep(0.005)  # so that the pieces come one by one


@asynccontextmanager
async def scripted(respond: Respond, **options: Any) -> AsyncIterator[Scripted]:
    server = Scripted(respond)
    async with listening(server.serve, **options) as server.url:
        yield server


async def asked(
    server: Scripted,
    *requests: Request,
    times: int = 1,
    between: Callable[[], Awaitable[None]] | None = None,
    variables: Variables | None = None,
    trust: Trust = SYSTEMS,
) -> RequestLog:
    """Ask one after another; return what was noted."""
    log = RequestLog(started_s=0.0)
    client = Client(server.url, requests or (GET,), log, variables=variables, trust=trust)
    for turn in range(times):
        if turn and between:
            await between()
        await asyncio.wait_for(client.ask(turn), 5)
    await client.close()
    return log


async def ask(
    server: Scripted,
    *requests: Request,
    times: int = 1,
    between: Callable[[], Awaitable[None]] | None = None,
    variables: Variables | None = None,
) -> Samples:
    """Ask one after another; return what was recorded."""
    return (await asked(server, *requests, times=times, between=between, variables=variables)).samples()


def noted(reply: Reply, *requests: Request, times: int = 1) -> RequestLog:
    """Return what was noted of requests that each get a certain reply."""

    async def measure() -> RequestLog:
        async with scripted(lambda *_: reply) as server:
            return await asked(server, *requests, times=times)

    return run(measure())


def outcome(reply: Reply, request: Request = GET) -> tuple[int, Failure]:
    """Return the status and the failure of one request that gets a certain reply, and nothing after it."""

    samples = noted(reply, request).samples()
    assert len(samples) == 1
    return int(samples.status[0]), Failure(samples.failure[0])


def head(*lines: bytes, status: bytes = b"200 OK", version: bytes = b"1.1") -> bytes:
    return b"\r\n".join([b"HTTP/" + version + b" " + status, *lines, b"", b""])


CHUNKED = head(b"transfer-encoding: chunked") + b"1\r\no\r\n1;more=x\r\nk\r\n0\r\ntrailer: x\r\n\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        [OK],
        [bytes([each]) for each in OK],
        [CHUNKED],
        [CHUNKED[:50], CHUNKED[50:]],
        [bytes([each]) for each in CHUNKED],
        [head(b"connection: close") + b"o", b"k", None],
        [head(b"connection: close", b"content-length: 2") + b"ok"],
        [head(version=b"1.0") + b"ok", None],
        [head(b"content-length: 2", version=b"1.0") + b"ok"],
        [b"HTTP/1.1 200 OK\ncontent-length: 2\n\nok"],
        [head(status=b"100 Continue") + OK],
        [head(b"link: </a.css>", status=b"103 Early Hints"), OK],
        [head(b"content-length: 100000") + b"x" * 50_000, b"x" * 49_998 + b"ok"],
        [OK + b"more than was declared"],
        [OK + OK],
        *(
            [head(b"content-encoding: " + name, b"content-length: %d" % len(body)) + body]
            for name, body in ((b"gzip", gzip.compress(b"ok")), (b"GZip", gzip.compress(b"ok")))
        ),
        [head(b"content-encoding: deflate", b"connection: close") + zlib.compress(b"ok"), None],
    ],
)
def test_every_way_in_which_http_ends_an_answer_is_understood(reply: Reply) -> None:
    assert outcome(reply) == (200, Failure.NONE)


@pytest.mark.parametrize(
    ("reply", "request_", "status"),
    [
        ([head(b"content-length: 2")], Request("HEAD", "/"), 200),
        ([head(b"transfer-encoding: chunked")], Request("HEAD", "/"), 200),
        ([head()], Request("HEAD", "/"), 200),
        ([head(b"content-encoding: gzip", b"content-length: 9")], Request("HEAD", "/"), 200),
        ([head(status=b"204 No Content")], Request("DELETE", "/", status=204), 204),
        ([head(b"content-length: 2", status=b"304 Not Modified")], Request("GET", "/", status=304), 304),
    ],
)
def test_an_answer_without_a_body_ends_with_its_head(reply: Reply, request_: Request, status: int) -> None:
    assert outcome(reply, request_) == (status, Failure.NONE)


@pytest.mark.parametrize(
    ("reply", "status", "failure"),
    [
        ([None], 0, Failure.DISCONNECT),
        ([b"HTTP/1.1 200", None], 0, Failure.DISCONNECT),
        ([head(b"content-length: 3") + b"ok", None], 200, Failure.DISCONNECT),
        ([head(b"transfer-encoding: chunked") + b"2\r\nok\r\n", None], 200, Failure.DISCONNECT),
        ([b"\x00\xff\r\n" * 9], 0, Failure.DISCONNECT),
        ([b"SSH-2.0-OpenSSH_9.2\r\n"], 0, Failure.DISCONNECT),
        ([head(b"content-length: two") + b"ok"], 0, Failure.DISCONNECT),
        ([head(b"transfer-encoding: chunked") + b"ok\r\n"], 200, Failure.DISCONNECT),
        ([head(b"content-length: 2", status=b"500 Oh") + b"ok"], 500, Failure.STATUS),
        ([head(b"upgrade: x", b"connection: upgrade", status=b"101 Switching Protocols")], 101, Failure.STATUS),
        ([head(b"content-length: 2") + b"no"], 200, Failure.BODY),
        ([head(b"content-encoding: gzip", b"content-length: 5") + b"plain"], 200, Failure.BODY),
    ],
)
def test_every_way_to_fail_has_its_name(reply: Reply, status: int, failure: Failure) -> None:
    assert outcome(reply) == (status, failure)


def test_a_body_is_searched_wherever_it_was_cut() -> None:
    reply = [head(b"content-length: 12") + b"a nee", b"dl", b"e!!!!"]
    assert outcome(reply, Request("GET", "/", contains=b"needle")) == (200, Failure.NONE)


def test_a_server_that_takes_no_connection_is_told_from_one_that_breaks_it() -> None:
    async def measure() -> tuple[bool, Samples]:
        async with scripted(lambda *_: [OK]) as server:
            url = server.url
        log = RequestLog(time.perf_counter())
        return await Client(url, (GET,), log).ask(0), log.samples()

    taken, samples = run(measure())
    assert not taken
    assert list(samples.failure) == [Failure.CONNECT]


def test_one_user_needs_one_connection() -> None:
    async def measure() -> list[int]:
        async with scripted(lambda *_: [OK]) as server:
            assert not (await ask(server, times=5)).failure.any()
            return [len(each) for each in server.asked]

    assert run(measure()) == [5]


@pytest.mark.parametrize(
    "reply",
    [
        [head(b"content-length: 2", b"connection: close") + b"ok"],
        [head(b"content-length: 2", version=b"1.0") + b"ok"],
        [head() + b"ok", None],
        [OK + b"more than was declared"],
        [OK + OK],
        [OK, b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n"],
        [OK, None],
    ],
)
def test_a_connection_that_has_ended_is_not_used_again(reply: Reply) -> None:
    async def measure() -> list[int]:
        async with scripted(lambda *_: reply) as server:
            samples = await ask(server, times=3, between=lambda: asyncio.sleep(0.03))
            assert not samples.failure.any()
            return [len(each) for each in server.asked]

    assert run(measure()) == [1, 1, 1]


def test_users_share_connections_and_the_one_used_last_is_used_next() -> None:
    def later(connection: int, request: int, _: bytes) -> Reply:
        return [b"", b"", OK] if connection == 0 and request == 0 else [OK]

    async def measure() -> list[int]:
        async with scripted(later) as server:
            client = Client(server.url, (GET,), RequestLog(time.perf_counter()))
            slow = asyncio.create_task(client.ask(0))
            await asyncio.sleep(0.002)
            await client.ask(1)
            await slow
            for turn in range(4):
                await client.ask(turn)
            await client.close()
            return [len(each) for each in server.asked]

    assert run(measure()) == [5, 1]


def test_many_users_have_a_connection_each_and_none_sends_before_its_answer() -> None:
    at_once = 0

    async def slowly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal at_once
        at_once += 1
        with closing(writer), suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(HEAD_END):
                await asyncio.sleep(0.05)
                with pytest.raises(TimeoutError):  # the next request would be here by now
                    await asyncio.wait_for(reader.readexactly(1), 0.001)
                writer.write(OK)

    async def measure() -> Samples:
        async with listening(slowly) as url:
            log = RequestLog(time.perf_counter())
            client = Client(url, (GET,), log)

            async def user() -> None:
                for turn in range(3):
                    await client.ask(turn)

            await asyncio.gather(*(user() for _ in range(100)))
            await client.close()
            return log.samples()

    samples = run(measure())
    assert len(samples) == 300
    assert not samples.failure.any()
    assert at_once == 100


@pytest.mark.parametrize(
    ("request_", "failures"),
    [
        (GET, []),
        (Request("DELETE", "/"), []),
        (Request("POST", "/", body=b"{}"), [Failure.DISCONNECT]),
        (Request("PATCH", "/", body=b"{}"), [Failure.DISCONNECT]),
    ],
)
def test_what_an_idle_connection_swallowed_is_sent_again_if_that_does_no_harm(
    request_: Request, failures: list[Failure]
) -> None:
    def closes_when_used_again(_connection: int, request: int, _: bytes) -> Reply:
        return [None] if request == 1 else [OK]

    async def measure() -> Samples:
        async with scripted(closes_when_used_again) as server:
            return await ask(server, request_, times=2)

    samples = run(measure())
    assert [Failure(each) for each in samples.failure if each] == failures
    assert len(samples) == 2


def test_what_a_new_connection_swallowed_is_not_sent_again() -> None:
    async def measure() -> tuple[Samples, int]:
        async with scripted(lambda *_: [None]) as server:
            return await ask(server), len(server.asked)

    samples, connections = run(measure())
    assert list(samples.failure) == [Failure.DISCONNECT]
    assert connections == 1


def test_an_answer_that_broke_off_is_not_asked_for_again() -> None:
    def breaks_off(_connection: int, request: int, _: bytes) -> Reply:
        return [b"HTTP/1.1 2", None] if request == 1 else [OK]

    async def measure() -> Samples:
        async with scripted(breaks_off) as server:
            return await ask(server, times=2)

    assert list(run(measure()).failure) == [Failure.NONE, Failure.DISCONNECT]


def test_a_request_that_is_given_up_takes_its_connection_with_it() -> None:
    async def measure() -> list[int]:
        async with scripted(lambda connection, *_: [OK] if connection else [b"", b"", b"", b"", OK]) as server:
            log = RequestLog(time.perf_counter())
            client = Client(server.url, (GET,), log)
            given_up = asyncio.create_task(client.ask(0))
            await asyncio.sleep(0.005)
            log.cut_off()
            given_up.cancel()
            await asyncio.gather(given_up, return_exceptions=True)
            assert await client.ask(1)
            await client.close()
            assert list(log.samples().failure) == [Failure.CUT_OFF, Failure.NONE]
            return [len(each) for each in server.asked]

    assert run(measure()) == [1, 1]


def test_the_first_byte_is_when_the_head_came_and_the_end_when_the_last_byte_came() -> None:
    sent_at: list[float] = []

    def in_pieces(*_: object) -> Iterator[bytes]:
        for piece in (head(b"content-length: 2"), b"o", b"k"):
            sent_at.append(time.perf_counter())
            yield piece

    async def measure() -> Samples:
        async with scripted(in_pieces) as server:
            return await ask(server)

    samples = run(measure())
    first, middle, last = sent_at
    assert samples.sent_s[0] < first < samples.first_byte_s[0] < middle
    assert last < samples.ended_s[0]


@pytest.mark.parametrize(
    ("base", "request_", "sent"),
    [
        ("", Request("GET", "/a/../b?q=%2B[1,2]|3&t=$x"), b"GET /a/../b?q=%2B[1,2]|3&t=$x HTTP/1.1"),
        ("/api", Request("GET", "/caf\u00e9 au lait#top"), b"GET /api/caf%C3%A9%20au%20lait HTTP/1.1"),
        ("", Request("GET", "/x\r\nhost: y"), b"GET /x%0D%0Ahost:%20y HTTP/1.1"),
    ],
)
def test_a_target_is_sent_with_what_http_allows(base: str, request_: Request, sent: bytes) -> None:
    async def measure() -> bytes:
        async with scripted(lambda *_: [OK]) as server:
            server.url += base
            await ask(server, request_)
            return server.asked[0][0]

    assert run(measure()).split(b"\r\n")[0] == sent


def sent(*requests: Request, variables: Variables | None = None) -> list[bytes]:
    """Return what one user sends for some requests, the server's address replaced."""

    async def measure() -> list[bytes]:
        async with scripted(lambda *_: [OK]) as server:
            await ask(server, *requests, times=len(requests), variables=variables)
            return [each.replace(server.url.removeprefix("http://").encode(), b"here") for each in server.asked[0]]

    return run(measure())


DEFAULTS = b"host: here\r\nuser-agent: bench\r\naccept: */*\r\naccept-encoding: gzip, deflate\r\n"


@pytest.mark.parametrize(
    ("scenario", "number", "content"),
    [
        ("get_post", 0, b"GET /api/posts/1 HTTP/1.1\r\n" + DEFAULTS + b"\r\n"),
        ("query", 0, b"GET /api/workloads/query?wait_ms=20 HTTP/1.1\r\n" + DEFAULTS + b"\r\n"),
        (
            "create_post",
            0,
            b"POST /api/posts HTTP/1.1\r\n"
            + DEFAULTS
            + b"content-type: application/json\r\ncontent-length: 316\r\n\r\n"
            b'{"title": "Written under load", "content": "'
            + 8 * b"One of very many posts like it. "
            + b'", "user_id": 1}',
        ),
        (
            "writer",
            1,
            b"PATCH /api/posts/1 HTTP/1.1\r\n"
            + DEFAULTS
            + b"content-type: application/json\r\ncontent-length: 21\r\n\r\n"
            b'{"content":"Edited."}',
        ),
        ("writer", 2, b"DELETE /api/posts/1 HTTP/1.1\r\n" + DEFAULTS + b"\r\n"),
    ],
)
def test_the_blog_is_asked_with_these_bytes(scenario: str, number: int, content: bytes) -> None:
    assert sent(parse_scenario(scenario).requests[number]) == [content]


@pytest.mark.parametrize(
    "target",
    [
        "/at?t=2024-05-01T10%3A00%3A00%2B02%3A00",
        "/signed?sig=ab%2Fcd%3D%3D&id=%7Ebob",
        "/list?ids=[1,2]|3",
        "/a/../b",
        "/files/a%2Eb%40c",
        "/price?$top=5&filter[open]=1",
    ],
)
def test_a_target_is_sent_as_it_was_typed(target: str) -> None:
    [content] = sent(*parse_scenario(f"GET {target}").requests)
    assert content.startswith(f"GET {target} HTTP/1.1\r\n".encode())


def test_bodies_have_their_length() -> None:
    with_body, without, get = sent(Request("POST", "/", (JSON,), b'{"a":1}'), Request("POST", "/"), GET)
    assert with_body.endswith(b'\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"a":1}')
    assert without.endswith(b"\r\ncontent-length: 0\r\n\r\n")
    assert b"content-length" not in get


def test_a_header_takes_the_place_of_the_clients_own() -> None:
    headers = (("User-Agent", "me"), ("Host", "there"), ("X-Two", "1"), ("X-Two", "2"), ("X-Name", "Zoë"))
    [content] = sent(Request("GET", "/", headers))
    assert content == (
        b"GET / HTTP/1.1\r\naccept: */*\r\naccept-encoding: gzip, deflate\r\n"
        b"User-Agent: me\r\nHost: there\r\nX-Two: 1\r\nX-Two: 2\r\nX-Name: Zo\xc3\xab\r\n\r\n"
    )


def test_places_are_filled_from_the_environment_and_a_body_may_be_any_bytes() -> None:
    request = Request("PUT", "/${WHO}?q=${Q}", (("Authorization", "Bearer ${TOKEN}"),), b"\xff${WHO}\x00$${WHO}")
    environment = {"WHO": "zoë", "Q": "a b#c&d", "TOKEN": "s3"}
    [content] = sent(request, variables=Variables(environment))
    assert content.startswith(b"PUT /zo%C3%AB?q=a%20b%23c&d HTTP/1.1\r\n")
    assert b"\r\nAuthorization: Bearer s3\r\n" in content
    assert content.endswith(b"\r\ncontent-length: 12\r\n\r\n\xffzo\xc3\xab\x00${WHO}")


def test_each_request_that_needs_a_row_gets_the_next_one() -> None:
    values = Values("ids.csv", "", ("id",), (("1",), ("2",)))
    requests = [Request("GET", "/${id}"), Request("GET", "/plain")] * 3
    asked = [each.split()[1] for each in sent(*requests, variables=Variables(values=values))]
    assert asked == [b"/1", b"/plain", b"/2", b"/plain", b"/1", b"/plain"]


def test_a_built_in_value_is_the_same_throughout_a_request_and_another_in_each() -> None:
    request = Request("POST", "/${counter}", (("X-Id", "${uuid}"),), b"${counter} ${uuid}")
    bodies = []
    for content in sent(request, request, variables=Variables(built_in=frozenset({"counter", "uuid"}))):
        head_, body = content.split(HEAD_END)
        number, identifier = body.split()
        assert head_.startswith(b"POST /%s " % number)
        assert b"X-Id: %s" % identifier in head_
        bodies.append(body)
    assert len(set(b" ".join(bodies).split())) == 4


def test_requests_are_sent_as_often_as_they_weigh() -> None:
    async def measure() -> tuple[list[bytes], list[int]]:
        async with scripted(lambda *_: [OK]) as server:
            samples = await ask(server, Request("GET", "/a"), Request("GET", "/b", weight=2), times=6)
            return [each.split()[1] for each in server.asked[0]], samples.request.tolist()

    assert run(measure()) == ([b"/a", b"/b", b"/b"] * 2, [0, 1, 1] * 2)


@pytest.mark.parametrize(
    ("status", "wanted", "good"),
    [(200, None, True), (204, None, True), (299, None, True), (302, None, False), (404, 404, True), (200, 201, False)],
)
def test_a_good_status_is_the_one_that_is_wanted_or_any_from_200_to_299(
    status: int, wanted: int | None, good: bool
) -> None:
    reply = [head(b"content-length: 0", status=b"%d X" % status)]
    assert outcome(reply, Request("GET", "/", status=wanted)) == (status, Failure.NONE if good else Failure.STATUS)


def test_a_connection_that_the_request_closes_is_not_used_again() -> None:
    def respond(_connection: int, _request: int, asked: bytes) -> Reply:
        assert b"\r\nConnection: close\r\n" in asked
        return [head(b"content-length: 2", b"connection: close") + b"ok", None]

    async def measure() -> list[int]:
        async with scripted(respond) as server:
            samples = await ask(server, Request("GET", "/", (("Connection", "close"),), contains=b"ok"), times=2)
            assert not samples.failure.any()
            return [len(each) for each in server.asked]

    assert run(measure()) == [1, 1]


def test_an_expectation_is_sent_with_the_body_and_what_answers_it_is_passed_over() -> None:
    request = Request("POST", "/", (("Expect", "100-continue"),), b"body", contains=b"ok")
    assert outcome([head(status=b"100 Continue"), OK], request) == (200, Failure.NONE)


class Shop:
    """Answers of a server at which one logs in, places orders and looks at them."""

    def __init__(self, *, forgets: bool = False) -> None:
        self.asked: list[bytes] = []
        self._forgets = forgets

    def __call__(self, connection: int, _request: int, asked: bytes) -> Reply:
        method, path = asked.split()[:2]
        token = next((line[15:] for line in asked.split(b"\r\n") if line.startswith(b"authorization:")), b"")
        self.asked.append(b" ".join([method, path, token]).strip())
        body = b'{"token": "t%d"}' % connection if path == b"/login" else b'{"id": %d}' % len(self.asked)
        if self._forgets and path == b"/order" and len(self.asked) < 4:
            body = b"{}"
        packed = gzip.compress(body)
        return [head(b"content-encoding: gzip", b"x-id: %d" % connection, b"content-length: %d" % len(packed)) + packed]


SEQUENCE = (
    Request("GET", "/login", takes=(("token", "$.token"), ("who", "header:X-Id")), once=True),
    Request("GET", "/order", (("authorization", "${token}"),), takes=(("id", "$.id"),)),
    Request("GET", "/order/${id}?${who}&${row}", (("authorization", "${token}"),)),
)


def go_through(shop: Shop, asks: Sequence[int]) -> tuple[list[bytes], Samples, int]:
    """Let users go through the sequence, in the order of the numbers; return what was asked, and the next row."""

    async def measure() -> tuple[list[bytes], Samples, int]:
        values = Values("rows.csv", "", ("row",), (("r0",), ("r1",), ("r2",)))
        async with scripted(shop) as server:
            log = RequestLog(time.perf_counter())
            clients = [Client(server.url, SEQUENCE, log, None, Variables(values=values)) for _ in range(2)]
            clients[1].fresh = clients[0].fresh
            users = [client.sequence_user() for client in clients]
            for number in asks:
                await asyncio.wait_for(clients[number].ask_next(users[number]), 5)
            for client in clients:
                await client.close()
            return shop.asked, log.samples(), clients[0].fresh.next_row if clients[0].fresh else 0

    return run(measure())


def test_each_user_goes_his_own_way_and_logs_in_once() -> None:
    asked, samples, next_row = go_through(Shop(), [0, 1, 0, 0, 1, 0, 0, 1])
    assert asked == [
        b"GET /login",
        b"GET /login",
        b"GET /order t0",
        b"GET /order/3?0&r0 t0",
        b"GET /order t1",
        b"GET /order t0",
        b"GET /order/6?0&r2 t0",
        b"GET /order/5?1&r1 t1",
    ]
    assert not samples.failure.any()
    assert samples.request.tolist() == [0, 0, 1, 2, 1, 1, 2, 2]
    assert next_row == 3


def test_an_answer_without_what_is_to_be_taken_has_failed_and_the_user_starts_over() -> None:
    asked, samples, _ = go_through(Shop(forgets=True), [0] * 5)
    assert [each.split()[1] for each in asked] == [b"/login", b"/order", b"/login", b"/order", b"/order/4?0&r1"]
    assert [Failure(each).name for each in samples.failure] == ["NONE", "BODY", "NONE", "NONE", "NONE"]


def refusing(status: bytes, body: bytes, *lines: bytes) -> Reply:
    return [head(b"content-length: %d" % len(body), *lines, status=status) + body]


@pytest.mark.parametrize(
    ("reply", "example"),
    [
        (
            refusing(b"404 Not Found", b'{"detail":"Not Found"}'),
            FailureExample(0, Failure.STATUS, 404, body='{"detail":"Not Found"}'),
        ),
        (
            refusing(b"307 Temporary Redirect", b"", b"Location: /shelf/"),
            FailureExample(0, Failure.STATUS, 307, location="/shelf/"),
        ),
        (
            refusing(b"500 Oh", gzip.compress(b"gone wrong"), b"content-encoding: gzip"),
            FailureExample(0, Failure.STATUS, 500, body="gone wrong"),
        ),
        (
            refusing(b"500 Oh", b"plain", b"content-encoding: gzip"),
            FailureExample(0, Failure.STATUS, 500, body="plain"),
        ),
        (
            refusing(b"200 OK", b'{"error":"no rows"}'),
            FailureExample(0, Failure.BODY, 200, body='{"error":"no rows"}', reason="does not hold “ok”"),
        ),
        (
            refusing(b"200 OK", b"plain", b"content-encoding: gzip"),
            FailureExample(0, Failure.BODY, 200, body="plain", reason="is not the gzip that its head says"),
        ),
        ([None], FailureExample(0, Failure.DISCONNECT)),
    ],
)
def test_what_came_instead_of_a_good_answer_is_kept_once(reply: Reply, example: FailureExample) -> None:
    assert noted(reply, times=3).examples.all() == (example,)


def test_a_redirection_to_the_same_server_is_told_by_its_path() -> None:
    async def measure() -> RequestLog:
        async with scripted(
            lambda *_: refusing(b"307 Moved", b"", b"location: " + server.url.encode() + b"/b/")
        ) as server:
            return await asked(server)

    assert [each.location for each in run(measure()).examples.all()] == ["/b/"]


def test_of_good_answers_nothing_is_kept_but_how_large_they_are() -> None:
    log = noted([OK], GET, Request("GET", "/other"), times=5)
    assert log.examples.all() == ()
    assert log.good_bytes() == (BodyBytes(0, 3, 6), BodyBytes(1, 2, 4))


def test_failed_answers_do_not_count_as_large_or_small() -> None:
    assert noted(refusing(b"404 No", b"x" * 500)).good_bytes() == ()


def test_a_body_is_counted_as_it_was_sent_whether_it_is_looked_at_or_not() -> None:
    packed = gzip.compress(b"ok" * 5000)
    reply = [head(b"content-encoding: gzip", b"content-length: %d" % len(packed)) + packed[:20], packed[20:]]
    for request in (GET, Request("GET", "/")):
        assert noted(reply, request).good_bytes() == (BodyBytes(0, 1, len(packed)),)
    assert noted([CHUNKED], Request("GET", "/")).good_bytes() == (BodyBytes(0, 1, 2),)
    assert noted([head(b"content-length: 700")], Request("HEAD", "/")).good_bytes() == (BodyBytes(0, 1, 0),)


def answer_to(request: Request, reply: bytes) -> Answer:
    """Return what the client keeps of an answer."""

    class Keeping(Connection):
        kept: Answer

        async def exchange(self, message: Message, log: RequestLog) -> Answer:
            Keeping.kept = await super().exchange(message, log)
            return self.kept

    async def measure() -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("loadtests.drivers.connection.Connection", Keeping)
            async with scripted(lambda *_: [reply]) as server:
                await asked(server, request)

    run(measure())
    return Keeping.kept


@pytest.mark.parametrize(
    ("request_", "status", "sent", "kept"),
    [
        (Request("GET", "/"), b"200 OK", 3 * KEPT_BYTES, 0),
        (GET, b"200 OK", 3 * KEPT_BYTES, KEPT_BYTES),
        (GET, b"500 Oh", 3 * KEPT_BYTES, EXAMPLE_BYTES),
        (GET, b"500 Oh", 10, 10),
    ],
)
def test_a_body_of_any_size_takes_no_more_memory_than_it_may(
    request_: Request, status: bytes, sent: int, kept: int
) -> None:
    answer = answer_to(request_, head(b"content-length: %d" % sent, status=status) + b"x" * sent)
    assert sum(map(len, answer.pieces)) == kept
    assert answer.body_bytes == sent


def test_what_comes_after_the_part_that_is_looked_at_is_as_good_as_missing() -> None:
    size = KEPT_BYTES + 100
    late = [head(b"content-length: %d" % size) + b"x" * (size - 2) + b"ok"]
    [example] = noted(late).examples.all()
    assert (example.failure, example.status) == (Failure.BODY, 200)
    assert example.reason == "does not hold “ok” in its first 4 MiB, and no more is looked at"
    early = [head(b"content-length: %d" % size) + b"ok" + b"x" * (size - 2)]
    assert outcome(early) == (200, Failure.NONE)


def test_a_small_body_that_holds_very_much_is_looked_at_as_far_as_any_other() -> None:
    packed = gzip.compress(b"x" * (3 * KEPT_BYTES) + b"ok")
    reply = refusing(b"200 OK", packed, b"content-encoding: gzip")
    [example] = noted(reply).examples.all()
    assert example.reason == "does not hold “ok” in its first 4 MiB, and no more is looked at"
    assert outcome(reply, Request("GET", "/")) == (200, Failure.NONE)


def test_a_compressed_body_without_its_end_is_no_good_one() -> None:
    packed = gzip.compress(b"ok, and more")
    assert outcome(refusing(b"200 OK", packed[:-9], b"content-encoding: gzip")) == (200, Failure.BODY)


def test_why_no_connection_is_had_is_kept() -> None:
    async def measure() -> RequestLog:
        async with scripted(lambda *_: [OK]) as server:
            url = server.url
        log = RequestLog(time.perf_counter())
        client = Client(url, (GET,), log)
        assert not await client.ask(0)
        assert not await client.ask(1)
        return log

    assert run(measure()).examples.all() == (FailureExample(0, Failure.CONNECT, reason="connection refused"),)


def test_a_name_that_nobody_has_is_told() -> None:
    async def measure() -> RequestLog:
        log = RequestLog(time.perf_counter())
        await Client("http://nobody.invalid:80", (GET,), log).ask(0)
        return log

    [example] = run(measure()).examples.all()
    assert (example.failure, example.reason) == (Failure.CONNECT, "name not found")


@pytest.mark.parametrize(
    ("trusted", "failures"),
    [("environment", [0] * 3), ("file", [0] * 3), ("any", [0] * 3), ("nobody", [Failure.CONNECT] * 3)],
)
def test_https_is_measured_if_the_certificate_is_trusted(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, trusted: str, failures: list[int]
) -> None:
    file = str(certificate / "cert.pem")
    if trusted == "environment":
        monkeypatch.setenv("SSL_CERT_FILE", file)
    trust = {"file": Trust(file), "any": Trust(insecure=True)}.get(trusted, SYSTEMS)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(file, certificate / "key.pem")

    async def measure() -> tuple[RequestLog, list[int]]:
        asyncio.get_running_loop().set_exception_handler(lambda *_: None)  # the client refuses the certificate
        async with scripted(lambda *_: [OK], ssl=context) as server:
            log = await asked(server, times=3, trust=trust)
            return log, [len(each) for each in server.asked]

    log, connections = run(measure())
    assert list(log.samples().failure) == failures
    assert connections == ([] if trusted == "nobody" else [3])
    if trusted == "nobody":
        [example] = log.examples.all()
        assert example.reason.startswith("certificate verify failed: self")
        assert "--cafile cert.pem" in example.reason
