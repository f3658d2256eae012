"""A script: serve a side's ASGI app with uvicorn, try whether that can be done, or say which routes the app has.

``PYTHON serve.py run '{"app": "main:app", "port": 8000, …}'`` and ``PYTHON serve.py try '{"app": "main:app"}'``, called
in the app's folder. ``try`` prints one line of JSON: what was found, or what is wrong; with ``"requests": [["GET",
"/posts"], …]`` also what answers these. ``openapi`` does the same with the app's OpenAPI document, and needs no server.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from typing import Any, NoReturn

NAME = "_bench_inside"


def load_package() -> None:
    """Make this folder importable under NAME, and nothing in it under any other name.

    uvicorn's worker processes run this file once more, under a name that is not ``__main__``, before they unpickle.
    """
    here = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 - pathlib takes time at each start
    if sys.path and os.path.abspath(sys.path[0] or ".") == here:  # noqa: PTH100
        del sys.path[0]
    if NAME in sys.modules:
        return
    file = os.path.join(here, "__init__.py")  # noqa: PTH118
    spec = importlib.util.spec_from_file_location(NAME, file, submodule_search_locations=[here])
    assert spec is not None  # noqa: S101 - the file is beside this one
    assert spec.loader is not None  # noqa: S101
    package = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = package
    spec.loader.exec_module(package)


def main() -> None:
    """Do what the command line says."""
    what, options = sys.argv[1], json.loads(sys.argv[2])
    serving = None
    needed = options.get("server", "uvicorn") if what != "openapi" else None  # None: whatever serves it
    if needed == "uvicorn":
        try:
            # Before the app's folder is on the path: a module of the app's may be called like one of the library's.
            serving = importlib.import_module(NAME + ".uvicorn_config")
        except ImportError as error:
            _fail(what, f"{sys.executable} has no uvicorn ({error}); install it there, or give the server as command=…")
    elif needed is not None and importlib.util.find_spec(needed) is None:
        _fail(what, f"{sys.executable} has no {needed}; install it there")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109
    if what == "try":
        _try(options)
    elif what == "openapi":
        _openapi(options)
    elif serving is not None:
        serving.serve(options)


def _try(options: dict[str, Any]) -> None:
    app = _found_app("try", options)
    if options.get("not_from"):
        _check_origin(options["not_from"])
    versions = importlib.import_module(NAME + ".versions").versions()
    answer = {"python": sys.version.split()[0], "versions": versions}
    if options.get("requests"):
        finding = importlib.import_module(NAME + ".endpoints")
        answer.update(finding.packed(finding.endpoints(app, options["requests"])))
    print(json.dumps(answer))  # noqa: T201 - that is the answer


def _check_origin(folder: str) -> None:
    """End the try if a module was imported from a folder that the app is a copy of: then it would not be the copy."""
    here, folder = os.path.realpath(os.getcwd()), os.path.realpath(folder) + os.sep  # noqa: PTH109
    for name, module in sorted(sys.modules.items()):
        file = os.path.realpath(getattr(module, "__file__", None) or "")
        apart = file.startswith((here, os.path.realpath(sys.prefix) + os.sep)) or "site-packages" in file
        if file.startswith(folder) and not apart and not name.startswith((NAME, "__main__", "__mp_main__")):
            _fail(
                "try",
                "its module " + name + " comes from the folder on disk, not from the commit, as if it was installed in"
                " editable mode; name the folder that it is imported from with dir=, as in dir=src",
            )


def _openapi(options: dict[str, Any]) -> None:
    app = _found_app("openapi", options)
    if not callable(getattr(app, "openapi", None)):
        _fail("openapi", options["app"] + " does not say which routes it has: it is no FastAPI app")
    try:
        answer = json.dumps({"openapi": app.openapi()})
    except Exception as error:
        _fail(
            "openapi", "its OpenAPI document can't be made: " + importlib.import_module(NAME + ".app").describe(error)
        )
    print(answer)  # noqa: T201 - that is the answer


def _found_app(what: str, options: dict[str, Any]) -> Any:  # noqa: ANN401 - whatever an app is
    finding = importlib.import_module(NAME + ".app")
    try:
        return finding.find_app(options["app"])
    except finding.NoApp as reason:
        _fail(what, str(reason))


def _fail(what: str, reason: str) -> NoReturn:
    if what != "run":
        print(json.dumps({"wrong": reason}))  # noqa: T201 - that is the answer
        sys.exit(0)
    sys.exit(reason)


load_package()
if __name__ == "__main__":
    main()
