"""Visitors of the blog, for Locust: a reader, a writer and a client of its API, who think between their requests.

By hand, with Locust's web page at http://127.0.0.1:8089::

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000

It needs nothing but Locust, so that workers on other machines can be given it by their master (``-f -``). `bench run
--driver locust` makes users of its own out of these classes.
"""

import itertools
import random
import re
import uuid

from locust import FastHttpUser, between, events, task
from locust.contrib.fasthttp import LocustBadStatusCode, ResponseContextManager
from locust.env import Environment
from locust.exception import ResponseError

WRITTEN = "Written by a visitor"
"""How the titles of a writer's posts begin. Others leave them alone: they are deleted soon."""
STOP_LIMIT_S = 5.0

_POST_LINK = re.compile(rf'href="[^"]*(/posts/\d+)">(?!{WRITTEN})')
_AUTHOR_LINK = re.compile(r'href="[^"]*(/users/\d+/posts)"')


class WrongStatus(ResponseError):
    """The answer has another status than it should."""


class WrongBody(ResponseError):
    """The status is right, the content is not that of a good answer."""


def expect(response: ResponseContextManager, contains: bytes, status: int | None = 200) -> bool:
    """Settle whether an answer is good: its status (None: any from 200 to 299), and content that a good one has."""
    broken = response.request_meta["exception"]
    if broken is not None and not isinstance(broken, LocustBadStatusCode):
        return False  # no answer, or half of one: the response reports itself
    right = 200 <= response.status_code < 300 if status is None else response.status_code == status
    if not right:
        response.failure(WrongStatus(f"status {response.status_code} instead of {status or '2xx'}"))
    elif contains not in (response.content or b""):
        response.failure(WrongBody(f"no {contains.decode()!r} in the answer"))
    else:
        response.success()
        return True
    return False


def let_users_finish(environment: Environment, **_: object) -> None:
    """Let users finish the request they are in when the test is stopped: a writer has to know what to delete."""
    environment.stop_timeout = environment.stop_timeout or STOP_LIMIT_S


events.init.add_listener(let_users_finish)


class Visitor(FastHttpUser):
    """What all visitors have in common: they think for a while between two requests."""

    abstract = True
    wait_time = between(1, 3)

    def think(self) -> None:
        """Do nothing for a while; a user who is to stop stops here."""
        self.wait()  # type: ignore[no-untyped-call]  # Locust's

    def get(self, path: str, contains: str, name: str | None = None) -> str | None:
        """Return what is at ``path``, or None, which counts as a failure, if it is not a good answer."""
        with self.client.get(path, name=name or path, catch_response=True) as response:
            return response.text if expect(response, contains.encode()) else None


class Reader(Visitor):
    """Somebody with a browser, who follows links: the home page, one of its posts, the page of its author."""

    weight = 6

    @task
    def browse(self) -> None:
        """Read for a while; a page that fails ends the visit."""
        home = self.get("/", "Latest posts")
        posts = _POST_LINK.findall(home or "")
        if not posts:
            return
        self.think()
        post = self.get(random.choice(posts), '<article class="card">', "/posts/[id]")
        author = _AUTHOR_LINK.search(post or "")
        if author is None:
            return
        self.think()
        self.get(author[1], "Posts by", "/users/[id]/posts")


class ApiClient(Visitor):
    """A program that walks through the JSON API: all posts, one of them, its author, the author's posts."""

    weight = 3

    @task
    def walk(self) -> None:
        """Ask for what the answer before names."""
        with self.client.get("/api/posts", catch_response=True) as response:
            good = expect(response, b"[")
            posts = [post for post in response.json() if not post["title"].startswith(WRITTEN)] if good else []
        if not posts:
            return
        post = random.choice(posts)
        self.think()
        if self.get(f"/api/posts/{post['id']}", f'"id":{post["id"]},', "/api/posts/[id]") is None:
            return
        author = post["user_id"]
        self.think()
        if self.get(f"/api/users/{author}", f'"id":{author},', "/api/users/[id]") is None:
            return
        self.think()
        self.get(f"/api/users/{author}/posts", f'"user_id":{author},', "/api/users/[id]/posts")


class Writer(Visitor):
    """An author who posts, edits what was posted, and deletes it; nothing is left, also when the test is stopped."""

    weight = 1
    author_id = 1
    """Who it writes as: a user that the blog must have. A fresh one has."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._post: int | None = None
        self._title = f"{WRITTEN} {uuid.uuid4()}"
        self._edits = itertools.count()

    @task
    def write(self) -> None:
        """Post, edit, delete."""
        body = {"title": self._title, "content": "One of many posts like it. " * 8, "user_id": self.author_id}
        with self.client.post("/api/posts", json=body, catch_response=True) as response:
            if expect(response, f'"title":"{self._title}"'.encode(), 201):
                self._post = int(response.json()["id"])
        if self._post is None:
            return
        self.think()
        edited = f"Edited for the {next(self._edits)}. time."
        path = f"/api/posts/{self._post}"
        with self.client.patch(path, json={"content": edited}, name="/api/posts/[id]", catch_response=True) as response:
            expect(response, f'"content":"{edited}"'.encode())
        self.think()
        self._delete()

    def on_stop(self) -> None:
        """Delete what was posted and not yet deleted."""
        self._delete()

    def _delete(self) -> None:
        if self._post is None:
            return
        path = f"/api/posts/{self._post}"
        with self.client.delete(path, name="/api/posts/[id]", catch_response=True) as response:
            if expect(response, b"", 204):
                self._post = None
