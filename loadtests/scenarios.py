"""The catalogue: what is asked of both sides, and what we expect before we measure."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlencode

from loadtests.errors import UsageError

Kind = Literal["framework", "I/O-bound", "CPU-bound", "mixed", "pitfall", "journey", "custom"]
Parameters = Mapping[str, float]

SEEDED_POSTS = 20
"""Posts in the blog's seed data, ids 1 to 20: what a reader of a fresh database can ask for."""

WORKLOADS = "/api/workloads"


@dataclass(frozen=True)
class Request:
    """One HTTP request and what a good answer looks like.

    Attributes:
        method: HTTP method.
        path: path and query, from the slash on.
        json: body to send, JSON already encoded, or None.
        status: the only status that counts as success.
        contains: bytes that a good answer's body holds; anything else counts as an error.
    """

    method: str
    path: str
    json: bytes | None = None
    status: int = 200
    contains: bytes = b""


@dataclass(frozen=True)
class Journeys:
    """Who is on the way through the blog, in ``loadtests/locustfile.py``; only Locust can drive them.

    Attributes:
        weights: how many of whom, in proportion, by name: ``reader``, ``writer``, ``api_client``.
        think_s: how long a user thinks before a request, on average, in seconds.
    """

    weights: tuple[tuple[str, int], ...]
    think_s: float


@dataclass(frozen=True)
class Scenario:
    """What is asked, its kind and the hypothesis, written before measuring.

    Attributes:
        name: as typed on the command line, parameters included: ``query[wait_ms=50]``.
        kind: where the time is expected to go.
        title: a few words for people who do not know the route.
        hypothesis: what should happen, stated before the run.
        requests: sent in turn, again and again; of a journey: those it is made of.
        wait_s: time that one request spends waiting by design at the most, in seconds (0 where none is built in), or
            that a user thinks before it.
        writes: whether it changes rows, so that the rows are restored after each cell.
        journeys: what users do, if it is more than to send those requests in turn.
    """

    name: str
    kind: Kind
    title: str
    hypothesis: str
    requests: tuple[Request, ...]
    wait_s: float = 0.0
    writes: bool = False
    journeys: Journeys | None = None


@dataclass(frozen=True)
class _Entry:
    """A row of the catalogue: a scenario before its parameters are known."""

    kind: Kind
    title: str
    hypothesis: str
    build: Callable[[Parameters], tuple[Request, ...]]
    defaults: Parameters = field(default_factory=dict)
    writes: bool = False
    journeys: Mapping[str, int] | None = None


def _get(path: str, contains: str) -> Callable[[Parameters], tuple[Request, ...]]:
    return lambda _: (Request("GET", path, contains=contains.encode()),)


def _get_each_post(path: str, contains: str) -> Callable[[Parameters], tuple[Request, ...]]:
    return lambda _: tuple(
        Request("GET", path.format(id=post), contains=contains.format(id=post).encode())
        for post in range(1, SEEDED_POSTS + 1)
    )


def _workload(route: str, contains: str) -> Callable[[Parameters], tuple[Request, ...]]:
    def build(parameters: Parameters) -> tuple[Request, ...]:
        query = urlencode({name: f"{value:g}" for name, value in parameters.items()})
        path = f"{WORKLOADS}/{route}" + (f"?{query}" if query else "")
        return (Request("GET", path, contains=contains.encode()),)

    return build


def _create_post(_: Parameters) -> tuple[Request, ...]:
    body = {"title": "Written under load", "content": "One of very many posts like it. " * 8, "user_id": 1}
    json_body = json.dumps(body).encode()
    return (Request("POST", "/api/posts", json=json_body, status=201, contains=b'"title":"Written under load"'),)


def _journey(*requests: Request) -> Callable[[Parameters], tuple[Request, ...]]:
    return lambda _: requests


