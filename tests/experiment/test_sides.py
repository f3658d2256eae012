import re

import pytest

from loadtests.experiment.sides import parse_side
from loadtests.runner.run import check_importable
from loadtests.servers.server import app_environment
from loadtests.system.errors import UsageError


def test_a_build_alone_has_every_default() -> None:
    side = parse_side("sync")
    assert side.app == "sync_app.main:app"
    assert side.settings()["session_limit"] == "pool"
    assert side.settings()["loop"] == "uvloop"
    assert side.settings()["workers"] == 1


def test_settings_of_app_and_server_go_where_they_belong() -> None:
    side = parse_side("async, loop=asyncio, pool_size=20")
    assert side.server.loop == "asyncio"
    assert side.knobs == (("pool_size", "20"),)
    assert side.settings()["pool_size"] == "20"


def test_a_knob_reaches_the_app_as_an_environment_variable_and_wins() -> None:
    environment = app_environment(parse_side("sync,upstream_url=http://127.0.0.1:1"), "sqlite:///x.db", "http://u")
    assert environment == {"BLOG_DATABASE_URL": "sqlite:///x.db", "BLOG_UPSTREAM_URL": "http://127.0.0.1:1"}


def test_a_running_server_is_a_side() -> None:
    side = parse_side("http://127.0.0.1:8000/")
    assert side.url == "http://127.0.0.1:8000"
    assert side.settings() == {"url": "http://127.0.0.1:8000"}


def test_any_asgi_app_is_a_side() -> None:
    assert parse_side("loadtests.servers.slow_api:app").app == "loadtests.servers.slow_api:app"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("asink", "unknown side 'asink'"),
        ("", "unknown side ''"),
        ("a b:app", "unknown side"),
        ("module:import os", "unknown side"),
        ("sync,session_limit", "should read key=value"),
        ("sync,session_limit=", "should read key=value"),
        ("sync,speed=11", "unknown setting 'speed'"),
        ("sync,pool_size=0", "pool_size"),
        ("sync,session_limit=some", "session_limit"),
        ("sync,loop=auto", "loop"),
        ("sync,workers=0", "workers"),
        ("sync,port=99999", "port"),
        ("async,loading=lazy", "loading=lazy is for the sync build"),
        ("http://127.0.0.1:8000,loop=asyncio", "leave out 'loop'"),
        ("http://", "write the base URL alone"),
        ("http://127.0.0.1:8000/?x=1", "write the base URL alone"),
    ],
)
def test_what_is_no_side_is_named_with_its_mend(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)):
        parse_side(text)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no_such_module:app", "No module named 'no_such_module'"),
        ("loadtests.servers.slow_api:nothing", "no attribute 'nothing'"),
    ],
)
def test_an_app_that_cannot_be_imported_is_told_before_anything_starts(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=complaint):
        check_importable(parse_side(text))
