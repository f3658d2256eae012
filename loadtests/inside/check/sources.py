"""Where functions are defined: names, files and lines, seen from the app's folder."""

from __future__ import annotations

import functools
import inspect
import os
import sys
import textwrap
from typing import Any, Dict, List, Optional

FOREIGN = ("site-packages", "dist-packages")
"""Folders that hold packages, and nobody's own code."""
OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - as serve.py


class OwnCode:
    """Tells the app's own files from those of packages, of the standard library and of the harness."""

    def __init__(self, app_dir: str) -> None:
        """Own are the files below a folder."""
        self.app_dir = os.path.realpath(app_dir)
        self._foreign = [_as_folder(OURS), *(_as_folder(each) for each in _libraries())]
        self._known: Dict[str, bool] = {}

    def has(self, file: str) -> bool:
        """Whether a file is the app's own."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._find(file)
        return known

    def shown(self, file: str) -> str:
        """Return a file's name relative to the app's folder, with slashes; absolute where it is not in there."""
        path = os.path.realpath(file)
        if path.startswith(_as_folder(self.app_dir)):
            return os.path.relpath(path, self.app_dir).replace(os.sep, "/")
        return path.replace(os.sep, "/")

    def site(self, function: Any) -> Optional[Dict[str, Any]]:
        """Return where a function, a class or a callable object is defined; None if it has no source."""
        found = unwrapped(function)
        code = getattr(found, "__code__", None)
        if code is not None:
            return {"file": self.shown(code.co_filename), "line": code.co_firstlineno, "function": found.__qualname__}
        try:
            file = inspect.getsourcefile(found) or inspect.getfile(found)
            line = inspect.getsourcelines(found)[1]
        except (OSError, TypeError):
            return None
        return {"file": self.shown(file), "line": line, "function": getattr(found, "__qualname__", "")}

    def _find(self, file: str) -> bool:
        if file.startswith("<"):
            return False
        path = os.path.realpath(file)
        if any(path.startswith(folder) for folder in self._foreign):
            return False
        return path.startswith(_as_folder(self.app_dir)) and not any(
            f"{os.sep}{each}{os.sep}" in path for each in FOREIGN
        )


def _libraries() -> List[str]:
    """Return the folders of the standard library and of the environment's packages."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    prefixes = {sys.prefix, sys.base_prefix, sys.exec_prefix}
    return [os.path.dirname(os.__file__), *(os.path.join(each, "lib", version) for each in prefixes)]  # noqa: PTH118, PTH120


def _as_folder(path: str) -> str:
    return os.path.realpath(path).rstrip(os.sep) + os.sep


def peeled(function: Any) -> Any:
    """Return what its author wrote, below decorators, partials and bound methods: a function, a class or an object."""
    found = function
    while True:
        if isinstance(found, functools.partial):
            found = found.func
        elif inspect.ismethod(found):
            found = found.__func__
        elif hasattr(found, "__wrapped__") and not inspect.isclass(found):
            found = found.__wrapped__
        else:
            return found


def unwrapped(function: Any) -> Any:
    """Return the function that is called in the end, or the class; of an object, the function that calls it."""
    found = peeled(function)
    if inspect.isroutine(found) or inspect.isclass(found):
        return found
    of_class = getattr(type(found), "__call__", None)  # noqa: B004 - the function is wanted
    return peeled(of_class) if inspect.isfunction(of_class) else found


def dotted(function: Any) -> str:
    """Return module and qualified name of a function, or of the class of a callable object, as ``main.get_post``."""
    try:
        return _dotted(getattr(function, "__func__", function))
    except TypeError:  # it can't be hashed
        return _dotted.__wrapped__(function)


@functools.lru_cache(maxsize=1024)
def _dotted(function: Any) -> str:
    found = peeled(function)
    if not (inspect.isroutine(found) or inspect.isclass(found)):
        found = type(found)
    name = getattr(found, "__qualname__", None) or found.__name__
    owner = getattr(found, "__self__", None)
    module = getattr(found, "__module__", None) or (type(owner).__module__ if owner is not None else "")
    return f"{module}.{name}" if module not in {"", "builtins"} else name


def source(function: Any) -> str:
    """Return a function's source, decorators included; empty if it has none."""
    try:
        return textwrap.dedent(inspect.getsource(unwrapped(function)))
    except (OSError, TypeError, IndentationError):
        return ""
