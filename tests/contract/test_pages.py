from html import escape
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from tests.contract.conftest import new_post

Row = dict[str, Any]
ATTACK = """<script>alert("1")</script>' onerror=x {{ 7*7 }} &amp;"""


def page(client: httpx.Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    return answer.text


def test_home_and_posts_show_the_same_cards(client: httpx.Client, user: Row) -> None:
    post = new_post(client, user, "A title for the home page", "Line one\nLine two")
    for url in ("/", "/posts"):
        text = page(client, url)
        assert "<title>Home</title>" in text
        assert f'href="/posts/{post["id"]}"' in text
        assert f'href="/users/{user["id"]}/posts"' in text
        assert "A title for the home page" in text
        assert "Line one\nLine two" in text
        assert '<img class="avatar" src="/static/profile_pics/default.jpg" alt=""' in text


@pytest.mark.every_database
def test_seed_posts_show_avatars_and_dates_without_leading_zeros(client: httpx.Client) -> None:
    text = page(client, "/posts/1")
    assert '<time datetime="2026-11-04T09:30:00+00:00">November 4, 2026</time>' in text
    assert 'src="/media/profile_pics/ada.jpg"' in text
    assert "November 23, 2026" in page(client, "/posts/20")


def test_a_posts_title_is_cut_at_fifty_characters(client: httpx.Client, user: Row) -> None:
    post = new_post(client, user, "0123456789" * 6, "Content")
    text = page(client, f"/posts/{post['id']}")
    assert f"<title>{'0123456789' * 5}</title>" in text
    assert "0123456789" * 6 in text


@pytest.mark.every_database
def test_a_users_page_lists_their_posts_newest_first(client: httpx.Client, user: Row) -> None:
    empty = page(client, f"/users/{user['id']}/posts")
    assert f"<title>{escape(user['username'])}&#39;s Posts</title>" in empty
    assert "No posts by this user yet." in empty
    new_post(client, user, "First")
    new_post(client, user, "Second")
    text = page(client, f"/users/{user['id']}/posts")
    assert text.index("Second") < text.index("First")
    assert "No posts by this user yet." not in text


def test_seed_has_an_author_without_posts(client: httpx.Client) -> None:
    assert "No posts by this user yet." in page(client, "/users/5/posts")


def test_user_text_is_escaped_everywhere(client: httpx.Client, user: Row) -> None:
    changes = {"username": ATTACK[:50], "image_file": ATTACK}
    assert client.patch(f"/api/users/{user['id']}", json=changes).status_code == 200
    post = new_post(client, user, ATTACK, ATTACK)
    for url in ("/", f"/posts/{post['id']}", f"/users/{user['id']}/posts"):
        text = page(client, url)
        assert "<script>alert" not in text
        assert "onerror=x" in text  # as text
        assert "' onerror" not in text
        assert "{{ 7*7 }}" in text
        assert "49" not in text.split("{{")[1][:20]
    client.delete(f"/api/users/{user['id']}")


@pytest.mark.parametrize(
    ("url", "status", "message"),
    [
        ("/posts/999999", 404, "Post not found"),
        ("/users/999999/posts", 404, "User not found"),
        ("/posts/0", 404, "Post not found"),
        ("/nowhere", 404, "Not Found"),
        ("/apiary", 404, "Not Found"),
        ("/static/nothing.css", 404, "Not Found"),
        ("/media/profile_pics/nobody.jpg", 404, "Not Found"),
        ("/posts/one", 422, "Invalid request. Please check your input and try again."),
        ("/users/one/posts", 422, "Invalid request. Please check your input and try again."),
        (f"/posts/{2**63}", 422, "Invalid request. Please check your input and try again."),
    ],
)
def test_errors_outside_the_api_are_pages(client: httpx.Client, url: str, status: int, message: str) -> None:
    text = page(client, url, status)
    assert f"<title>{status}</title>" in text
    assert message in text


@pytest.mark.parametrize("url", ["/api", "/api/", "/api/nowhere", "/api/posts/1/nothing"])
def test_errors_under_the_api_are_json(client: httpx.Client, url: str) -> None:
    answer = client.get(url)
    assert (answer.status_code, answer.json()) == (404, {"detail": "Not Found"})


@pytest.mark.parametrize("url", ["/", "/posts", "/posts/1", "/api/posts", "/api/posts/1", "/api/users/1"])
@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "POST", "TRACE"])
def test_a_method_that_is_not_allowed_is_told_what_is(client: httpx.Client, url: str, method: str) -> None:
    if (method, url) == ("POST", "/api/posts"):
        method = "DELETE"
    answer = client.request(method, url)
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]
    assert answer.headers["content-type"].startswith("application/json" if url.startswith("/api") else "text/html")


@pytest.mark.parametrize(
    ("url", "media_type"),
    [
        ("/static/blog.css", "text/css"),
        ("/static/theme.js", "javascript"),
        ("/static/favicon.svg", "image/svg+xml"),
        ("/static/profile_pics/default.jpg", "image/jpeg"),
        ("/media/profile_pics/ada.jpg", "image/jpeg"),
    ],
)
def test_everything_is_served_locally(client: httpx.Client, url: str, media_type: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 200
    assert media_type in answer.headers["content-type"]
    assert client.get(url, headers={"if-none-match": answer.headers["etag"]}).status_code == 304


def test_pages_ask_no_other_host_and_are_well_formed(client: httpx.Client) -> None:
    for url in ("/", "/posts/1", "/users/1/posts", "/users/5/posts", "/nowhere"):
        text = client.get(url).text
        assert "http://" not in text
        assert "https://" not in text
        assert 'lang="en"' in text
        assert 'name="viewport"' in text
        assert text.count("<h1") == 1
        body = text[text.index("<body>") : text.index("</body>") + 7]
        for void in ("img", "input"):
            body = "".join(
                part if not index else f"<{void}" + part.replace(">", "/>", 1)
                for index, part in enumerate(body.split(f"<{void}"))
            )
        ElementTree.fromstring(body.replace(" hidden>", ">").replace(" checked/>", "/>"))  # noqa: S314 - our own text


@pytest.mark.parametrize("host", ["[", "[::1", "a b", "x/api/", "evil.example"])
def test_a_strange_host_changes_nothing(client: httpx.Client, host: str) -> None:
    for url in ("/", "/nowhere", "/api/nowhere"):
        assert client.get(url, headers={"host": host}).text == client.get(url).text
