"""Who may see and control the lab: only the page of a browser that opened the address which the terminal printed.

The server listens on loopback only, but any page in the user's browser could send requests there. So a request needs a
cookie, which a browser gets in exchange for a one-time token. It needs a Host of this machine, so that a foreign name
that resolves to it (DNS rebinding) gets nothing. And if it changes something, it needs our own Origin.
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

COOKIE_S = 12 * 3600
"""Long enough for a day in class, even if the browser is closed in between."""
_OURS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_SAFE = ("GET", "HEAD")
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of every answer: the page loads only what this server sends, and talks to nobody else."""
NO_COOKIE = "Open the address that bench lab printed in the terminal: it has a token that lets this browser in."
USED = (
    "This address works once, and was opened before. Get a new one with “Add a viewer” at the bottom of the open page, "
    "or start bench lab again."
)
FOREIGN_HOST = "This server answers to 127.0.0.1 and localhost only: use the address that bench lab printed."
FOREIGN_ORIGIN = "Only the lab's own page can change something here: reload it."


class Gate:
    """ASGI middleware that refuses requests without cookie or token, and changes from foreign pages.

    Args:
        app: what is behind it.
        token: opens the page once; ``invite`` makes more.
    """

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._unused = {_digest(token)}
        self._used: set[str] = set()
        self._session = secrets.token_urlsafe(32)
        # Browsers send cookies to all ports of a host: two labs on one machine need two names.
        self._cookie = f"lab_{_digest(self._session)[:12]}"

    def invite(self) -> str:
        """Return a token that opens the page once."""
        token = secrets.token_urlsafe(16)
        self._unused.add(_digest(token))
        return token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer or refuse one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["state"] = {**scope.get("state", {}), "gate": self}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, send_with_headers)

    def _answer(self, scope: Scope) -> Response | None:
        """Return what is answered here; None to let the request in."""
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not _OURS.fullmatch(hosts[0]):
            return _refused(FOREIGN_HOST)
        tokens = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
        if scope["path"] == "/" and scope["method"] == "GET" and tokens:
            return self._exchange(tokens, headers)
        if not self._known(headers):
            return _refused(NO_COOKIE)
        if scope["method"] not in _SAFE and not _from_our_page(headers, hosts[0]):
            return _refused(FOREIGN_ORIGIN)
        return None

    def _exchange(self, tokens: Sequence[str], headers: Headers) -> Response:
        digest = _digest(tokens[0])
        if digest in self._unused:
            self._unused.remove(digest)
            self._used.add(digest)
            welcome = RedirectResponse("/", status_code=303)
            welcome.set_cookie(self._cookie, self._session, COOKIE_S, httponly=True, samesite="strict")
            return welcome
        if self._known(headers):
            return RedirectResponse("/", status_code=303)
        return _refused(USED if digest in self._used else NO_COOKIE)

    def _known(self, headers: Headers) -> bool:
        given = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        return secrets.compare_digest(given.encode(), self._session.encode())


def _from_our_page(headers: Headers, host: str) -> bool:
    """Whether a browser says that a page of ours sent this; browsers let no page choose these headers."""
    if (origin := headers.get("origin")) is not None:
        return origin.lower() == f"http://{host}".lower()
    return headers.get("sec-fetch-site") == "same-origin"


def _refused(sentence: str) -> Response:
    return PlainTextResponse(sentence, status_code=403)


def _digest(secret: str) -> str:
    """Return what stands for a secret, so that looking one up tells nothing by the time it takes."""
    return hashlib.sha256(secret.encode()).hexdigest()
