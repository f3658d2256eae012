"""The ASGI app around a checked one: it lists routes, measures the requests that ask for it, and writes both down."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
import traceback
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any, Dict, List, Optional, Tuple

from ..versions import versions
from .database import Database
from .hops import watch_threads
from .lines import LineTimes, qualified_name
from .locks import Locks
from .meter import FRAMEWORK, REQUEST, Exercised, Stepped, make_tasks_in
from .parts import divide_libraries, divide_middlewares, divide_routes, told_middlewares
from .patches import Patches
from .routes import apps_in, inner_app, list_routes
from .sources import OwnCode

HEADER = b"x-bench-check"
"""Of a request that is to be measured: ``time:ID``, or ``trace:ID`` where each line's share is wanted."""
ROUTES = "routes.json"
REQUESTS = "requests-{}.jsonl"
"""Named after the process."""
WRITTEN_AFTER_S = 0.02
"""A request is written down when the loop is likely to have nothing else to do, in seconds after its end."""
LONGEST_AFTER_S = 0.5
"""How long tasks that a request has started are waited for after its end, in seconds."""
WATCHED = ("starlette.responses", "starlette.background", "starlette.concurrency", "anyio.to_thread", "fastapi.routing")
"""Imported before the app, if they are there: what it imports from them is watched then."""


class Watch:
    """What is replaced in an app's libraries so that its requests can be measured; make it before the app's import."""

    def __init__(self) -> None:
        self.folder = os.getcwd()  # noqa: PTH109 - as serve.py; an app may leave it
        self.patches = Patches()
        for name in WATCHED:
            try:
                importlib.import_module(name)
            except ImportError:
                continue
            except Exception as error:  # the app says better what is wrong with it
                self.patches.notes.append(f"{name} can't be imported: {error!r}")
        watch_threads(self.patches)


