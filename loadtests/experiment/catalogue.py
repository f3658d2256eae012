"""The catalogue of scenarios: what is asked of both sides, and what is expected before it is measured.

Pitfalls are scenarios that show a mistake, or a way out of it; lessons measure them, ``--full`` leaves them out.
"""

import json
import re
from collections.abc import Mapping

from loadtests.experiment.plan import DriverName
from loadtests.experiment.request import JSON, Request
from loadtests.experiment.scenario import WORKLOADS, Build, Entry, Parameters, get, get_each_post, workload

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
_THINK: Parameters = {"think_ms": 1000}
LONGEST_THINK = 1.5
"""The longest think time, as a part of the mean; the shortest is as far below it."""
REPRESENTATIVE = ("get_post", "post_page", "create_post", "query", "external_api", "hash", "mixed")
"""What a run measures when no scenario is named: one of each sort."""
ONE_IN = 200
"""Of so many requests to a starved neighbour one computes: so few that the slowest 1 % are of the cheap ones."""
_MIXED = re.compile(r"mixed\[cpu_ms=(?P<cpu>[\d.]+),wait_ms=(?P<wait>[\d.]+)\]")
HOLD_A_CONNECTION = frozenset({"home_page", "post_page", "list_posts", "get_post", "create_post", "query", "count"})
"""Scenarios of which a request holds a database connection from its beginning to its end."""


def _create_post(_: Parameters) -> tuple[Request, ...]:
    body = {"title": "Written under load", "content": "One of very many posts like it. " * 8, "user_id": 1}
    return (
        Request(
            "POST",
            "/api/posts",
            headers=(JSON,),
            body=json.dumps(body).encode(),
            status=201,
            contains=b'"title":"Written under load"',
        ),
    )


def _journey(*requests: Request) -> Build:
    return lambda _: requests


_WRITER = (
    *_create_post({}),
    Request(
        "PATCH",
        "/api/posts/1",
        headers=(JSON,),
        body=b'{"content":"Edited."}',
        contains=b'"content":"Edited."',
    ),
    Request("DELETE", "/api/posts/1", status=204),
)


def _one_heavy_in_many(path: str) -> Build:
    """Return one request that computes, and many that only wait a little, in turn."""

    def build(parameters: Parameters) -> tuple[Request, ...]:
        heavy = Request("GET", f"{WORKLOADS}/{path}rounds={parameters['rounds']:.0f}", contains=b"digest")
        wait = f"cpu_ms=0&wait_ms={parameters['wait_ms']:g}"
        return (heavy, Request("GET", f"{WORKLOADS}/mixed?{wait}", contains=b"wait", weight=ONE_IN - 1))

    return build