_READER = (
    Request("GET", "/", contains=b"</html>"),
    Request("GET", "/posts/1", contains=b"</html>"),
    Request("GET", "/users/1/posts", contains=b"</html>"),
)
_API_CLIENT = (
    Request("GET", "/api/posts", contains=b'"author":'),
    Request("GET", "/api/posts/1", contains=b'"id":1,'),
    Request("GET", "/api/users/1", contains=b'"id":1,'),
    Request("GET", "/api/users/1/posts", contains=b'"user_id":1,'),
)
_WRITER = (
    *_create_post({}),
    Request("PATCH", "/api/posts/1", json=b'{"content":"Edited."}', contains=b'"content":"Edited."'),
    Request("DELETE", "/api/posts/1", status=204),
)
_THINK: Parameters = {"think_ms": 1000}

CATALOGUE: Mapping[str, _Entry] = {
    "noop": _Entry(
        "framework",
        "nothing at all",
        "async is faster: the route does no work, so only the thread hop of `def` is left to see.",
        _workload("noop", "{"),
    ),
    "home_page": _Entry(
        "mixed",
        "the home page, 20 posts as HTML",
        "No large difference: rendering is CPU work, and the query is fast.",
        _get("/", "</html>"),
    ),
    "post_page": _Entry(
        "mixed",
        "one post as HTML",
        "No large difference: one fast query and a small template.",
        _get_each_post("/posts/{id}", "</html>"),
    ),
    "list_posts": _Entry(
        "mixed",
        "20 posts as JSON",
        "No large difference: serialising 20 posts is CPU work.",
        _get("/api/posts", '"author":'),
    ),
    "get_post": _Entry(
        "I/O-bound",
        "one post as JSON: a fast read",
        "Little or no benefit: the query is fast, and SQLite's async driver is a thread hop of its own.",
        _get_each_post("/api/posts/{id}", '"id":{id},'),
    ),
    "create_post": _Entry(
        "I/O-bound",
        "write one post",
        "Little or no benefit: SQLite has one writer at a time, however many wait for it.",
        _create_post,
        writes=True,
    ),
    "query": _Entry(
        "I/O-bound",
        "a slow database query",
        "The tutorial expects async to win; but both builds have one pool size, and should stop at connections ÷ wait.",
        _workload("query", "wait"),
        {"wait_ms": 20},
    ),
    "external_api": _Entry(
        "I/O-bound",
        "one call to a slow external API",
        "async wins once more users wait than `def` has threads; the best case the tutorial names.",
        _workload("upstream", "waited"),
        {"wait_ms": 50},
    ),
    "fan_out": _Entry(
        "I/O-bound",
        "five independent calls to a slow external API",
        "async wins from the first user on: it waits for all five at once, `def` for one after another.",
        _workload("upstream", "waited"),
        {"wait_ms": 50, "calls": 5},
    ),
    "file": _Entry(
        "I/O-bound",
        "read a file and hash it",
        "No benefit: the file is in the page cache, and async file reads are threads underneath.",
        _workload("file", "sha256"),
        {"kib": 64},
    ),
    "hash": _Entry(
        "CPU-bound",
        "hashing in pure Python",
        "No benefit: nothing waits, so there is nothing to overlap.",
        _workload("hash", "digest"),
        {"rounds": 5000},
    ),
    "thumbnail": _Entry(
        "CPU-bound",
        "resize an image (Pillow releases the GIL)",
        "No benefit for async; with more than one core, `def` can even win, because its threads run side by side.",
        _workload("thumbnail", "width"),
        {"size": 256},
    ),
    "crunch": _Entry(
        "CPU-bound",
        "statistics over generated rows",
        "No benefit: nothing waits, so there is nothing to overlap.",
        _workload("crunch", "mean"),
        {"rows": 300},
    ),
    "mixed": _Entry(
        "mixed",
        "a little CPU, then a wait",
        "async wins where users outnumber threads and the wait outweighs threads times the CPU.",
        _workload("mixed", "wait"),
        {"cpu_ms": 0.5, "wait_ms": 50},
    ),
    "blocking": _Entry(
        "pitfall",
        "time.sleep in the handler",
        "async collapses to one request at a time; `def` does not mind.",
        _workload("blocking", "wait"),
        {"wait_ms": 20},
    ),
    "reader": _Entry(
        "journey",
        "readers who follow links and think in between",
        "No difference in throughput, which think time sets on both sides; response times alike, for pages are CPU"
        " work.",
        _journey(*_READER),
        _THINK,
        journeys={"reader": 1},
    ),
    "writer": _Entry(
        "journey",
        "authors who post, edit, delete, and think in between",
        "No difference in throughput, which think time sets on both sides; response times a little longer in async,"
        " whose SQLite driver is a thread hop of its own.",
        _journey(*_WRITER),
        _THINK,
        writes=True,
        journeys={"writer": 1},
    ),
    "api_client": _Entry(
        "journey",
        "programs that walk the JSON API and pause in between",
        "No difference in throughput, which the pauses set on both sides; response times a little longer in async,"
        " whose SQLite driver is a thread hop of its own.",
        _journey(*_API_CLIENT),
        _THINK,
        journeys={"api_client": 1},
    ),
    "visitors": _Entry(
        "journey",
        "six readers to three API clients to one author, who think in between",
        "No difference in throughput, which think time sets on both sides until one of them is full; the response"
        " times say which side that is.",
        _journey(*_READER, *_API_CLIENT, *_WRITER),
        _THINK,
        writes=True,
        journeys={"reader": 6, "api_client": 3, "writer": 1},
    ),
}

