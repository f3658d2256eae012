from typing import Any

import httpx
import pytest

from tests.contract.conftest import new_post, new_user

User = dict[str, Any]


@pytest.mark.every_database
def test_a_new_user_is_answered_whole(client: httpx.Client) -> None:
    answer = client.post("/api/users", json={"username": "Zoë 🙂", "email": "zoe@Example.COM"})
    assert answer.status_code == 201
    user = answer.json()
    assert user == {
        "id": user["id"],
        "username": "Zoë 🙂",
        "email": "zoe@example.com",
        "image_file": None,
        "image_path": "/static/profile_pics/default.jpg",
    }
    assert client.get(f"/api/users/{user['id']}").json() == user


@pytest.mark.every_database
def test_a_taken_name_is_reported_before_a_taken_address(client: httpx.Client, user: User) -> None:
    both = client.post("/api/users", json={"username": user["username"], "email": user["email"]})
    address = client.post("/api/users", json={"username": "someone new", "email": user["email"]})
    assert (both.status_code, both.json()) == (400, {"detail": "Username already exists"})
    assert (address.status_code, address.json()) == (400, {"detail": "Email already exists"})


@pytest.mark.parametrize(
    ("username", "email"),
    [
        ("", "a@example.com"),
        ("x" * 51, "a@example.com"),
        ("x", ""),
        ("x", "nobody"),
        ("x", "a@b@example.com"),
        ("x", f"{'a' * 60}@{'b' * 60}.example.com"),
        (1, "a@example.com"),
        (None, "a@example.com"),
        ("x", None),
    ],
)
def test_a_user_needs_a_name_of_50_and_a_valid_address_of_120(client: httpx.Client, username: Any, email: Any) -> None:
    answer = client.post("/api/users", json={"username": username, "email": email})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][0] == "body"


@pytest.mark.every_database
def test_limits_are_inclusive(client: httpx.Client) -> None:
    email = f"{'a' * 60}@{'b' * 47}.example.com"
    assert len(email) == 120
    assert client.post("/api/users", json={"username": "x" * 50, "email": email}).status_code == 201


@pytest.mark.every_database
def test_no_such_user(client: httpx.Client) -> None:
    for answer in (
        client.get("/api/users/999999"),
        client.get("/api/users/999999/posts"),
        client.patch("/api/users/999999", json={"username": "x"}),
        client.delete("/api/users/999999"),
        client.get("/api/users/0"),
        client.get("/api/users/-1"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "User not found"})


@pytest.mark.every_database
def test_a_patch_changes_only_what_is_sent(client: httpx.Client, user: User) -> None:
    url = f"/api/users/{user['id']}"
    assert client.patch(url, json={}).json() == user
    changed = client.patch(url, json={"image_file": "me.jpg"}).json()
    assert changed == user | {"image_file": "me.jpg", "image_path": "/media/profile_pics/me.jpg"}
    renamed = client.patch(url, json={"username": f"{user['username']}!", "email": f"new.{user['email']}"}).json()
    assert renamed == changed | {"username": f"{user['username']}!", "email": f"new.{user['email']}"}
    assert client.get(url).json() == renamed
    assert client.patch(url, json={"image_file": None}).json()["image_path"] == "/static/profile_pics/default.jpg"


@pytest.mark.every_database
def test_a_patch_may_repeat_ones_own_name_but_not_take_anothers(client: httpx.Client, user: User) -> None:
    other = new_user(client)
    url = f"/api/users/{user['id']}"
    same = client.patch(url, json={"username": user["username"], "email": user["email"]})
    name = client.patch(url, json={"username": other["username"], "email": other["email"]})
    address = client.patch(url, json={"email": other["email"]})
    assert (same.status_code, same.json()) == (200, user)
    assert (name.status_code, name.json()) == (400, {"detail": "Username already exists"})
    assert (address.status_code, address.json()) == (400, {"detail": "Email already exists"})
    assert client.get(url).json() == user


@pytest.mark.parametrize(
    "changes",
    [
        {"username": None},
        {"email": None},
        {"username": ""},
        {"username": "x" * 51},
        {"email": "x"},
        {"image_file": ""},
        {"image_file": "x" * 201},
    ],
)
def test_a_patch_refuses_null_and_bad_values(client: httpx.Client, user: User, changes: Any) -> None:
    assert client.patch(f"/api/users/{user['id']}", json=changes).status_code == 422


@pytest.mark.every_database
def test_a_users_posts_go_with_them(client: httpx.Client, user: User) -> None:
    post = new_post(client, user)
    assert client.get(f"/api/users/{user['id']}/posts").json() == [post]
    deleted = client.delete(f"/api/users/{user['id']}")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert client.get(f"/api/posts/{post['id']}").status_code == 404
    assert client.get(f"/api/users/{user['id']}/posts").status_code == 404
    assert post["id"] not in [other["id"] for other in client.get("/api/posts").json()]
    assert client.delete(f"/api/users/{user['id']}").status_code == 404


@pytest.mark.every_database
def test_a_deleted_users_id_is_not_given_away(client: httpx.Client, user: User) -> None:
    client.delete(f"/api/users/{user['id']}")
    assert new_user(client)["id"] > user["id"]
