"""Charges a request's CPU time and its waiting to the app's own lines, and to what these call.

While a stretch of the request runs on a thread, the interpreter reports each call and return there, of C functions too,
and each line of the app's own functions (``sys.setprofile`` and ``sys.settrace``). What passes between two reports is
charged to the innermost own line. Waiting is wall time less CPU time: which library it happens in makes no difference.
The reports themselves take CPU time, so that only the shares of that are worth something, not the amounts. The frames
say where a report comes from, so that greenlets (SQLAlchemy's) and coroutines, which leave a stack and come back to it,
do no harm.
"""

from __future__ import annotations

import linecache
import re
import sys
import threading
from time import perf_counter
from types import CodeType, FrameType
from typing import Any, Dict, List, Optional, Set, Tuple

from .clocks import Clocks
from .meter import FRAMEWORK, METER, Exercised
from .sources import OURS, OwnCode

MOST_REPORTS = 2_000_000
"""Of one request; after so many, lines are no longer told apart, so that a request that computes for long ends."""
MOST_LINES = 20_000
"""Lines that are reported; later, a function's time between two calls goes to the line of the last report."""
LEAST_S = 20e-6
"""A line that took less is left out: it is nothing but what the clocks take."""
MOST_SITES = 40
"""The longest ones are told."""

NESTED = re.compile(r"(\.<locals>\.<(genexpr|listcomp|setcomp|dictcomp|lambda)>)+$")
"""What belongs to the function that it is written in."""
DEFINES = ("def ", "async def ", "class ", "@")
"""How a line begins that calls nothing."""
FIELDS = ("file", "line", "function", "call", "on", "place", "name")
"""Of a line as it is written, before its times."""

SHORT_S = 20e-6
"""What is shorter is charged together with what follows: the clocks would take longer than it does."""

Entry = Tuple[FrameType, Any]
"""The innermost own frame, and what it has called that is not own: a code object, a C function, or None."""
Key = Tuple[CodeType, int, Any, str, str, str]
"""Code, line, what it calls, and of the part: where it runs, place, name."""


class LineTimes:
    """The lines of one request, on all of its threads."""

    def __init__(self, request: Exercised, own: OwnCode) -> None:
        """Prepare."""
        self._request, self._own = request, own
        self._threads = threading.local()
        self._times: Dict[Key, List[float]] = {}
        self._via: Dict[CodeType, Tuple[CodeType, int, Any]] = {}
        self._modules: Dict[CodeType, str] = {}
        self._functions: Dict[CodeType, str] = {}
        self.reports = self.lines = 0

    def start(self) -> None:
        """Begin a stretch on this thread."""
        if self.reports > MOST_REPORTS:
            return
        try:
            stretch = getattr(self._threads, "stretch", None)
            if stretch is None:
                stretch = self._threads.stretch = _Stretch(self, self._request, self._own)
            stretch.start()
        except Exception as error:
            self._fail(error)

    def stop(self) -> None:
        """End it, if it has not ended yet."""
        try:
            stretch = getattr(self._threads, "stretch", None)
            if stretch is not None:
                stretch.stop()
        except Exception as error:
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        self.reports = MOST_REPORTS + 1
        self._request.note(f"its lines could not be told apart: {error!r}")

    def charge(self, key: Key, wall: float, cpu: float) -> None:
        """Add a time to a line."""
        times = self._times.get(key)
        if times is None:
            times = self._times[key] = [0.0, 0.0]
        times[0] += wall
        times[1] += cpu

    def came_through(self, code: CodeType, entry: Entry, line: int) -> None:
        """Keep the own line that called the library which has called back an own function."""
        self._via.setdefault(code, (entry[0].f_code, line, entry[1]))

    def inherits(self, code: CodeType, caller: CodeType) -> None:
        """Keep that an own function was called by one that a library has called back."""
        if caller in self._via:
            self._via.setdefault(code, self._via[caller])

    def learn(self, frame: FrameType) -> None:
        """Keep what a frame's code is called, while there is a frame to see it by."""
        code = frame.f_code
        if code not in self._modules:
            self._modules[code] = frame.f_globals.get("__name__") or ""
            self._functions[code] = qualified_name(frame)

    def told(self) -> List[Dict[str, Any]]:
        """Return the lines as they are written, those that took longest first."""
        sums: Dict[Tuple[Any, ...], List[float]] = {}
        through: Dict[Tuple[Any, ...], Optional[Dict[str, Any]]] = {}
        for (code, line, called, *part), (wall, cpu) in self._times.items():
            call = only_call(code.co_filename, line) if called is None else self._name(called)
            file, function = self._own.shown(code.co_filename), self._functions.get(code, code.co_name)
            key = (file, line, function, call, *part)
            times = sums.setdefault(key, [0.0, 0.0])
            through.setdefault(key, self._told_via(code))
            times[0] += max(0.0, wall - cpu)
            times[1] += cpu
        found = [
            {**dict(zip(FIELDS, key)), "wait_s": wait, "cpu_s": cpu, "via": through[key]}  # noqa: B905
            for key, (wait, cpu) in sums.items()
            if wait + cpu >= LEAST_S
        ]
        found.sort(key=lambda each: each["wait_s"] + each["cpu_s"], reverse=True)
        return found[:MOST_SITES]

    def _told_via(self, code: CodeType) -> Optional[Dict[str, Any]]:
        if code not in self._via:
            return None
        outer, line, called = self._via[code]
        return {
            "file": self._own.shown(outer.co_filename),
            "line": line,
            "function": self._functions.get(outer, outer.co_name),
            "call": "" if called is None else self._name(called),
        }

    def _name(self, called: Any) -> str:
        if isinstance(called, CodeType):
            return public_name(self._modules.get(called, ""), self._functions.get(called, called.co_name))
        module, name = called
        return f"{module}.{name}" if module not in {"", "builtins"} else name


