from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.contract.conftest import new_post, new_user

Row = dict[str, Any]


@pytest.mark.every_database
def test_a_new_post_carries_its_author_and_the_time_in_utc(client: httpx.Client, user: Row) -> None:
    answer = client.post("/api/posts", json={"title": "T" * 100, "content": "C", "user_id": user["id"]})
    assert answer.status_code == 201
    post = answer.json()
    assert post == {
        "id": post["id"],
        "title": "T" * 100,
        "content": "C",
        "user_id": user["id"],
        "date_posted": post["date_posted"],
        "author": user,
    }
    assert post["date_posted"].endswith("Z")
    assert abs(datetime.fromisoformat(post["date_posted"]) - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.every_database
def test_every_later_answer_prints_the_same_date(client: httpx.Client, user: Row, post: Row) -> None:
    url = f"/api/posts/{post['id']}"
    answers = [
        client.get(url).json(),
        next(other for other in client.get("/api/posts").json() if other["id"] == post["id"]),
        client.get(f"/api/users/{user['id']}/posts").json()[0],
        client.patch(url, json={}).json(),
        client.put(url, json={"title": post["title"], "content": post["content"], "user_id": user["id"]}).json(),
    ]
    assert answers == [post] * 5


@pytest.mark.every_database
def test_posts_are_listed_newest_first_with_ties_by_id(client: httpx.Client, user: Row) -> None:
    new_post(client, user)
    new_post(client, user)
    for url in ("/api/posts", f"/api/users/{user['id']}/posts"):
        posts = client.get(url).json()
        assert posts == sorted(
            posts, key=lambda post: (datetime.fromisoformat(post["date_posted"]), post["id"]), reverse=True
        )
        assert all(post["author"]["id"] == post["user_id"] for post in posts)


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"title": "x" * 101},
        {"title": None},
        {"content": ""},
        {"content": None},
        {"user_id": None},
        {"user_id": "1"},
        {"user_id": 1.0},
        {"user_id": True},
        {"user_id": 2**63},
        {"user_id": -(2**63) - 1},
    ],
)
def test_a_post_must_be_whole_and_of_the_right_types(client: httpx.Client, post: Row, change: Row) -> None:
    body = {"title": "x", "content": "y", "user_id": post["user_id"]}
    missing = {key: value for key, value in body.items() if key not in change}
    for wrong in (body | change, missing):
        assert client.post("/api/posts", json=wrong).status_code == 422
        assert client.put(f"/api/posts/{post['id']}", json=wrong).status_code == 422
    assert client.get(f"/api/posts/{post['id']}").json() == post


@pytest.mark.every_database
@pytest.mark.parametrize("user_id", [999_999, 0, -1, 2**63 - 1, -(2**63)])
def test_a_post_needs_an_author(client: httpx.Client, post: Row, user_id: int) -> None:
    body = {"title": "x", "content": "y", "user_id": user_id}
    for answer in (client.post("/api/posts", json=body), client.put(f"/api/posts/{post['id']}", json=body)):
        assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})


@pytest.mark.every_database
def test_no_such_post(client: httpx.Client, user: Row) -> None:
    body = {"title": "x", "content": "y", "user_id": user["id"]}
    for answer in (
        client.get("/api/posts/999999"),
        client.put("/api/posts/999999", json=body),
        client.put("/api/posts/999999", json=body | {"user_id": 999_999}),
        client.patch("/api/posts/999999", json={}),
        client.delete("/api/posts/999999"),
        client.get("/api/posts/0"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Post not found"})


@pytest.mark.every_database
def test_put_replaces_everything_but_the_date(client: httpx.Client, post: Row) -> None:
    other = new_user(client)
    answer = client.put(f"/api/posts/{post['id']}", json={"title": "New", "content": "Newer", "user_id": other["id"]})
    expected = post | {"title": "New", "content": "Newer", "user_id": other["id"], "author": other}
    assert (answer.status_code, answer.json()) == (200, expected)
    assert client.get(f"/api/posts/{post['id']}").json() == expected
    assert client.get(f"/api/users/{post['user_id']}/posts").json() == []
    assert client.get(f"/api/users/{other['id']}/posts").json() == [expected]


@pytest.mark.every_database
def test_patch_changes_only_what_is_sent(client: httpx.Client, post: Row) -> None:
    url = f"/api/posts/{post['id']}"
    assert client.patch(url, json={}).json() == post
    assert client.patch(url, json={"title": "New"}).json() == post | {"title": "New"}
    assert client.patch(url, json={"content": "New", "user_id": 1}).json() == post | {
        "title": "New",
        "content": "New",
    }
    for wrong in ({"title": None}, {"content": None}, {"title": ""}, {"title": "x" * 101}, {"content": ""}):
        assert client.patch(url, json=wrong).status_code == 422


@pytest.mark.every_database
def test_a_post_can_be_deleted_once(client: httpx.Client, user: Row, post: Row) -> None:
    deleted = client.delete(f"/api/posts/{post['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.delete(f"/api/posts/{post['id']}").status_code == 404
    assert client.get(f"/api/posts/{post['id']}").status_code == 404
    assert client.get(f"/api/users/{user['id']}").json() == user
