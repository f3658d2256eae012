"""Which handler answers a request, told from a build's source as text: no app is imported for it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from loadtests.experiment.scenario import Request

_PARAMETER = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Route:
    """A path with its handler.

    Attributes:
        method: HTTP method.
        path: with its router's prefix, as FastAPI knows it: ``/api/posts/{post_id}``.
        file: where the handler stands.
        lines: its source, decorators included.
    """

    method: str
    path: str
    file: Path
    lines: tuple[str, ...]

    def answers(self, request: Request) -> bool:
        """Whether a request is one of this route's."""
        pattern = "[^/]+".join(re.escape(part) for part in _PARAMETER.split(self.path))
        return request.method == self.method and re.fullmatch(pattern, request.path.partition("?")[0]) is not None


def routes(build: Path) -> list[Route]:
    """Return a build's routes in the order in which they are tried; raises OSError or SyntaxError.

    Args:
        build: its folder, with ``main.py`` and ``routers/``.
    """
    return [
        route
        for router, prefix in _included(build / "main.py")
        for route in _routes(build / "routers" / f"{router}.py", prefix)
    ]


def _included(main: Path) -> Iterator[tuple[str, str]]:
    """Yield the routers that an app includes, each with its prefix."""
    for node in ast.walk(ast.parse(main.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(ast.Attribute(attr="include_router"), [ast.Attribute(ast.Name(router), "router")], keywords):
                given = {keyword.arg: keyword.value for keyword in keywords}
                prefix = given.get("prefix")
                yield router, str(prefix.value) if isinstance(prefix, ast.Constant) else ""


def _routes(file: Path, prefix: str) -> Iterator[Route]:
    source = file.read_text(encoding="utf-8")
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for decorator in node.decorator_list:
            match decorator:
                case ast.Call(ast.Attribute(ast.Name("router"), method), [ast.Constant(str(path)), *_]):
                    first = node.decorator_list[0].lineno
                    lines = source.splitlines()[first - 1 : node.end_lineno]
                    yield Route(method.upper(), prefix + path, file, tuple(lines))
