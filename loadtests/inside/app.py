"""Find the app that a side names, and say in one line what is wrong where it can't be had."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

LISTED = 5
"""Missing settings, or apps to choose from, that are named one by one."""
OF_ASGI = 3
"""Arguments of an ASGI app: scope, receive and send."""
OF_WSGI = 2
"""Arguments of a WSGI app: environ and start_response."""


class NoApp(Exception):
    """The app can't be had; the message is a sentence for whoever named it."""


def find_app(spec: str) -> Any:  # noqa: ANN401 - whatever an app is
    """Return the ASGI app that ``module:attribute`` names; a factory that needs no argument is called.

    The attribute may have dots in it, and may end in ``()``.

    Raises:
        NoApp: the import failed, or what is there is no ASGI app.
    """
    module_name, _, path = spec.partition(":")
    found: Any = _import(module_name)
    for name in path.replace("()", "").split("."):
        try:
            found = getattr(found, name)
        except AttributeError:
            offered = [each for each, value in vars(sys.modules[module_name]).items() if _looks_like_an_app(value)]
            hint = f"; it has {', '.join(offered[:LISTED])}" if offered else ""
            raise NoApp(f"{module_name} has no {path!r}{hint}") from None
    if _is_wsgi(found):
        raise NoApp(f"{spec} is a WSGI app; give the server that serves it, as command=…")
    if path.endswith("()") or _is_factory(found):
        found = _call(spec, found)
    if not callable(found):
        raise NoApp(f"{spec} is no ASGI app but a {type(found).__name__}")
    return found


def _import(name: str) -> Any:  # noqa: ANN401 - a module, whose attributes may be anything
    """Import a module inside a running event loop, as servers do: what starts a loop of its own fails here, too."""

    async def load() -> Any:  # noqa: ANN401
        return importlib.import_module(name)

    try:
        with _no_server():
            return importlib.import_module(name) if _in_event_loop() else asyncio.run(load())
    except NoApp:
        raise
    except SystemExit as error:
        raise NoApp(f"importing {name} ends the process (status {error.code})") from None
    except ModuleNotFoundError as error:
        raise NoApp(_not_found(name, error)) from None
    except Exception as error:
        raise NoApp(f"importing {name}: {describe(error)}") from None


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _not_found(name: str, error: ModuleNotFoundError) -> str:
    missing = error.name or str(error)
    if name == missing or name.startswith(missing + "."):
        return f"there is no module {name!r} in {os.getcwd()}; name the app's folder with dir=…"  # noqa: PTH109 - os alone
    first, folder = missing.partition(".")[0], os.path.join(*name.split(".")[:-1], "")  # noqa: PTH118
    if folder and (os.path.isfile(f"{folder}{first}.py") or os.path.isdir(folder + first)):  # noqa: PTH112, PTH113
        return f"importing {name}: the module {missing!r} is in {folder}, beside it; write {name.replace('.', '/')}.py"
    if first == os.path.basename(os.getcwd()):  # noqa: PTH109, PTH119
        above = "name the folder above it with dir=…, and the app as"
        return f"importing {name}: the module {missing!r} is the app's folder itself; {above} {first}.{name}:…"
    return (
        f"importing {name}: there is no module {missing!r}, neither in the app's folder nor in {sys.executable}; "
        "install it there, or name the app's own interpreter with python=…"
    )


def describe(error: BaseException) -> str:
    """Return an error in one line; of settings that are missing or wrong (pydantic), their names."""
    details: Any = getattr(error, "errors", None)
    if callable(details):
        try:
            each = [f"{'.'.join(map(str, one['loc']))} ({one['msg']})" for one in details()]
        except Exception:
            each = []
        if each:
            more = "" if len(each) <= LISTED else f" and {len(each) - LISTED} more"
            return f"{type(error).__name__}: {', '.join(each[:LISTED])}{more}"
    first = (str(error) or "no message").strip().splitlines()[0]
    return f"{type(error).__name__}: {first}"


class _no_server:  # noqa: N801 - used as a function
    """While it lasts, ``uvicorn.run`` says that an import must not start a server, instead of never returning."""

    def __enter__(self) -> None:
        modules: dict[str, Any] = dict(sys.modules)
        self._uvicorn = modules.get("uvicorn")
        if self._uvicorn is None:
            return
        self._run: Callable[..., Any] = self._uvicorn.run

        def refuse(*_: object, **__: object) -> NoReturn:
            raise NoApp("importing the app starts a server; put that under if __name__ == '__main__'")

        self._uvicorn.run = refuse

    def __exit__(self, *_: object) -> None:
        if self._uvicorn is not None:
            self._uvicorn.run = self._run


def _looks_like_an_app(value: object) -> bool:
    return not inspect.isclass(value) and hasattr(value, "routes") and callable(value)


def _needed(value: Any) -> list[str]:  # noqa: ANN401 - whatever an app is
    """Return the names of the arguments that a call must give."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [each.name for each in parameters if each.kind in kinds and each.default is inspect.Parameter.empty]


def _is_factory(value: Any) -> bool:  # noqa: ANN401
    """Whether it is a plain function that makes an app: an app itself takes scope, receive and send."""
    return inspect.isfunction(value) and not inspect.iscoroutinefunction(value) and len(_needed(value)) != OF_ASGI


def _is_wsgi(value: Any) -> bool:  # noqa: ANN401
    needed = _needed(value)
    return len(needed) == OF_WSGI and needed[1] == "start_response"


def _call(spec: str, factory: Any) -> Any:  # noqa: ANN401
    if needed := _needed(factory):
        raise NoApp(f"{spec} is a factory that needs {', '.join(needed)}; write one without arguments that calls it")
    try:
        return factory()
    except Exception as error:
        raise NoApp(f"calling {spec}: {describe(error)}") from None