class _Stretch:
    """What is reported on one thread."""

    def __init__(self, times: LineTimes, request: Exercised, own: OwnCode) -> None:
        self._times, self._request, self._has = times, request, own.has
        self._is_own: Dict[CodeType, bool] = {}
        self._ours: Set[CodeType] = set()
        """What measures: it is looked through."""
        self._entries: Dict[int, Optional[Entry]] = {}
        """Of each frame that has been entered in this stretch; any other is a greenlet's, and goes on for who goes on
        with that: the last entry."""
        self._parts: Dict[int, Any] = {}
        """The part in which each own frame began."""
        self._entry: Optional[Entry] = None
        self._line = 0
        self._clocks = Clocks()
        self._running = False

    def start(self) -> None:
        if self._running:
            return
        if sys.getprofile() is not None or sys.gettrace() is not None:  # not always a function that can be put back
            self._request.note("its lines are not told: the app has a profiler or a debugger of its own")
            return
        self._running = True
        self._entries.clear()
        self._parts.clear()
        self._entry = None
        self._clocks.reset()
        if self._times.lines <= MOST_LINES:
            sys.settrace(self._call)
        sys.setprofile(self._report)

    def stop(self) -> None:
        if not self._running:
            return
        sys.setprofile(None)
        sys.settrace(None)
        self._running = False
        self._charge()
        self._entries.clear()
        self._parts.clear()
        self._entry = None

    def _charge(self) -> None:
        """Charge what has passed since the last time to the line that has been running."""
        wall, cpu = self._clocks.lap()
        if self._entry is not None:
            frame, called = self._entry
            part = METER.part
            place, name = (part.place, part.name) if part is not None else FRAMEWORK
            self._times.charge((frame.f_code, self._line, called, METER.runs_on, place, name), wall, cpu)

    def _report(self, frame: FrameType, event: str, what: Any) -> None:
        """Take a call or a return down, as ``sys.setprofile`` reports it."""
        try:
            if perf_counter() - self._clocks.wall > SHORT_S:
                self._charge()
            entries, old = self._entries, self._entry
            if event == "call":
                entry = entries[id(frame)] = self._entered(frame)
            elif event == "return":
                entries.pop(id(frame), None)
                entry = entries.get(id(frame.f_back), old)
            else:
                entry = entries.get(id(frame), old)
                if event == "c_call" and entry is not None and entry[1] is None:
                    entry = (entry[0], c_name(what))
            if entry is not None and (self._times.lines > MOST_LINES or old is None or old[0] is not entry[0]):
                self._line = entry[0].f_lineno
            self._entry = entry
            self._count()
        except Exception as error:
            self._give_up(f"its lines could not be told apart: {error!r}")

    def _entered(self, frame: FrameType) -> Optional[Entry]:
        code = frame.f_code
        is_own = self._is_own.get(code)
        if is_own is None:
            is_own = self._is_own[code] = self._has(code.co_filename)
            if is_own:
                self._times.learn(frame)
            elif code.co_filename.startswith(OURS):
                self._ours.add(code)
        if is_own:
            self._find_caller(frame)
            return frame, None
        outer = self._entries.get(id(frame.f_back), self._entry)
        if outer is None or outer[1] is not None or code in self._ours:
            return outer
        self._times.learn(frame)
        return outer[0], code

    def _find_caller(self, frame: FrameType) -> None:
        """Find out whether the part that this own function runs in has come to it through a library."""
        back = frame.f_back
        caller = self._entries.get(id(back), self._entry)
        part = self._parts[id(frame)] = METER.part
        if caller is None or self._parts.get(id(caller[0])) is not part:
            return
        if back is not None and caller[0] is back and self._entry is not None and self._entry[1] is None:
            self._times.inherits(frame.f_code, back.f_code)
        else:  # from a library, or from a function in C, which is the last thing that was reported
            entry = caller if caller[1] is not None or self._entry is None else self._entry
            self._times.came_through(frame.f_code, entry, entry[0].f_lineno)

    def _call(self, frame: FrameType, event: str, what: Any) -> Any:
        """Say of which calls each line is to be reported, as ``sys.settrace`` asks."""
        code = frame.f_code
        is_own = self._is_own.get(code)
        return self._new_line if (self._has(code.co_filename) if is_own is None else is_own) else None

    def _new_line(self, frame: FrameType, event: str, what: Any) -> Any:
        if event != "line" or not self._running:
            return self._new_line
        try:
            if perf_counter() - self._clocks.wall > SHORT_S:
                self._charge()
            self._entry, self._line = (frame, None), frame.f_lineno
            self._times.lines += 1
            if self._times.lines > MOST_LINES:
                sys.settrace(None)
                frame.f_trace = None
                return None
            self._count()
        except Exception as error:
            self._give_up(f"its lines could not be told apart: {error!r}")
        return self._new_line

    def _count(self) -> None:
        self._times.reports += 1
        if self._times.reports > MOST_REPORTS:
            self._give_up(f"its lines are told for the first {MOST_REPORTS} calls and lines only")

    def _give_up(self, why: str) -> None:
        self._request.note(why)
        self._times.reports = MOST_REPORTS + 1
        self.stop()


