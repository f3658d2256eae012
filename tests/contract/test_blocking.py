import asyncio
from pathlib import Path

import pytest
from blockbuster import BlockingError, blockbuster_ctx

from tests.contract.in_process import in_process

W = "/api/workloads"
PITFALLS = [f"{W}/blocking?wait_ms=1", f"{W}/blocking-session?wait_ms=1", f"{W}/blocking-client?wait_ms=1"]
POST = {"title": "x", "content": "y", "user_id": 1}
ROUTES = [
    *[("GET", url, None) for url in ("/", "/posts", "/posts/1", "/posts/999", "/posts/x", "/users/1/posts", "/no")],
    *[("GET", url, None) for url in ("/api/posts", "/api/posts/1", "/api/users/1", "/api/users/1/posts", "/api/no")],
    ("GET", "/static/blog.css", None),
    ("GET", "/media/profile_pics/ada.jpg", None),
    ("GET", "/docs", None),
    ("POST", "/api/users", {"username": "x", "email": "x@example.com"}),
    ("POST", "/api/users", {"username": "x", "email": "x@example.com"}),
    ("PATCH", "/api/users/6", {"username": "z", "image_file": "z"}),
    ("POST", "/api/posts", POST),
    ("POST", "/api/posts", POST | {"user_id": 999}),
    ("PUT", "/api/posts/21", POST | {"user_id": 6}),
    ("PATCH", "/api/posts/21", {"title": "z"}),
    ("DELETE", "/api/posts/21", None),
    ("DELETE", "/api/users/2", None),
    ("GET", f"{W}/noop", None),
    ("GET", f"{W}/query?wait_ms=1", None),
    ("GET", f"{W}/upstream?wait_ms=1&calls=3", None),
    ("GET", f"{W}/upstream?wait_ms=1&calls=3&mode=threads", None),
    ("GET", f"{W}/file?kib=16384", None),
    ("GET", f"{W}/hash?rounds=10", None),
    ("GET", f"{W}/thumbnail?size=16", None),
    ("GET", f"{W}/crunch?rows=10", None),
    ("GET", f"{W}/mixed?cpu_ms=0.1&wait_ms=1", None),
    ("GET", f"{W}/offloaded?rounds=10&to=thread", None),
    ("GET", f"{W}/offloaded?rounds=10&to=process", None),
]


@pytest.mark.parametrize("transport", ["aiohttp", "httpcore"])
def test_only_the_pitfalls_block_the_loop(
    tmp_path: Path, slow_api: str, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    async def ask_everything() -> None:
        async with in_process("async", tmp_path, slow_api, monkeypatch, BLOG_UPSTREAM_TRANSPORT=transport) as client:
            for url in PITFALLS:  # opens the connections that are then blocked on
                assert (await client.get(url)).status_code == 200
            with blockbuster_ctx():
                for url in PITFALLS:
                    with pytest.raises(BlockingError):
                        await client.get(url)
                for method, url, body in ROUTES:
                    answer = await client.request(method, url, json=body)
                    assert answer.status_code < 500, url

    asyncio.run(ask_everything())
