"""One session, played to both builds on fresh databases: every byte that matters is the same."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest

from tests.contract.servers import serve_build

W = "/api/workloads"
POST = {"title": "<b>x</b>", "content": "y\n\nz", "user_id": 1}
JSON = {"content-type": "application/json"}
HEADERS = ("content-type", "content-length", "allow", "location", "cache-control", "etag", "vary", "www-authenticate")
# What a client sees of the two builds that is meant to differ: lazy loading, each build's own description of the
# pitfalls, and CPU time as measured.
DIFFERENT = {f"{W}/lazy", "/openapi.json", f"{W}/mixed?cpu_ms=1&wait_ms=1"}

SESSION: list[tuple[str, str, dict[str, Any]]] = [
    *[("GET", url, {}) for url in ("/", "/posts", "/posts/1", "/posts/20", "/users/1/posts", "/users/5/posts")],
    *[
        ("GET", url, {})
        for url in ("/posts/999", "/posts/x", "/users/999/posts", "/no", "/posts/", "/api/posts/", "/static")
    ],
    *[("GET", url, {}) for url in ("/static/blog.css", "/static/no", "/media/profile_pics/ada.jpg", "/docs", "/redoc")],
    *[
        ("GET", url, {})
        for url in ("/api/posts", "/api/posts/1", "/api/posts/999", "/api/posts/x", "/api/no", "/openapi.json")
    ],
    *[("GET", url, {}) for url in ("/api/users/1", "/api/users/999", f"/api/users/{2**63}", "/api/users/1/posts")],
    *[
        (method, url, {})
        for method in ("HEAD", "OPTIONS", "PUT")
        for url in ("/", "/posts/1", "/api/posts", "/api/users/1")
    ],
    ("POST", "/api/users", {"json": {"username": "x", "email": "x@example.com"}}),
    ("POST", "/api/users", {"json": {"username": "x", "email": "y@example.com"}}),
    ("POST", "/api/users", {"json": {"username": "y", "email": "x@example.com"}}),
    ("POST", "/api/users", {"json": {"username": "", "email": "nobody"}}),
    ("POST", "/api/users", {"content": rb'{"username": "\ud800", "email": NaN}', "headers": JSON}),
    ("POST", "/api/users", {"content": b"{", "headers": JSON}),
    ("POST", "/api/users", {"content": b"9" * 5000, "headers": JSON}),
    ("POST", "/api/users", {"data": {"username": "x"}}),
    ("POST", "/api/users", {}),
    ("PATCH", "/api/users/6", {"json": {"username": "<i>&", "image_file": "a b/<.jpg"}}),
    ("PATCH", "/api/users/6", {"json": {"username": "ada"}}),
    ("PATCH", "/api/users/6", {"json": {"email": None}}),
    ("POST", "/api/posts", {"json": POST}),
    ("POST", "/api/posts", {"json": POST | {"user_id": 999}}),
    ("POST", "/api/posts", {"json": {}}),
    ("GET", "/posts/21", {}),
    ("PUT", "/api/posts/21", {"json": POST | {"user_id": 6}}),
    ("PUT", "/api/posts/21", {"json": POST | {"user_id": 999}}),
    ("PUT", "/api/posts/999", {"json": POST}),
    ("PATCH", "/api/posts/21", {"json": {"title": "z"}}),
    ("PATCH", "/api/posts/21", {"json": {"title": None}}),
    ("GET", "/users/6/posts", {}),
    ("GET", "/api/users/6/posts", {}),
    ("GET", "/", {}),
    ("DELETE", "/api/posts/21", {}),
    ("DELETE", "/api/posts/21", {}),
    ("DELETE", "/api/users/2", {}),
    ("DELETE", "/api/users/2", {}),
    ("GET", "/api/posts", {}),
    *[
        ("GET", f"{W}/{work}", {})
        for work in ("noop", "count", "hash?rounds=9", "thumbnail?size=16", "crunch?rows=9", "file?kib=9")
    ],
    *[("GET", f"{W}/{work}?wait_ms=1", {}) for work in ("query", "blocking", "blocking-session", "blocking-client")],
    *[("GET", f"{W}/{work}", {}) for work in ("mixed?cpu_ms=1&wait_ms=1", "lazy", "hash?rounds=0", "query?wait_ms=x")],
    *[("GET", f"{W}/upstream?wait_ms=1&calls=3&mode={mode}", {}) for mode in ("native", "threads", "none")],
    *[("GET", f"{W}/upstream?wait_ms={broken}", {}) for broken in (13, 14)],
    *[("GET", f"{W}/offloaded?rounds=9&to={to}", {}) for to in ("thread", "process", "none")],
]


@pytest.fixture(scope="module", params=["sqlite", pytest.param("psycopg", marks=pytest.mark.slow), "asyncpg"])
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, slow_api: str
) -> Iterator[list[httpx.Client]]:
    """Serve both builds on databases of one kind; asyncpg, which the sync build can't use, beside psycopg."""
    with ExitStack() as stack:
        servers = []
        for build in ("sync", "async"):
            folder, environment = tmp_path_factory.mktemp(f"alike_{build}"), {}
            if request.param != "sqlite":
                database = request.getfixturevalue("postgres").new(folder, "alike")
                database.create()
                environment = {
                    "BLOG_DATABASE_URL": database.url,
                    "BLOG_DATABASE_DRIVER": request.param if build == "async" else "psycopg",
                }
            servers.append(stack.enter_context(serve_build(build, folder, slow_api, (), **environment)))
        yield [stack.enter_context(server.client()) for server in servers]


def seen(client: httpx.Client, method: str, url: str, request: dict[str, Any]) -> tuple[int, dict[str, str], str]:
    """Return what a client sees, with times, and the server's own address, taken out."""
    answer = client.request(method, url, **request)
    headers = {
        name: answer.headers[name].replace(str(client.base_url), "") for name in HEADERS if name in answer.headers
    }
    body = answer.content.decode("latin-1")
    times = re.compile(r"20\d\d-\d\d-\d\dT[\d:.]+(Z|\+00:00)")
    return answer.status_code, headers, times.sub(lambda time: f"a time of {len(time[0])}", body)


def test_both_builds_answer_alike(both: list[httpx.Client]) -> None:
    for method, url, request in SESSION:
        in_sync, in_async = (seen(client, method, url, request) for client in both)
        if url in DIFFERENT:
            assert in_sync != in_async, f"{url} need not be declared"
        else:
            assert in_sync == in_async, (method, url)
        assert in_sync[0] < 500 or "upstream" in url


def test_openapi_differs_in_descriptions_only(both: list[httpx.Client]) -> None:
    sync, async_ = (client.get("/openapi.json").json() for client in both)
    assert without_descriptions(sync) == without_descriptions(async_)


def test_openapi_says_that_null_is_refused_and_nothing_is_defaulted(both: list[httpx.Client]) -> None:
    schemas = both[0].get("/openapi.json").json()["components"]["schemas"]
    for name in ("UserUpdate", "PostUpdate"):
        assert "required" not in schemas[name]
        for field, schema in schemas[name]["properties"].items():
            assert "default" not in schema
            assert ("null" in str(schema)) == (field == "image_file")


def without_descriptions(node: Any) -> Any:
    if isinstance(node, dict):
        # the lazy pitfall is the one route that can answer 409, and only where nothing loads lazily
        return {k: without_descriptions(v) for k, v in node.items() if k not in ("description", "409")}
    return [without_descriptions(item) for item in node] if isinstance(node, list) else node