def c_name(function: Any) -> Tuple[str, str]:
    """Return module and name of a C function or a C type's method."""
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", "")
    module = getattr(function, "__module__", None)
    if not module:
        owner = getattr(function, "__self__", None)
        module = type(owner).__module__ if owner is not None else ""
    return str(module), str(name)


def qualified_name(frame: FrameType) -> str:
    """Return the qualified name of a frame's function; before Python 3.11 that of a method is found by its class."""
    code = frame.f_code
    said = getattr(code, "co_qualname", None)
    if said is not None:
        return NESTED.sub("", str(said))
    if code.co_argcount and code.co_varnames[0] in {"self", "cls"}:
        owner = frame.f_locals.get(code.co_varnames[0])
        for each in (owner if isinstance(owner, type) else type(owner)).__mro__:
            if getattr(vars(each).get(code.co_name), "__code__", None) is code:
                return f"{each.__qualname__}.{code.co_name}"
    return code.co_name


def public_name(module: str, function: str) -> str:
    """Return the shortest name under which packages offer a function, as ``requests.get`` for ``requests.api.get``."""
    first = function.split(".", 1)[0]
    here = getattr(sys.modules.get(module), first, None)
    names = module.split(".")
    if here is not None:
        for length in range(1, len(names)):
            outer = ".".join(names[:length])
            if getattr(sys.modules.get(outer), first, None) is here:
                return f"{outer}.{function}"
    return f"{module}.{function}" if module else function


def only_call(file: str, line: int) -> str:
    """Return what a line of source calls, as it is written there, if it is one thing alone; else nothing."""
    text = linecache.getline(file, line).split("#", 1)[0].strip()
    found = [] if text.startswith(DEFINES) else re.findall(r"([A-Za-z_][\w.]*)\(", text)
    return str(found[0]) if len(found) == 1 else ""
