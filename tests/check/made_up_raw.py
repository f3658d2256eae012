"""Routes and requests as the inside of a checked app writes them, made up."""

from typing import Any

from loadtests.check.asks import Ask
from loadtests.check.figures import RouteFigures, figures
from loadtests.check.raw import RawApp, RawDependency, RawPart, RawRequest, RawRoute, RawSite
from loadtests.check.visit import Asked, Sent
from loadtests.experiment.request import Request
from loadtests.experiment.request_options import custom_scenario

SOURCE = "@app.get('/items')\n{function} items() -> int:\n    return fetch()  # the line\n"


def route(method: str = "GET", path: str = "/items", *, is_async: bool = True, **others: Any) -> RawRoute:
    given: dict[str, Any] = {
        "index": 0,
        "method": method,
        "path": path,
        "name": "main.items",
        "is_async": is_async,
        "site": RawSite(file="main.py", line=10, function="items"),
        "source": SOURCE.format(function="async def" if is_async else "def"),
    }
    return RawRoute(**{**given, **others})


def dependency(name: str = "main.get_db", **others: Any) -> RawDependency:
    site = RawSite(file="main.py", line=3, function=name.rpartition(".")[2])
    given: dict[str, Any] = {"name": name, "site": site, "source": f"def {site.function}():\n    return 1\n"}
    return RawDependency(**{**given, **others})


def part(place: str = "handler", name: str = "main.items", on: str = "loop", **seconds: Any) -> RawPart:
    return RawPart.model_validate({"place": place, "name": name, "runs_on": on, "is_async": on == "loop", **seconds})


def site(call: str = "requests.get", on: str = "loop", *, line: int = 12, **others: Any) -> RawSite:
    given = {"file": "main.py", "line": line, "function": "items", "call": call, "on": on}
    return RawSite.model_validate({**given, "place": "handler", "name": "main.items", "wait_s": 0.05, **others})


def request(number: int, *, looks: str = "time", route: int | None = 0, status: int = 200, **others: Any) -> RawRequest:
    return RawRequest.model_validate({"id": f"r{number}", "pass": looks, "route": route, "status": status, **others})


def seen(*parts: RawPart, sites: tuple[RawSite, ...] = (), cpu_s: float = 0.001, **others: Any) -> RouteFigures:
    """Return the figures of a route whose requests all took the same.

    Args:
        parts: of each request.
        sites: of the one that was traced.
        cpu_s: of the whole server, for each request under a small load.
        others: fields of each request.
    """
    blocked_s = sum(each.wait_s for each in parts if each.runs_on == "loop")
    on_loop_s = sum(each.cpu_s for each in parts if each.runs_on == "loop")
    took_s = sum(each.cpu_s + each.wait_s + each.awaited_s for each in parts)
    hops = [{"place": each.place, "name": each.name} for each in parts if each.runs_on == "thread"]
    given: dict[str, Any] = {
        "loop": {"cpu_s": on_loop_s, "blocked_s": blocked_s, "longest_step_s": blocked_s + on_loop_s},
        "parts": parts,
        "hops": hops,
        "wall_s": took_s,
        **others,
    }
    rows = [request(number, **given) for number in range(4)]
    rows.append(request(4, looks="trace", sites=sites, **given))
    sent = [Sent(0, row.id, took_s, at_once=False, status=row.status) for row in rows]
    ask = Ask((0,), custom_scenario((Request("GET", "/items"),)))
    return figures([Asked(ask, sent, cpu_s=[cpu_s])], rows)[0]


def together(*rows: RawRequest, alone: tuple[RawRequest, ...] = (), cpu_s: float = 0.001) -> RouteFigures:
    """Return the figures of a route of which some requests came one after another, and others at the same time."""
    sent = [Sent(0, row.id, row.wall_s, at_once=row in rows, status=row.status) for row in (*alone, *rows)]
    ask = Ask((0,), custom_scenario((Request("GET", "/items"),)))
    return figures([Asked(ask, sent, cpu_s=[cpu_s])], [*alone, *rows])[0]


def app(**others: Any) -> RawApp:
    return RawApp.model_validate(others)
