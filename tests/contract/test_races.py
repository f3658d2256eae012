from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import httpx
import pytest

from tests.contract.conftest import new_post, new_user

Row = dict[str, Any]

pytestmark = pytest.mark.every_database


def at_once(*requests: Callable[[], httpx.Response]) -> list[httpx.Response]:
    with ThreadPoolExecutor(len(requests)) as threads:
        return [future.result() for future in [threads.submit(request) for request in requests]]


def test_fifty_identical_users_make_one(client: httpx.Client) -> None:
    body = {"username": "everybody", "email": "everybody@example.com"}
    answers = at_once(*[lambda: client.post("/api/users", json=body)] * 50)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 49}
    assert {answer.json()["detail"] for answer in answers if answer.status_code == 400} == {"Username already exists"}


def test_twenty_users_with_one_address_make_one(client: httpx.Client) -> None:
    def sign_up(number: int) -> httpx.Response:
        return client.post("/api/users", json={"username": f"shared {number}", "email": "shared@example.com"})

    answers = at_once(*[partial(sign_up, number) for number in range(20)])
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 19}
    assert {answer.json()["detail"] for answer in answers if answer.status_code == 400} == {"Email already exists"}


def test_many_renames_to_one_name_let_one_win(client: httpx.Client) -> None:
    users = [new_user(client) for _ in range(20)]
    answers = at_once(
        *[partial(client.patch, f"/api/users/{user['id']}", json={"username": "wanted"}) for user in users]
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: 19}


def test_posts_of_a_user_who_is_being_deleted_leave_no_orphans(client: httpx.Client) -> None:
    for _ in range(3):
        user = new_user(client)
        body = {"title": "late", "content": "x", "user_id": user["id"]}
        answers = at_once(
            *[partial(client.post, "/api/posts", json=body)] * 10,
            partial(client.delete, f"/api/users/{user['id']}"),
            *[partial(client.post, "/api/posts", json=body)] * 10,
        )
        assert {answer.status_code for answer in answers} <= {201, 204, 404}
        assert client.get(f"/api/users/{user['id']}").status_code == 404
        for answer in answers:
            if answer.status_code == 201:
                assert answer.json()["author"] == user
                assert client.get(f"/api/posts/{answer.json()['id']}").status_code == 404
    assert client.get("/").status_code == 200
    assert client.get("/api/posts").status_code == 200


def test_changing_a_post_that_is_being_deleted_is_200_or_404(client: httpx.Client, user: Row) -> None:
    for _ in range(3):
        url = f"/api/posts/{new_post(client, user)['id']}"
        whole = {"title": "x", "content": "y", "user_id": user["id"]}
        answers = at_once(
            *[partial(client.put, url, json=whole)] * 6,
            *[partial(client.patch, url, json={"title": "z"})] * 6,
            *[partial(client.delete, url)] * 3,
            *[partial(client.patch, url, json={"content": "w"})] * 6,
        )
        assert {answer.status_code for answer in answers} <= {200, 204, 404}
        assert {answer.json()["detail"] for answer in answers if answer.status_code == 404} <= {"Post not found"}
        assert client.get(url).status_code == 404


def test_giving_posts_to_a_user_who_is_being_deleted_is_200_or_404(client: httpx.Client, user: Row) -> None:
    for _ in range(3):
        heir = new_user(client)
        urls = [f"/api/posts/{new_post(client, user)['id']}" for _ in range(10)]
        gift = {"title": "x", "content": "y", "user_id": heir["id"]}
        answers = at_once(
            *[partial(client.put, url, json=gift) for url in urls],
            partial(client.delete, f"/api/users/{heir['id']}"),
            *[partial(client.patch, f"/api/users/{heir['id']}", json={"image_file": "x"})] * 5,
        )
        assert {answer.status_code for answer in answers} <= {200, 204, 404}
        assert {answer.json()["detail"] for answer in answers if answer.status_code == 404} <= {
            "User not found",
            "Post not found",
        }
        for post in client.get("/api/posts").json():
            assert post["user_id"] != heir["id"]


def test_deleting_one_thing_many_times_is_204_or_404(client: httpx.Client, user: Row) -> None:
    url = f"/api/users/{user['id']}"
    answers = at_once(*[lambda: client.delete(url)] * 20)
    assert {answer.status_code for answer in answers} <= {204, 404}
    assert client.get(url).status_code == 404


def test_more_readers_than_threads_and_connections_are_all_served(client: httpx.Client) -> None:
    answers = at_once(*[lambda: client.get("/api/posts/1")] * 90)
    assert {answer.status_code for answer in answers} == {200}