PITFALLS: Mapping[str, Entry] = {
    "blocking": Entry(
        "pitfall",
        "time.sleep in the handler",
        "async collapses to one request at a time; `def` does not mind.",
        workload("blocking", "wait"),
        {"wait_ms": 20},
    ),
    "blocking_session": Entry(
        "pitfall",
        "a synchronous Session in the handler",
        "async collapses to one query at a time; `def` does not mind.",
        workload("blocking-session", "wait"),
        {"wait_ms": 20},
    ),
    "blocking_client": Entry(
        "pitfall",
        "a synchronous HTTP client in the handler",
        "async collapses to one call at a time; `def` does not mind.",
        workload("blocking-client", "waited"),
        {"wait_ms": 20},
    ),
    "lazy": Entry(
        "pitfall",
        "touch post.author without having loaded it",
        "`def` answers, with a query for each author; async refuses: MissingGreenlet.",
        workload("lazy", "authors"),
    ),
    "neighbour": Entry(
        "pitfall",
        "a route that waits 10 ms, and one request in 200 that computes for long",
        "async makes all wait for the computation; `def` computes in a thread, and the cheap ones pass it.",
        _one_heavy_in_many("hash?"),
        {"rounds": 1_000_000, "wait_ms": 10},
    ),
    "fan_out_threads": Entry(
        "pitfall",
        "five independent calls to a slow external API, with threads in `def`",
        "No difference for one user: threads wait for all five at once, too. With many users threads run out.",
        workload("upstream", "waited", mode="threads"),
        {"wait_ms": 50, "calls": 5},
    ),
}
CATALOGUE: Mapping[str, Entry] = {
    "noop": Entry(
        "framework",
        "nothing at all",
        "async is faster: the route does no work, so only the thread hop of `def` is left to see.",
        workload("noop", "{"),
    ),
    "home_page": Entry(
        "mixed",
        "the home page: all posts as HTML, 20 unless seed_posts says more",
        "No large difference: rendering is CPU work, and the query is fast.",
        get("/", "</html>"),
    ),
    "post_page": Entry(
        "mixed",
        "one post as HTML",
        "No large difference: one fast query and a small template.",
        get_each_post("/posts/{id}", "</html>"),
    ),
    "list_posts": Entry(
        "mixed",
        "all posts as JSON, 20 unless seed_posts says more",
        "No large difference: serialising posts is CPU work.",
        get("/api/posts", '"author":'),
    ),
    "get_post": Entry(
        "I/O-bound",
        "one post as JSON: a fast read",
        "Little or no benefit: the query is fast, and SQLite's async driver is a thread hop of its own.",
        get_each_post("/api/posts/{id}", '"id":{id},'),
    ),
    "create_post": Entry(
        "I/O-bound",
        "write one post",
        "Little or no benefit: SQLite has one writer at a time, however many wait for it.",
        _create_post,
        writes=True,
    ),
    "query": Entry(
        "I/O-bound",
        "a slow database query",
        "The tutorial expects async to win; but both builds have one pool size, and should stop at connections ÷ wait.",
        workload("query", "wait"),
        {"wait_ms": 20},
    ),
    "count": Entry(
        "I/O-bound",
        "count the posts: a query that returns one number",
        "Little or no benefit: the query is fast; on PostgreSQL a few percent were published.",
        workload("count", '"posts":'),
    ),
    "external_api": Entry(
        "I/O-bound",
        "one call to a slow external API",
        "async wins once more users wait than `def` has threads; the best case the tutorial names.",
        workload("upstream", "waited"),
        {"wait_ms": 50},
    ),
    "fan_out": Entry(
        "I/O-bound",
        "five independent calls to a slow external API",
        "async wins from the first user on: it waits for all five at once, `def` for one after another.",
        workload("upstream", "waited"),
        {"wait_ms": 50, "calls": 5},
    ),
    "file": Entry(
        "I/O-bound",
        "read a file and hash it",
        "No benefit: the file is in the page cache, and async file reads are threads underneath.",
        workload("file", "sha256"),
        {"kib": 64},
    ),
    "hash": Entry(
        "CPU-bound",
        "hashing in pure Python",
        "No benefit: nothing waits, so there is nothing to overlap.",
        workload("hash", "digest"),
        {"rounds": 5000},
    ),
    "thumbnail": Entry(
        "CPU-bound",
        "resize an image (Pillow releases the GIL)",
        "No benefit for async; with more than one core, `def` can even win, because its threads run side by side.",
        workload("thumbnail", "width"),
        {"size": 256},
    ),
    "crunch": Entry(
        "CPU-bound",
        "statistics over generated rows",
        "No benefit: nothing waits, so there is nothing to overlap.",
        workload("crunch", "mean"),
        {"rows": 300},
    ),
    "mixed": Entry(
        "mixed",
        "a little CPU, then a wait",
        "async wins where users outnumber threads and the wait outweighs threads times the CPU.",
        workload("mixed", "wait"),
        {"cpu_ms": 0.5, "wait_ms": 50},
    ),
    **PITFALLS,
    "reader": Entry(
        "journey",
        "readers who follow links and think in between",
        "No difference in throughput, which think time sets on both sides; response times alike, for pages are CPU"
        " work.",
        _journey(*_READER),
        _THINK,
        journeys={"reader": 1},
    ),
    "writer": Entry(
        "journey",
        "authors who post, edit, delete, and think in between",
        "No difference in throughput, which think time sets on both sides; response times a little longer in async,"
        " whose SQLite driver is a thread hop of its own.",
        _journey(*_WRITER),
        _THINK,
        writes=True,
        journeys={"writer": 1},
    ),
    "api_client": Entry(
        "journey",
        "programs that walk the JSON API and pause in between",
        "No difference in throughput, which the pauses set on both sides; response times a little longer in async,"
        " whose SQLite driver is a thread hop of its own.",
        _journey(*_API_CLIENT),
        _THINK,
        journeys={"api_client": 1},
    ),
    "visitors": Entry(
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


def everything(name: DriverName) -> tuple[str, ...]:
    """Return every scenario of the catalogue that a driver can drive, but for the pitfalls."""
    return tuple(
        scenario
        for scenario, entry in CATALOGUE.items()
        if entry.kind != "pitfall" and (name == "locust" or entry.journeys is None)
    )


def holds_a_connection(scenario: str) -> bool:
    """Whether its requests hold a database connection from beginning to end; parameters of the name do not matter."""
    return scenario.partition("[")[0] in HOLD_A_CONNECTION


def mixed_ms(scenario: str) -> tuple[float, float] | None:
    """Return for how long a ``mixed`` request computes, and then waits, in milliseconds; None for any other."""
    match = _MIXED.fullmatch(scenario)
    return (float(match["cpu"]), float(match["wait"])) if match else None
