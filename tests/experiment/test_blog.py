"""What is known of the blog's builds, and that what judges a run learns it in one place."""

from pathlib import Path

import pytest

import loadtests
from loadtests.experiment import blog
from loadtests.experiment.blog import BuildResources, SideSettings, resources_of
from loadtests.experiment.catalogue import holds_a_connection, mixed_ms
from loadtests.experiment.side_parser import parse_side
from shared.settings import Settings

SYNC, ASYNC = "sync_app.main:app", "async_app.main:app"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"app": SYNC}, BuildResources(1, threads=40, connections=15, limits_sessions=True)),
        ({"app": ASYNC, "workers": 2}, BuildResources(2, threads=None, connections=15, limits_sessions=True)),
        ({"app": SYNC, "session_limit": "4"}, BuildResources(1, threads=40, connections=4, limits_sessions=True)),
        ({"app": SYNC, "session_limit": "none"}, BuildResources(1, 40, 15, limits_sessions=False)),
        ({"app": "other:app"}, None),
        ({"url": "http://127.0.0.1:8000"}, None),
    ],
)
def test_a_build_has_what_its_settings_say(settings: SideSettings, expected: BuildResources | None) -> None:
    assert resources_of(settings) == expected


def test_where_nothing_is_said_a_build_has_what_the_blog_gives_itself() -> None:
    known = resources_of({"app": parse_side("sync").app})
    assert known is not None
    assert known.connections == Settings().max_sessions


@pytest.mark.parametrize(
    ("app", "session_limit", "can"),
    [(SYNC, "pool", False), (SYNC, "none", True), (ASYNC, "pool", False), (ASYNC, "none", False)],
)
def test_only_threads_and_unlimited_sessions_can_wait_for_each_other(app: str, session_limit: str, can: bool) -> None:
    known = resources_of({"app": app, "session_limit": session_limit})
    assert known is not None
    assert known.can_deadlock is can


def test_parameters_of_a_scenario_do_not_matter_to_what_it_holds() -> None:
    assert holds_a_connection("query[wait_ms=5]")
    assert not holds_a_connection("mixed[cpu_ms=1,wait_ms=5]")
    assert mixed_ms("mixed[cpu_ms=1,wait_ms=5]") == (1, 5)


@pytest.mark.parametrize("room", ["analysis", "report"])
def test_what_judges_any_app_names_no_build(room: str) -> None:
    folder = Path(loadtests.__file__).parent / room
    assert [path for path in folder.rglob("*.py") if "sync_app" in path.read_text(encoding="utf-8")] == []


def test_the_defaults_are_those_of_the_blogs_settings() -> None:
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    assert defaults["thread_limit"] == blog.DEFAULT_THREADS
    assert (defaults["pool_size"], defaults["max_overflow"]) == (blog.DEFAULT_POOL_SIZE, blog.DEFAULT_OVERFLOW)
