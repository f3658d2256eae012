"""The text of a ``bench.toml`` from the routes of an app, as its OpenAPI document has them (pure).

What surely can be asked is a scenario. What writes, wants a credential, or needs a value that had to be guessed is
there too, commented out with the reason: whoever knows the app takes the ``#`` away.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from loadtests.experiment.bench_toml import SideTable
from loadtests.experiment.credentials import FORM, names_a_secret
from loadtests.experiment.schema_examples import Example, Schema, example, given_example, resolved
from loadtests.experiment.side_text import ENV, name_and_settings
from loadtests.experiment.toml_text import key_text, value_text

METHODS = ("get", "post", "put", "patch", "delete")
MULTIPART = "multipart/form-data"
READ = "get"
MOST_ACTIVE = 6
"""Scenarios that a run of a few minutes has time for, with three loads each."""
NUMBERS = frozenset({"workers", "port", "start_limit", "pid"})
HEAD = """\
# What `bench run` asks when it is called in this folder.
# docs/bench-toml.md has all keys. A # with no space behind it is in front of a
# setting: take it away to use that.
budget = "4m"
users = [1, 8, 32]
# Instead of budget and users: rate = "0..400/s in 2m", a rate that changes over
# time, for one scenario, which is named on the command line.
# What must not be, else the exit status is 1.
#fail_if = ["throughput.ratio < 0.97", "errors > 0.1%"]
"""
SAME_B = """\
# The side that ratios are about: the same as a, until you say here what is to
# be compared, as its folder (dir), its interpreter (python), its variables
# (env) or its server.
"""
_PLACE = re.compile(r"\{(?P<name>[^{}]+)\}")


@dataclass(frozen=True)
class Route:
    """One of an app's routes, as a scenario.

    Attributes:
        keys: of the scenario, in their order.
        about: a few words; empty if the app has none.
        reasons: why it is commented out; none if it surely can be asked.
        method: the HTTP method.
        path: as the app declares it, with a place for each parameter.
        values: what is in those places, by name.
        guessed: names of places whose value the document does not have.
    """

    keys: Mapping[str, Any]
    about: str = ""
    reasons: tuple[str, ...] = ()
    method: str = READ.upper()
    path: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    guessed: frozenset[str] = frozenset()


def bench_toml(document: Schema, a: str, b: str) -> str:
    """Return the text of a file.

    Args:
        document: the app's OpenAPI document.
        a: the first side, as it is typed.
        b: the second one; where it is the same, the file says what to do about it.
    """
    parts = [HEAD + _headers_text(document)]
    parts.append("# The side that ratios are divided by.\n" + _side_text("a", a))
    parts.append((SAME_B if a == b else "# The side that ratios are about.\n") + _side_text("b", b))
    parts += [_scenario_text(route) for route in routes(document)]
    return "\n".join(parts)


def all_routes(document: Schema) -> list[Route]:
    """Return all routes of an app, in its order."""
    return [
        _route(document, method, path, resolved(item, document))
        for path, item in document.get("paths", {}).items()
        for method in METHODS
        if method in resolved(item, document)
    ]


def routes(document: Schema) -> list[Route]:
    """Return the routes of an app, those first that are scenarios: of many, a few."""
    found = all_routes(document)
    asked: set[str] = set()
    active: list[Route] = []
    left: list[Route] = []
    for route in found:
        reasons = route.reasons
        if not reasons and route.keys["request"] in asked:
            reasons = ("it is asked above already",)
        if not reasons and len(active) == MOST_ACTIVE:
            reasons = ("a run of a few minutes has no time for more",)
        if reasons:
            left.append(replace(route, reasons=reasons))
        else:
            asked.add(route.keys["request"])
            active.append(route)
    return [*active, *left]


def side_keys(text: str) -> dict[str, Any]:
    """Return the keys of a side's table, in their order."""
    name, given = name_and_settings(text)
    keys: dict[str, Any] = {"url" if "://" in name else "app": name} if name else {}
    env = {key.removeprefix(ENV): value for key, value in given.items() if key.startswith(ENV)}
    settings = {}
    for key, value in given.items():
        if key in SideTable.model_fields:
            keys[key] = float(value) if key == "start_limit" else int(value) if key in NUMBERS else value
        elif not key.startswith(ENV):
            settings[key] = value
    return keys | ({"env": env} if env else {}) | ({"settings": settings} if settings else {})


def _side_text(label: str, text: str) -> str:
    return f"[{label}]\n" + "".join(f"{key} = {value_text(value)}\n" for key, value in side_keys(text).items())


def _scenario_text(route: Route) -> str:
    lines = ["[[scenario]]", *(f"{key_text(key)} = {value_text(value)}" for key, value in route.keys.items())]
    mark = "#" if route.reasons else ""
    notes = [*filter(None, [route.about]), *(f"left out: {reason}" for reason in route.reasons)]
    return "".join([*(f"# {note}\n" for note in notes), *(f"{mark}{line}\n" for line in lines)])


