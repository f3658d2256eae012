from typing import Any

import httpx
import pytest

JSON = {"content-type": "application/json"}

BODIES = {
    "nothing": (b"", 422),
    "null": (b"null", 422),
    "a list": (b"[]", 422),
    "a string": (b'"x"', 422),
    "cut off": (b'{"username": "x', 422),
    "NUL": (
        rb'{"username": "a\u0000b", "title": "a\u0000", "content": "\u0000", "image_file": "\u0000"}',
        422,
    ),
    "a NUL in an address": (rb'{"email": "a\u0000@example.com", "title": "\u0000"}', 422),
    "lone surrogates": (rb'{"username": "\ud800", "title": "\udfff", "content": "\ud800"}', 422),
    "a surrogate in an unknown field": (rb'{"\ud800": "\ud800", "username": 1, "title": 1}', 422),
    "NaN": (b'{"username": NaN, "title": NaN}', 422),
    "Infinity": (b'{"username": -Infinity, "title": [Infinity], "user_id": Infinity}', 422),
    "a float beyond all": (b'{"username": 1e999, "title": 1e999, "user_id": 1e999}', 422),
    "an integer of 4000 digits": (
        b'{"username": %s, "title": 1, "user_id": %s}' % (b"9" * 4000, b"9" * 4000),
        422,
    ),
    "an integer of 5000 digits": (b'{"username": %s}' % (b"9" * 5000), 400),
    "nested 300 deep": (b'{"username": %s1%s, "title": {}}' % (b"[" * 300, b"]" * 300), 422),
    "nested 100000 deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "no UTF-8": (b'{"username": "\xff", "title": "\xff"}', 400),
}
ROUTES = [
    ("POST", "/api/users"),
    ("PATCH", "/api/users/1"),
    ("POST", "/api/posts"),
    ("PUT", "/api/posts/1"),
    ("PATCH", "/api/posts/1"),
]


@pytest.mark.every_database
@pytest.mark.parametrize("name", BODIES)
def test_a_bad_body_is_the_clients_fault(client: httpx.Client, name: str) -> None:
    body, status = BODIES[name]
    for method, url in ROUTES:
        answer = client.request(method, url, content=body, headers=JSON)
        assert answer.status_code == status, (method, url, answer.text)
        assert "detail" in answer.json()


@pytest.mark.parametrize(
    "request_",
    [
        {"data": {"username": "x", "title": "x"}},
        {"files": {"username": b"x"}},
        {"content": b"\xff\xfe", "headers": {"content-type": "application/x-www-form-urlencoded"}},
        {"content": b'{"username": "x"}', "headers": {"content-type": "text/plain"}},
        {"content": b"\xff\xfe", "headers": {"content-type": "text/plain; charset=nonsense"}},
        {"content": b'{"username": "x"}'},
    ],
    ids=["form", "multipart", "broken form", "text", "bytes", "no type"],
)
def test_a_body_of_the_wrong_type_is_422(client: httpx.Client, request_: Any) -> None:
    for method, url in ROUTES:
        answer = client.request(method, url, **request_)
        assert answer.status_code == 422
        assert "detail" in answer.json()


@pytest.mark.every_database
@pytest.mark.parametrize(
    "number", ["x", "1.5", "%00", "1%00", "1%FF", "1e3", str(2**63), str(-(2**63) - 1), "9" * 5000]
)
def test_an_id_that_is_no_64_bit_integer_is_422(client: httpx.Client, number: str) -> None:
    for url in (f"/api/users/{number}", f"/api/users/{number}/posts", f"/api/posts/{number}"):
        answer = client.get(url)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"][0] == "path"
    assert client.delete(f"/api/posts/{number}").status_code == 422
    assert client.get(f"/posts/{number}").status_code == 422


@pytest.mark.every_database
@pytest.mark.parametrize("number", ["0", "-1", str(2**63 - 1), str(-(2**63))])
def test_an_id_that_nobody_has_is_404(client: httpx.Client, number: str) -> None:
    for url in (f"/api/users/{number}", f"/api/posts/{number}", f"/posts/{number}", f"/users/{number}/posts"):
        assert client.get(url).status_code == 404


@pytest.mark.parametrize(
    "path", ["/static/%00", f"/static/{'a' * 5000}", "/static/%2e%2e/models.py", "/media/..%2fmodels.py"]
)
def test_files_outside_the_folders_are_not_served(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 404
