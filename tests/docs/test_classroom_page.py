"""docs/classroom.md: the app of its last exercise is what the answers say of it."""

import ast
import re
from pathlib import Path

import pytest

from loadtests.check.checking import CheckOptions, carry_out
from loadtests.lessons.docs import EXERCISES
from tests.docs.test_pages import FENCE, ROOT

PAGE = (ROOT / "docs" / "classroom.md").read_text(encoding="utf-8")
(APP,) = (fence["body"] for fence in FENCE.finditer(PAGE) if fence["kind"] == "python")
ANSWER = re.compile(r"^\| `(GET /\w+)` \| .+? \| ([\w-]+) \| .+ \|$", re.MULTILINE)


def test_the_figures_are_those_of_the_exercises_in_their_order() -> None:
    assert tuple(re.findall(r"^uv run bench lesson (\w+)$", PAGE, re.MULTILINE)) == EXERCISES


def test_every_route_of_the_app_has_a_line_to_fill_in_and_an_answer() -> None:
    handlers = [node for node in ast.parse(APP).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    routes = [f"GET /{handler.name}" for handler in handlers]
    assert re.findall(r"^\| `(GET /\w+)` \| \| \|$", PAGE, re.MULTILINE) == routes
    assert [route for route, _ in ANSWER.findall(PAGE)] == routes


@pytest.mark.slow
def test_a_check_of_the_app_says_what_the_answers_say(tmp_path: Path) -> None:
    file = tmp_path / "decide.py"
    file.write_text(APP, encoding="utf-8")
    check = carry_out(CheckOptions(str(file), budget_s=20.0), tmp_path / "work", lambda _: None).check
    assert {f"{route.method} {route.path}": route.verdict for route in check.routes} == dict(ANSWER.findall(PAGE))
