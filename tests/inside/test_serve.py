"""What runs with a side's own interpreter: no library of ours, no syntax that an older Python lacks."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests import inside
from loadtests.servers.launch import SCRIPT

FOLDER = Path(inside.__file__).parent
OLDEST = (3, 8)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def tried(folder: Path, app: str, server: str = "uvicorn") -> dict[str, str]:
    answer: dict[str, str] = json.loads(run(folder, "try", json.dumps({"app": app, "server": server})).stdout)
    return answer


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.py")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_an_older_python_can_read_it(path: Path) -> None:
    ast.parse(path.read_text(encoding="utf-8"), feature_version=OLDEST)


def test_a_side_loads_no_library_of_the_harness_and_none_of_its_modules(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(
        "import sys\n"
        "of_ours = ('loadtests', 'numpy', 'psutil', 'pydantic')\n"
        "ours = [name for name in sys.modules if name.partition('.')[0] in of_ours]\n"
        "assert not ours, ours\n"
        "async def app(scope, receive, send): ...\n"
    )
    assert "wrong" not in tried(tmp_path, "main:app")


def test_names_of_the_apps_folder_come_before_ours(tmp_path: Path) -> None:
    for name in ("app", "serve", "rows", "observer", "loadtests", "shared"):
        (tmp_path / f"{name}.py").write_text("async def app(scope, receive, send): ...\nmine = True\n")
    (tmp_path / "main.py").write_text(
        "import app as theirs, loadtests, observer, rows, serve, shared\n"
        "assert all(each.mine for each in (theirs, loadtests, observer, rows, serve, shared))\n"
        "from app import app\n"
    )
    assert "wrong" not in tried(tmp_path, "main:app")


APPS = """
import sys
from types import SimpleNamespace
async def app(scope, receive, send): ...
def create_app(): return app
def create_app_for(environment): return app
def wsgi(environ, start_response): return []
class Callable:
    async def __call__(self, scope, receive, send): ...
shop = SimpleNamespace(app=app)
instance = Callable()
number = 7
class Routed(Callable):
    routes = ()
blog = Routed()
"""


@pytest.mark.parametrize("attribute", ["app", "create_app", "create_app()", "shop.app", "instance"])
def test_what_is_an_app(tmp_path: Path, attribute: str) -> None:
    (tmp_path / "odd.py").write_text(APPS)
    assert tried(tmp_path, f"odd:{attribute}")["python"] == sys.version.split()[0]


@pytest.mark.parametrize(
    ("attribute", "reason"),
    [
        ("create_app_for", "odd:create_app_for is a factory that needs environment"),
        ("wsgi", "odd:wsgi is a WSGI app"),
        ("number", "odd:number is no ASGI app but a int"),
        ("nothing", "odd has no 'nothing'; it has blog"),
        ("shop.nothing", "odd has no 'shop.nothing'"),
    ],
)
def test_what_is_none_is_named(tmp_path: Path, attribute: str, reason: str) -> None:
    (tmp_path / "odd.py").write_text(APPS)
    assert reason in tried(tmp_path, f"odd:{attribute}")["wrong"]


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import asyncio\nasyncio.run(asyncio.sleep(0))", "asyncio.run() cannot be called from a running event loop"),
        ("import uvicorn\nuvicorn.run(None)", "importing the app starts a server"),
        ("import sys\nsys.exit(4)", "importing main ends the process (status 4)"),
        ("import no_such_module", "there is no module 'no_such_module', neither in the app's folder"),
        ("1/0", "importing main: ZeroDivisionError: division by zero"),
        (
            "import pydantic\nclass S(pydantic.BaseModel):\n  shop_dsn: str\n  shop_key: str\nS.model_validate({})",
            "ValidationError: shop_dsn (Field required), shop_key (Field required)",
        ),
    ],
    ids=["loop", "server", "exit", "module", "error", "settings"],
)
def test_why_an_import_fails_is_said_in_one_line(tmp_path: Path, code: str, reason: str) -> None:
    (tmp_path / "main.py").write_text(code + "\napp = None\n")
    said = tried(tmp_path, "main:app")["wrong"]
    assert reason in said
    assert "\n" not in said


def test_a_module_that_is_not_there_is_looked_for_in_a_folder_that_is_named(tmp_path: Path) -> None:
    assert (
        f"there is no module 'main' in {tmp_path}; name the app's folder with dir="
        in tried(tmp_path, "main:app")["wrong"]
    )


def test_a_module_beside_an_app_that_is_named_from_above_is_found_by_the_apps_file(tmp_path: Path) -> None:
    """The reader of a tutorial with two flat folders, who names them as packages."""
    flat = tmp_path / "before"
    flat.mkdir()
    (flat / "main.py").write_text("import database\napp = None\n")
    (flat / "database.py").write_text("")
    said = tried(tmp_path, "before.main:app")["wrong"]
    assert said.endswith("the module 'database' is in before/, beside it; write before/main.py")


def test_an_app_that_imports_its_own_package_is_named_from_above(tmp_path: Path) -> None:
    package = tmp_path / "shop"
    package.mkdir()
    (package / "main.py").write_text("from shop.models import Base\napp = None\n")
    (package / "models.py").write_text("Base = None\n")
    said = tried(package, "main:app")["wrong"]
    assert said.endswith("name the folder above it with dir=…, and the app as shop.main:…")


def test_another_server_has_to_be_installed(tmp_path: Path) -> None:
    (tmp_path / "odd.py").write_text(APPS)
    assert "has no no_such_server; install it there" in tried(tmp_path, "odd:app", "no_such_server")["wrong"]


def routes(folder: Path, app: str) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(folder, "openapi", json.dumps({"app": app})).stdout.splitlines()[-1])
    return answer


def test_an_app_says_which_routes_it_has(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n@app.get('/a')\ndef a(): ...\n")
    assert list(routes(tmp_path, "main:app")["openapi"]["paths"]) == ["/a"]


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("odd:app", "odd:app does not say which routes it has: it is no FastAPI app"),
        ("odd:nothing", "odd has no 'nothing'"),
        ("odd:broken", "its OpenAPI document can't be made: RuntimeError: no"),
    ],
)
def test_why_an_app_does_not_say_its_routes(tmp_path: Path, app: str, reason: str) -> None:
    (tmp_path / "odd.py").write_text(
        APPS + "class Broken(Callable):\n    def openapi(self): raise RuntimeError('no')\nbroken = Broken()\n"
    )
    assert reason in routes(tmp_path, app)["wrong"]
