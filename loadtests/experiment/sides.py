"""A side of an experiment and its settings, as they are written on the command line (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtests.experiment.blog import BUILDS, DATABASE_DRIVER, check_blog, find_settings
from loadtests.system.errors import UsageError

Collector = Literal["default", "freeze"]
"""``default``: Python's own. ``freeze``: what was imported is never looked through again (``gc.freeze``)."""
SideLabel = Literal["a", "b"]
LABELS: tuple[SideLabel, SideLabel] = ("a", "b")


class ServerSettings(BaseModel):
    """Knobs of the server around an app; named, so that nothing is left to uvicorn's "auto"."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    loop: Literal["uvloop", "asyncio"] = "uvloop"
    http: Literal["httptools", "h11"] = "httptools"
    workers: int = Field(1, ge=1, le=64)
    gc: Collector = "freeze"
    observe: Literal["off", "on"] = "off"
    port: int | None = Field(None, ge=1, le=65535, description="A free one if None.")


@dataclass(frozen=True)
class Side:
    """One arm of an experiment: an app plus its settings, or the URL of a server that runs already.

    Attributes:
        spec: as written: ``sync``, ``async,loop=asyncio``, ``package.module:app``, ``http://127.0.0.1:8000``.
        app: import string, or None if it is a URL.
        url: base URL without a trailing slash, or None if the harness starts it.
        knobs: the app's settings that were given, by name, as text.
        server: settings of the server around the app.
    """

    spec: str
    app: str | None
    url: str | None
    knobs: tuple[tuple[str, str], ...]
    server: ServerSettings

    def environment(self) -> dict[str, str]:
        """Return the variables that set the app's knobs; what is not named has its default."""
        return {f"BLOG_{name.upper()}": value for name, value in self.knobs}

    def copy_on_free_port(self) -> "Side":
        """Return the same side without a port of its own, so that both can run at the same time."""
        return replace(self, server=self.server.model_copy(update={"port": None}))

    def settings(self) -> dict[str, object]:
        """Every setting by name, defaults included, as the manifest records them."""
        if self.url is not None:
            return {"url": self.url}
        everything: dict[str, object] = {"app": self.app, **self.server.model_dump()}
        if self.app in BUILDS.values():
            fields = check_blog(f"side {self.spec!r}").model_fields
            everything |= {name: field.default for name, field in fields.items()}
        return everything | dict(self.knobs)


def parse_side(text: str) -> Side:
    """Parse ``NAME[,key=value…]``; raises UsageError if name, key or value is no good."""
    name, *pairs = (part.strip() for part in text.split(","))
    given: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not value:
            raise UsageError(f"side {text!r}: {pair!r} should read key=value")
        given[key.strip()] = value.strip()
    if name.startswith(("http://", "https://")):
        return _side_of_url(text, name, given)
    app = BUILDS.get(name, name)
    module, colon, attribute = app.partition(":")
    if not (colon and attribute.isidentifier() and all(part.isidentifier() for part in module.split("."))):
        raise UsageError(f"unknown side {text!r}: write sync, async, package.module:app or http://127.0.0.1:8000")
    server = {key: given.pop(key) for key in list(given) if key in ServerSettings.model_fields}
    knobs = check_blog(f"side {text!r}") if app in BUILDS.values() else find_settings()
    known = knobs.model_fields if knobs else {}
    unknown = [key for key in given if key not in known]
    if unknown:
        offered = ", ".join([*known, *ServerSettings.model_fields])
        raise UsageError(f"side {text!r}: unknown setting {unknown[0]!r}; there are: {offered}")
    try:
        settings = ServerSettings.model_validate(server)
        if knobs:
            knobs.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"side {text!r}: {first['loc'][0]}: {first['msg']}") from None
    if app == BUILDS["async"] and given.get("loading") == "lazy":
        raise UsageError(f"side {text!r}: async SQLAlchemy cannot load lazily; loading=lazy is for the sync build")
    if app == BUILDS["sync"] and given.get(DATABASE_DRIVER) == "asyncpg":
        raise UsageError(f"side {text!r}: a Session cannot use asyncpg; that is for the async build")
    return Side(text, app, None, tuple(given.items()), settings)


def _side_of_url(text: str, url: str, given: Mapping[str, str]) -> Side:
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment:
        raise UsageError(f"side {text!r}: write the base URL alone, as in http://127.0.0.1:8000")
    if "@" in parts.netloc:  # not repeated: it may be a password
        raise UsageError(
            "side: a user and password in its URL would be written into run.json; leave them out; export BASIC=$(printf"
            " %s 'user:password' | base64) and write --header 'Authorization: Basic ${BASIC}' in single quotes"
        )
    if given:
        raise UsageError(f"side {text!r}: a running server has its settings already; leave out {next(iter(given))!r}")
    return Side(text, None, url.rstrip("/"), (), ServerSettings())