def _headers_text(document: Schema) -> str:
    """Return what says which headers carry credentials, commented out; nothing if the app has no such."""
    lines, headers = [], dict[str, str]()
    schemes = document.get("components", {}).get("securitySchemes", {})
    for scheme in (resolved(each, document) for each in schemes.values()):
        where, name = scheme.get("in"), str(scheme.get("name", ""))
        if scheme.get("type") == "apiKey" and where == "query":
            lines.append(f"# The app takes a key in its paths: write ?{_one_line(name)}=${{API_KEY}} there.\n")
        elif scheme.get("type") == "apiKey":
            is_cookie = where == "cookie"
            headers.setdefault("Cookie" if is_cookie else name, f"{name}=${{TOKEN}}" if is_cookie else "${API_KEY}")
        elif str(scheme.get("scheme", "")).lower() == "basic":
            headers.setdefault("Authorization", "Basic ${BASIC}")
        else:
            headers.setdefault("Authorization", "Bearer ${TOKEN}")
    if headers:
        lines.append("# Some routes want a credential. It is taken from the environment, and written nowhere.\n")
        lines.append(f"#headers = {value_text(headers)}\n")
    return "".join(lines)


def _route(document: Schema, method: str, path: str, item: Schema) -> Route:
    operation: Schema = item[method]
    reasons = [] if method == READ else ["it writes"]
    parameters = {
        (str(parameter.get("in")), str(parameter.get("name"))): parameter
        for each in (*item.get("parameters", ()), *operation.get("parameters", ()))
        if (parameter := resolved(each, document))
    }
    values: dict[str, str] = {}
    guessed: set[str] = set()
    query: list[tuple[str, str]] = []
    headers: dict[str, str] = {}
    for (where, name), parameter in parameters.items():
        if not parameter.get("required"):
            continue
        if where in ("header", "cookie"):
            headers |= _header(where, name, parameter, document)
            reasons.append(f"it wants the {where} {_one_line(name)}")
            continue
        found = _value(parameter, document)
        texts = _texts(found.value)
        if where == "path":
            values[name] = texts[0]
            guessed |= set() if found.is_given else {name}
        else:
            query += [(name, f"${{{name.upper()}}}" if names_a_secret(name) else text) for text in texts]
        if not found.is_given:
            reasons.append(f"{texts[0]} is a guess for {_one_line(name)}")
    security = operation.get("security", document.get("security"))
    if security and {} not in security:
        reasons.append("it wants a credential; see headers, above")
    keys: dict[str, Any] = {
        "request": f"{method.upper()} {filled_path(path, values)}"
        + (f"?{urlencode(query, safe='${}')}" if query else "")
    }
    if headers:
        keys["headers"] = headers
    body, why_not = _body(operation, document)
    keys |= body
    reasons += why_not
    if (status := _status(operation)) is not None:
        keys["expect"] = status
    about = str(operation.get("description") or "").strip().partition("\n")[0]
    return Route(keys, _one_line(about), tuple(reasons), method.upper(), path, values, frozenset(guessed))


def filled_path(path: str, values: Mapping[str, str]) -> str:
    """Return a path with a value in each of its places: what there is by its name, else 1."""
    return _PLACE.sub(lambda place: quote(values.get(place["name"].partition(":")[0], "1"), safe=""), path)


def _value(parameter: Schema, document: Schema) -> Example:
    return given_example(parameter) or example(parameter.get("schema", {}), document)


def _texts(value: object) -> list[str]:
    """Return a value as it goes into a path: a list is as many values."""
    if isinstance(value, list):
        return [text for each in value for text in _texts(each)] or ["1"]
    return ["true" if value is True else "false" if value is False else str(value)]


def _header(where: str, name: str, parameter: Schema, document: Schema) -> dict[str, str]:
    if where == "cookie":
        return {"Cookie": f"{name}=${{{re.sub(r'[^A-Z0-9_]', '_', name.upper())}}}"}
    if name.lower() == "authorization":
        return {name: "Bearer ${TOKEN}"}
    if names_a_secret(name):
        return {name: f"${{{re.sub(r'[^A-Z0-9_]', '_', name.upper())}}}"}
    return {name: _texts(_value(parameter, document).value)[0].replace("${", "$${")}


def _body(operation: Schema, document: Schema) -> tuple[dict[str, Any], list[str]]:
    """Return the key of an operation's body, and why it can't be sent as it is."""
    content = resolved(operation.get("requestBody", {}), document).get("content", {})
    for kind, media in content.items():
        value = (given_example(media) or example(media.get("schema", {}), document)).value
        if "json" in kind:
            return {"json": _in_toml(_escaped(value))}, []
        if kind == FORM and isinstance(value, dict):
            return {"form": {name: _texts(each)[0] for name, each in _escaped(value).items()}}, []
    if not content:
        return {}, []
    kind = next(iter(content))  # a document describes files, but has none to send
    keys = "its fields in form, its files in upload" if kind == MULTIPART else "its text or @FILE in data"
    return {}, [f"its body has to be made, as {_one_line(kind)}: {keys}"]


def _escaped(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON whose texts hold no places but those for secrets."""
    if isinstance(value, dict):
        return {key: _escaped(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_escaped(each) for each in value]
    if isinstance(value, str) and not re.fullmatch(r"\$\{[A-Z0-9_]+\}", value):
        return value.replace("${", "$${")
    return value


def _in_toml(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return JSON as a value that TOML has; one with null in it, or that is a text by itself, as its JSON."""
    try:
        value_text(value)
    except ValueError:
        return json.dumps(value, ensure_ascii=False)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else value


def _status(operation: Schema) -> int | None:
    """Return the status that a good answer has, if it is another than 200."""
    codes = sorted(int(code) for code in operation.get("responses", {}) if str(code).isdigit() and int(code) < 400)
    return codes[0] if codes and codes[0] != 200 else None


def _one_line(text: str) -> str:
    return "".join(sign if sign.isprintable() else " " for sign in text)
