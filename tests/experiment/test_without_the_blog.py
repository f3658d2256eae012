"""Without the blog, as after an installation of the package alone, all that does not ask for the blog works."""

import subprocess
import sys

import pytest

from loadtests.experiment import blog
from loadtests.experiment.side_parser import parse_side
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.lesson import Lesson
from loadtests.lessons.measure import WITH_BLOG_CODE, check_sides
from loadtests.lessons.text import source
from loadtests.system.errors import UsageError
from loadtests.validation.plan import ValidateOptions

WITHOUT_BLOG = """
import importlib, pkgutil, sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("shared", "sync_app", "async_app"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocker())
import loadtests

names = [module.name for module in pkgutil.walk_packages(loadtests.__path__, "loadtests.")]
names = [name for name in names if "locust" not in name]  # it replaces sockets, and is imported by its own processes
assert {"loadtests.cli.run", "loadtests.experiment.sides", "loadtests.servers.handlers"} <= set(names)
for name in names:
    importlib.import_module(name)
assert not {"shared", "sync_app", "async_app"} & set(sys.modules)

from loadtests.experiment.side_parser import parse_side
from loadtests.cli import main

assert parse_side("my.module:app,loop=asyncio").settings()["app"] == "my.module:app"
assert parse_side("http://127.0.0.1:8000").settings() == {"url": "http://127.0.0.1:8000"}
main()
"""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_BLOG, *arguments], capture_output=True, text=True, timeout=100, check=False
    )


@pytest.mark.slow
def test_every_module_is_imported_without_the_blog_and_a_build_says_where_it_is() -> None:
    done = bench("run")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"bench: side 'sync': {blog.ELSEWHERE}\n"


@pytest.fixture
def no_blog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blog, "ROOT", blog.ROOT / "loadtests")


@pytest.mark.usefixtures("no_blog")
@pytest.mark.parametrize("text", ["sync", "async,loop=asyncio", "sync_app.main:app"])
def test_a_build_is_no_side_where_there_is_no_blog(text: str) -> None:
    with pytest.raises(UsageError, match="run this in a clone"):
        parse_side(text)


@pytest.mark.usefixtures("no_blog")
def test_another_app_has_the_settings_of_the_server_alone() -> None:
    assert parse_side("my.module:app,gc=freeze").server.gc == "freeze"
    with pytest.raises(UsageError, match=r"unknown setting 'pool_size'; choose one of: server, loop, http, workers"):
        parse_side("my.module:app,pool_size=3")


@pytest.mark.usefixtures("no_blog")
@pytest.mark.parametrize("lesson", LESSONS.values(), ids=lambda lesson: lesson.name)
def test_a_lesson_that_needs_the_blog_says_so_first(lesson: Lesson) -> None:
    sides = {lesson.measure.a, lesson.measure.b}
    own = all(side.startswith("loadtests.lessons.") for side in sides) and not sides & WITH_BLOG_CODE
    if own or lesson.name == "coordinated_omission":  # their servers are the package's own
        check_sides(lesson.measure, "")
        return
    with pytest.raises(UsageError, match="run this in a clone"):
        check_sides(lesson.measure, "")


@pytest.mark.usefixtures("no_blog")
def test_a_lesson_that_was_measured_elsewhere_can_still_be_read() -> None:
    [shown, _] = map(source, LESSONS["waiting"].code)
    assert shown.startswith("# the handler of /api/workloads/upstream in sync_app; the blog is part of the repository")


@pytest.mark.usefixtures("no_blog")
def test_checks_that_take_the_blog_are_refused_before_any_is_carried_out() -> None:
    for options in (ValidateOptions(), ValidateOptions(only="aa"), ValidateOptions(only="drivers", blog=0)):
        with pytest.raises(UsageError, match="run this in a clone"):
            options.sizes()
    assert ValidateOptions(only="effects,queue").sizes().checks == ("effects", "queue")