class CheckedApp:
    """Passes everything on to an app, and writes into a folder what it sees."""

    def __init__(self, app: Any, inner: Any, folder: str, watch: Watch) -> None:
        """Wrap an app, after its import.

        Args:
            app: the app as it is served.
            inner: the app as it was found, without what the server has put around it.
            folder: where files are written.
            watch: made before the app's import.
        """
        self._app, self._inner, self._folder = app, inner, folder
        self._patches = watch.patches
        self._own = OwnCode(watch.folder)
        self._database = Database(self._write_routes)
        self._locks = Locks(self._own)
        self._startup: Optional[Exercised] = None
        self._started = False
        self._file: Any = None
        self._unwritten: List[Tuple[Exercised, Dict[str, Any]]] = []
        self._threads: Optional[int] = None
        self._routes: List[Dict[str, Any]] = []
        self._middlewares: List[Dict[str, Any]] = []
        self._database.listen()

    def find_pools(self) -> None:
        """Look for connection pools, before what is there by now is put out of the garbage collector's sight."""
        self._database.find_pools()

    def undo(self) -> None:
        """Leave the app's libraries as they were, and close the file."""
        self._database.stop()
        self._patches.undo()
        if self._file is not None:
            self._file.close()
            self._file = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer as the app does."""
        kind = scope["type"]
        if kind == "lifespan":
            await self._live(scope, receive, send)
            return
        if not self._started:
            self._begin()
        asked = self._asked(scope) if kind == "http" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        await self._measure(asked, scope, receive, send)

    def _asked(self, scope: Any) -> Optional[Exercised]:
        """Return the request to measure if its header says so, which the app never sees."""
        for name, value in scope["headers"]:
            if name == HEADER:
                scope["headers"] = [each for each in scope["headers"] if each[0] != HEADER]
                kind, _, name_of_request = value.decode("latin-1").partition(":")
                request = Exercised(name_of_request, kind)
                if kind == "trace":
                    request.tracer = LineTimes(request, self._own)
                return request
        return None

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the app start, and see what blocks meanwhile."""
        startup = self._startup = Exercised("startup", "trace")
        startup.tracer = LineTimes(startup, self._own)
        make_tasks_in(asyncio.get_running_loop())

        async def tell(message: Any) -> None:
            if message["type"].startswith("lifespan.startup."):
                self._end_startup()
            await send(message)

        REQUEST.set(startup)  # of the server's task for it
        try:
            await _stepped(self._app(scope, receive, tell), startup)
        finally:
            self._end_startup()
            self._write_requests()

    def _end_startup(self) -> None:
        if self._startup is not None and not self._startup.over:
            self._startup.over = True
            self._startup.tracer.stop()
            self._begin()

    def _begin(self) -> None:
        """Divide the app into parts, and write down its routes, once: when it has started."""
        if self._started:
            return
        self._started = True
        try:
            self._divide()
        except Exception as error:
            self._note(f"the app can't be looked into: {error!r} {_where(error)}")
        self._write_routes()

    def _divide(self) -> None:
        make_tasks_in(asyncio.get_running_loop())
        self._database.listen()
        self._database.find_pools()
        self._locks.watch(self._patches)
        self._threads = shared_threads()
        divide_libraries(self._patches)
        app = inner_app(self._inner)
        if not hasattr(app, "routes"):
            self._note("its routes can't be listed: it is made with neither Starlette nor FastAPI")
            return
        routes = list_routes(app)
        self._routes = [each.told(self._own) for each in routes]
        for prefix, each in apps_in(self._inner, app):
            self._middlewares += told_middlewares(each, prefix, self._own)
            divide_middlewares(each, self._patches)
        divide_routes(routes, self._patches)

    def _note(self, sentence: str) -> None:
        self._patches.notes.append(sentence)

    def _write_routes(self) -> None:
        startup = self._startup
        told = {
            "routes": self._routes,
            "middlewares": self._middlewares,
            "startup": startup.tracer.told() if startup is not None else [],
            "threads": self._threads,
            "pools": self._database.pools(),
            "versions": versions(),
            "app_dir": self._own.app_dir,
            "notes": [*self._patches.notes, *(startup.notes if startup is not None else [])],
        }
        path = os.path.join(self._folder, ROUTES)  # noqa: PTH118 - few imports
        try:
            with open(path + ".part", "w", encoding="utf-8") as file:  # noqa: PTH123
                json.dump(told, file)
            os.replace(path + ".part", path)  # noqa: PTH105
        except (OSError, TypeError, ValueError) as error:
            print(f"bench check: {path} can't be written: {error}", flush=True)  # noqa: T201 - it goes to the log

    async def _measure(self, request: Exercised, scope: Any, receive: Any, send: Any) -> None:
        told: Dict[str, Any] = {"status": None, "exception": None, "raised_at": None, "answered_s": None}
        make_tasks_in(asyncio.get_running_loop())

        async def tell(message: Any) -> None:
            if message["type"] == "http.response.start":
                told["status"] = message["status"]
            await send(message)
            if message["type"].startswith("http.response."):
                told["answered_s"] = perf_counter() - request.began

        token = REQUEST.set(request)
        try:
            await _stepped(self._app(scope, receive, tell), request)
        except BaseException as error:
            told["exception"] = type(error).__name__
            told["raised_at"] = self._raised_at(error)
            raise
        finally:
            told["wall_s"] = perf_counter() - request.began
            try:
                REQUEST.reset(token)
                self._finish_when_idle(request, told)
            except (RuntimeError, ValueError):  # the loop has ended, and closes what it has left
                request.over = True

    def _finish_when_idle(self, request: Exercised, told: Dict[str, Any]) -> None:
        """Write a request down now, or when the tasks that it has started are done, or have had their time."""
        if not request.tasks:
            self._finish(request, told)
            return
        late = asyncio.get_running_loop().call_later(LONGEST_AFTER_S, self._finish_late, request, told)

        def finish() -> None:
            late.cancel()
            self._finish(request, told)

        request.when_idle = finish

    def _finish_late(self, request: Exercised, told: Dict[str, Any]) -> None:
        request.note(f"tasks that it has started went on {LONGEST_AFTER_S} s after its end, unseen")
        self._finish(request, told)

    def _finish(self, request: Exercised, told: Dict[str, Any]) -> None:
        if request.over:
            return
        request.over = True
        if not self._unwritten:
            asyncio.get_running_loop().call_later(WRITTEN_AFTER_S, self._write_requests)
        self._unwritten.append((request, told))

    def _write_requests(self) -> None:
        """Write down the requests that are over."""
        unwritten, self._unwritten = self._unwritten, []
        if not unwritten:
            return
        try:
            if self._file is None:
                path = os.path.join(self._folder, REQUESTS.format(os.getpid()))  # noqa: PTH118
                self._file = open(path, "a", encoding="utf-8")  # noqa: PTH123, SIM115 - until the process ends
            self._file.writelines(json.dumps(self._line(*each)) + "\n" for each in unwritten)
            self._file.flush()
        except Exception as error:
            print(f"bench check: requests can't be written down: {error!r}", flush=True)  # noqa: T201

    def _line(self, request: Exercised, told: Dict[str, Any]) -> Dict[str, Any]:
        return {
            "id": request.name,
            "pass": request.kind,
            "route": request.route,
            **told,
            "loop": {
                "cpu_s": request.cpu,
                "blocked_s": request.blocked,
                "longest_step_s": request.longest,
                "steps": request.steps,
                "delayed_s": request.delayed,
            },
            "hops": request.hops,
            "parts": [each.told() for each in list(request.parts.values())],
            "sites": request.tracer.told() if request.tracer is not None else [],
            "statements": request.statements if self._database.known else None,
            "locks": request.locks,
            "connections_held_s": request.connections_held if self._database.known else None,
            "note": "; ".join(request.notes) or None,
        }

    def _raised_at(self, error: BaseException) -> Optional[Dict[str, Any]]:
        """Return the innermost own line that an error came through."""
        found = None
        for frame, line in traceback.walk_tb(error.__traceback__):
            code = frame.f_code
            if self._own.has(code.co_filename):
                found = {"file": self._own.shown(code.co_filename), "line": line, "function": qualified_name(frame)}
        return found


def _stepped(coroutine: Any, request: Exercised) -> Any:
    return Stepped(coroutine, request, request.part(*FRAMEWORK), lambda: None)


def shared_threads() -> Optional[int]:
    """Return how many threads ``def`` handlers share; None if that is not known."""
    try:
        from anyio.to_thread import current_default_thread_limiter

        return int(current_default_thread_limiter().total_tokens)
    except ImportError:  # Starlette before 0.15 takes the threads of the event loop's executor
        return ThreadPoolExecutor()._max_workers
    except Exception:
        return None


def _where(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f"({os.path.basename(each.filename)}:{each.lineno})" for each in last)  # noqa: PTH119
