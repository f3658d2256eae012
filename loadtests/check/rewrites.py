"""What to write in place of a function as it stands: its source, changed where that is mechanical (pure)."""

import ast
import re
import textwrap
from collections.abc import Mapping

from loadtests.check.raw import RawRoute
from loadtests.check.record import Finding, Verdict

ASYNC_CALLS: Mapping[str, str] = {
    "time.sleep": "asyncio.sleep",
    "requests.": "client.",
    "httpx.": "client.",
}
"""By how a call begins: what stands in its place where it is awaited; ``client`` is an httpx.AsyncClient."""
PLAIN_TYPES = frozenset({"bool", "bytes", "dict", "float", "int", "len", "list", "set", "str", "tuple"})
_DEF = re.compile(r"^(?P<before>\s*)(?P<coroutine>async )?def ", re.MULTILINE)


def code_of(verdict: Verdict, finding: Finding | None, route: RawRoute, *, can_be_def: bool) -> tuple[str, str]:
    """Return the source that a verdict is about, and what to write; the latter is empty where that takes thought.

    Args:
        verdict: on the route.
        finding: that led to it.
        route: with its sources.
        can_be_def: whether what the finding is about awaits nothing.
    """
    source = "" if finding is None else _source_of(finding, route)
    return source, "" if finding is None or not source else _changed(verdict, finding, source, route, can_be_def)


def _changed(verdict: Verdict, finding: Finding, source: str, route: RawRoute, can_be_def: bool) -> str:
    line = _line_in(source, finding, route)
    called = finding.site.call if finding.site is not None else ""
    if finding.place not in ("handler", "dependency"):
        return ""
    if verdict == "make-def" or (verdict == "move-out-of-loop" and can_be_def):
        return as_def(source)
    if verdict == "make-dependency-async":
        return as_async(source)
    if verdict == "make-async":
        return _awaiting_client(source, line, called)
    return _in_threadpool(source, line, called) if verdict == "move-out-of-loop" else ""


def change_of(verdict: Verdict, finding: Finding | None, route: RawRoute, *, can_be_def: bool) -> str | None:
    """Return the change that can be made in the app's process without editing a file, as a side's setting."""
    if finding is None or finding.place not in ("handler", "dependency"):
        return None
    own = next((each for each in route.dependencies if each.name == finding.name), None)
    if (
        can_be_def
        and verdict in ("make-def", "move-out-of-loop")
        and (finding.place == "handler" or (own is not None and not own.is_generator))
    ):
        return f"def:{finding.name}"
    return f"inline:{finding.name}" if verdict == "make-dependency-async" else None


def as_def(source: str) -> str:
    """Return a function's source as a plain function; empty if it awaits."""
    return "" if _awaits(source) else _DEF.sub(lambda found: f"{found['before']}def ", source, count=1)


def as_async(source: str) -> str:
    """Return a function's source as a coroutine function, or as an asynchronous generator."""
    text = _DEF.sub(lambda found: f"{found['before']}async def ", source, count=1)
    return re.sub(r"\b(Iterator|Generator)\[", r"Async\1[", text)


def only_makes_values(source: str) -> bool:
    """Return whether a function does nothing but make values: it calls types at the most."""
    tree = _parsed(textwrap.dedent(source))
    function = tree.body[0] if tree is not None and tree.body else None
    if not isinstance(function, ast.FunctionDef):
        return False
    calls = [node for each in function.body for node in ast.walk(each) if isinstance(node, ast.Call)]
    names = [call.func.id if isinstance(call.func, ast.Name) else "" for call in calls]
    return all(name in PLAIN_TYPES or name[:1].isupper() for name in names)


def _awaits(source: str) -> bool:
    tree = _parsed(source)
    kinds = (ast.Await, ast.AsyncFor, ast.AsyncWith)
    return tree is None or any(isinstance(node, kinds) for node in ast.walk(tree))


def _source_of(finding: Finding, route: RawRoute) -> str:
    if finding.place == "dependency":
        own = next((each for each in route.dependencies if each.name == finding.name), None)
        return textwrap.dedent(own.source) if own is not None else ""
    return textwrap.dedent(route.source) if finding.place in ("handler", "stream") else ""


def _line_in(source: str, finding: Finding, route: RawRoute) -> int | None:
    """Return which line of a function's source a finding is about, from 1; None if it is about none."""
    begins = route.site
    if finding.place == "dependency":
        begins = next((each.site for each in route.dependencies if each.name == finding.name), None)
    if finding.site is None or begins is None or finding.site.file != begins.file:
        return None
    line = finding.site.line - begins.line + 1
    return line if 1 <= line <= source.count("\n") + 1 else None


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _call_at(source: str, line: int | None, called: str) -> ast.Call | None:
    """Return the call on a line that is meant: the one of that name, else the first that is made; None without one.

    Args:
        source: of a function.
        line: in it, from 1; None if none is known.
        called: what a trace has found there, as ``requests.get``.
    """
    tree = _parsed(source)
    if tree is None or line is None:
        return None
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    calls = [
        node
        for function in functions
        for statement in function.body
        for node in ast.walk(statement)
        if isinstance(node, ast.Call) and node.lineno <= line <= (node.end_lineno or line)
    ]
    name = called.rpartition(".")[2]
    named = [call for call in calls if name and ast.unparse(call.func).rpartition(".")[2] == name]
    first = [call for call in calls if not any(isinstance(node, ast.Call) for node in ast.walk(call.func))]
    return next(iter(named or first), None)


def _replaced(source: str, call: ast.Call, text: str) -> str:
    """Return a source with an awaited text in place of a call."""
    segment = ast.get_source_segment(source, call)
    if not segment:
        return ""
    before, _, after = source.partition(segment)
    awaited = f"await {text}"
    return before + (f"({awaited})" if after.lstrip()[:1] in (".", "[", "(") else awaited) + after


def _in_threadpool(source: str, line: int | None, called: str) -> str:
    call = _call_at(source, line, called)
    if call is None:
        return ""
    arguments = [ast.unparse(call.func), *map(ast.unparse, call.args)]
    arguments += [f"{each.arg}={value}" if each.arg else f"**{value}" for each, value in _keywords(call)]
    return _replaced(source, call, f"run_in_threadpool({', '.join(arguments)})")


def _keywords(call: ast.Call) -> list[tuple[ast.keyword, str]]:
    return [(each, ast.unparse(each.value)) for each in call.keywords]


def _awaiting_client(source: str, line: int | None, called: str) -> str:
    call = _call_at(source, line, called)
    if call is None:
        return ""
    written = ast.unparse(call.func)
    other = next((now + written[len(then) :] for then, now in ASYNC_CALLS.items() if written.startswith(then)), None)
    segment = ast.get_source_segment(source, call) or ""
    if other is None or not segment.startswith(written):
        return ""
    return as_async(_replaced(source, call, other + segment[len(written) :]))