LONGEST_THINK = 1.5
"""The longest think time, as a part of the mean; the shortest is as far below it."""

REPRESENTATIVE = ("get_post", "post_page", "create_post", "query", "external_api", "hash", "mixed")
"""What a run measures when no scenario is named: one of each sort."""

_SPEC = re.compile(r"(?P<name>[a-z_]+)(?:\[(?P<parameters>[^\[\]]*)\])?")
_CUSTOM = re.compile(r"GET (?P<path>/[!-~]*)")


def parse_scenario(text: str) -> Scenario:
    """Parse ``name``, ``name[key=value,…]`` or ``GET /path`` (for apps that are not the blog).

    Raises:
        UsageError: the name or a parameter is unknown, or a value is no number.
    """
    if custom := _CUSTOM.fullmatch(text):
        request = Request("GET", custom["path"])
        return Scenario(text, "custom", f"a GET of {custom['path']}", "None was stated.", (request,))
    match = _SPEC.fullmatch(text)
    entry = CATALOGUE.get(match["name"]) if match else None
    if match is None or entry is None:
        close = difflib.get_close_matches(text.split("[", maxsplit=1)[0], CATALOGUE, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise UsageError(f"unknown scenario {text!r}: {hint}`bench list` shows them all")
    given = _parse_parameters(text, match["parameters"] or "", entry.defaults)
    parameters = {**entry.defaults, **given}
    think_s = parameters.get("think_ms", 0) / 1000
    return Scenario(
        name=match["name"] + (f"[{','.join(f'{k}={v:g}' for k, v in given.items())}]" if given else ""),
        kind=entry.kind,
        title=entry.title,
        hypothesis=entry.hypothesis,
        requests=entry.build(parameters),
        wait_s=parameters.get("wait_ms", 0) * parameters.get("calls", 1) / 1000 + LONGEST_THINK * think_s,
        writes=entry.writes,
        journeys=Journeys(tuple(entry.journeys.items()), think_s) if entry.journeys else None,
    )


def _parse_parameters(spec: str, text: str, known: Parameters) -> dict[str, float]:
    """Parse ``key=value,…``, keeping the catalogue's order so that one scenario has one name."""
    given: dict[str, float] = {}
    for part in filter(None, text.split(",")):
        name, _, value = (piece.strip() for piece in part.partition("="))
        if name not in known:
            offered = ", ".join(known) or "none"
            raise UsageError(f"scenario {spec!r}: unknown parameter {name!r}; it takes: {offered}")
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number < float("inf"):
            raise UsageError(f"scenario {spec!r}: {name} must be a number of at least 0, as in {name}={known[name]:g}")
        given[name] = number
    return {name: given[name] for name in known if name in given}
