import json
import re

import pytest

from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.side_text import has_commit, is_commit_alone, name_and_settings, of_one_app, side_text
from loadtests.experiment.sides import check_remote, without
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


def test_a_running_server_is_a_side() -> None:
    side = parse_side("http://127.0.0.1:8000/")
    assert side.url == "http://127.0.0.1:8000"
    assert side.settings() == {"url": "http://127.0.0.1:8000"}


def test_a_side_has_a_base_path_if_it_is_given_one() -> None:
    assert parse_side("main:app,path=/v1/").launch.path == "/v1"
    assert parse_side("main:app,path=/").launch.path == ""
    assert parse_side("main:app,path=/v1").settings()["path"] == "/v1"


def test_any_asgi_app_is_a_side() -> None:
    assert parse_side("loadtests.servers.slow_api:app").app == "loadtests.servers.slow_api:app"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("asink", "unknown side 'asink'"),
        ("asink@HEAD", "unknown side"),
        ("@HEAD", "a commit of what? write sync@HEAD, or package.module:app@HEAD"),
        ("sync@", "commit: write a commit, a branch or a tag"),
        ("sync@-x", "commit: write a commit, a branch or a tag"),
        ("sync@HEAD,commit=HEAD", "commit is given twice"),
        ("http://127.0.0.1:8000,commit=HEAD", "a running server has its settings already"),
        ("", "unknown side ''"),
        ("a b:app", "unknown side"),
        ("module:import os", "unknown side"),
        ("sync,session_limit", "should read key=value"),
        ("sync,session_limit=", "should read key=value"),
        ("main:app,dir=a,dir=b", "dir is given twice"),
        ("main:app,env.NAME=it's", "a quote is not closed"),
        ('main:app,env.NAME="a,b', "a quote is not closed"),
        ("sync,speed=11", "unknown setting 'speed'"),
        ("sync,pool_size=0", "pool_size"),
        ("sync,session_limit=some", "session_limit"),
        ("sync,seed_posts=5", "seed_posts: Input should be greater than or equal to 20"),
        ("sync,seed_posts=many", "seed_posts: Input should be a valid integer"),
        ("sync,seed_users=0", "seed_users: Input should be greater than or equal to 1"),
        ("async,seed_users=200000", "seed_users: Input should be less than or equal to 100000"),
        ("sync,loop=auto", "loop"),
        ("sync,workers=0", "workers"),
        ("sync,port=99999", "port"),
        ("async,loading=lazy", "loading=lazy is for the sync build"),
        ("http://127.0.0.1:8000,loop=asyncio", "leave out 'loop'"),
        ("http://", "write the base URL alone"),
        ("http://127.0.0.1:8000/?x=1", "write the base URL alone"),
        ("http://127.0.0.1:8000,dir=x", "leave out 'dir'"),
        ("http://127.0.0.1:8000,path=/v1", "write the path into its URL, as in http://127.0.0.1:8000/v1"),
        ("main:app,path=v1", "path: write it from the slash on"),
        ("main:app,path=/v1?x=1", "path: a base path has no query"),
        ("main:app,ready=health", "ready: write it from the slash on, as in /health"),
        ("main:app,env.DSN=postgresql://me:hush@db/x", "for env.DSN would be written into run.json"),
        ("main:app,env.SECRET_KEY=hush", "write 'env.SECRET_KEY=${NAME}' in single quotes"),
        ("command='env SECRET_KEY=hush serve {port}'", "for command would be written into run.json"),
        ("command='serve {port} --api-key hush'", "for command would be written into run.json"),
        ("command='serve {port} --password=hush'", "for command would be written into run.json"),
        ("main:app,env.7=x", "should read env.NAME=value"),
        ("main:app,pid=7", "pid is for a server that runs already"),
        ("main:app,agent=9000", "agent is for a server that runs already"),
        ("http://127.0.0.1:8000,agent=x", "agent: write its port, as in agent=9000, or HOST:PORT"),
        ("http://127.0.0.1:8000,agent=70000", "agent: write its port"),
        ("http://127.0.0.1:8000,agent=http://h:9000", "agent: write its port"),
        ("http://127.0.0.1:8000,agent=9000,pid=7", "pid and agent tell the same"),
        ("before/main.py,dir=after", "names its folder already"),
        ("main:app,ready=health", "ready"),
        ("main:app,start_limit=0", "start_limit"),
        ("main:app,server=waitress", "server"),
        ("main:app,server=granian,loop=asyncio", "loop is for uvicorn as the harness starts it"),
        ("main:app,command='serve it'", "needs {port}, or port= beside it"),
        ("main:app,command='serve {port} {address}'", "has {address}; choose one of: app, host, port, python, workers"),
        ("main:app,command='serve {port'", "can't be read"),
        ("main:app,command='serve {port}',gc=default", "gc is for uvicorn as the harness starts it"),
    ],
)
def test_what_is_no_side_is_named_with_its_mend(text: str, complaint: str) -> None:
    with pytest.raises(UsageError, match=re.escape(complaint)):
        parse_side(text)


def test_an_app_is_named_by_its_file() -> None:
    assert (parse_side("main.py").app, parse_side("main.py").launch.dir) == ("main:app", ".")
    side = parse_side("projects/before/main.py:create_app()")
    assert (side.app, side.launch.dir) == ("main:create_app()", "projects/before")


def test_how_a_side_is_started_is_written_after_its_name() -> None:
    side = parse_side(
        "main:app, dir=./before, python=.venv/bin/python, env.MODE=prod, env.TOKEN=${TOKEN}, env_file=.env,"
        "ready=/health"
    )
    assert side.launch.model_dump(exclude_defaults=True) == {
        "dir": "./before",
        "python": ".venv/bin/python",
        "env": (("MODE", "prod"), ("TOKEN", "${TOKEN}")),
        "env_file": ".env",
        "ready": "/health",
    }
    assert side.settings()["env.TOKEN"] == "${TOKEN}"


def test_a_value_with_commas_is_quoted() -> None:
    side = parse_side("""main:app,env.HOSTS='one,two',command="serve --port {port} 'a, b' {{x}}",server=uvicorn""")
    assert side.launch.env == (("HOSTS", "one,two"),)
    assert side.command("python", 8000) == ["serve", "--port", "8000", "a, b", "{x}"]
    assert parse_side("""'one, two/main.py',env.NAME="it's\"""").launch.dir == "one, two"


@pytest.mark.parametrize("options", ["--token-file secrets.txt", "--max-tokens 5", "SEED=5", "--password --quiet"])
def test_an_option_that_is_no_secret_may_stand_in_a_command(options: str) -> None:
    assert parse_side(f"command='serve {{port}} {options}'").launch.command == f"serve {{port}} {options}"


@pytest.mark.parametrize("server", ["granian", "hypercorn", "gunicorn"])
def test_other_servers_are_started_with_the_sides_own_python(server: str) -> None:
    side = parse_side(f"main:app,server={server},workers=2")
    command = side.command("/their/python", 8123)
    assert command[:3] == ["/their/python", "-m", server]
    assert "main:app" in command
    assert "8123" in " ".join(command)
    assert "127.0.0.1" in " ".join(command)
    assert "10.0.0.5" in " ".join(side.command("/their/python", 8123, "10.0.0.5"))
    assert not {"loop", "http", "gc", "observe"} & side.settings().keys()


def test_a_command_alone_is_a_side() -> None:
    side = parse_side("command='node server.js {port}'")
    assert (side.app, side.command("python", 1)) == ("", ["node", "server.js", "1"])
    assert side.places == {"port"}
    both = parse_side("command='node server.js {host}:{port}'")
    assert both.command("python", 1, "10.0.0.5") == ["node", "server.js", "10.0.0.5:1"]
    assert both.places == {"host", "port"}


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:8000", "http://localhost:8000", "http://a.localhost", "http://[::1]:80", "http://0.0.0.0:1"],
)
def test_this_machine_may_be_put_under_load(url: str) -> None:
    check_remote(parse_side(url), ())


def test_another_machine_may_not_unless_it_is_named() -> None:
    side = parse_side("https://example.com/api")
    with pytest.raises(UsageError, match=r"add --allow-remote example\.com"):
        check_remote(side, ("example.org",))
    check_remote(side, ("example.com",))


def test_both_sides_do_without_what_one_of_them_lacks() -> None:
    side = without(parse_side("main:app"), {"uvloop"}, {"uvloop", "httptools"})
    assert (side.server.loop, side.server.http) == ("asyncio", "httptools")
    chosen = parse_side("main:app,loop=uvloop")
    assert without(chosen, {"uvloop"}, {"uvloop"}) == chosen
    with pytest.raises(UsageError, match="its interpreter has no uvloop; install it there, or write loop=asyncio"):
        without(chosen, {"uvloop"}, set())


@pytest.mark.parametrize(
    "value", ["plain", "", " a ", "a,b", "it's", 'say "so"', json.dumps({"a": 1, "b": [2]}), "a=b"]
)
def test_a_side_is_written_so_that_the_same_is_read(value: str) -> None:
    given = {"env.X": value, "dir": "before"}
    assert name_and_settings(side_text("main:app", given)) == ("main:app", given)
    assert dict(parse_side(side_text("main:app", given)).launch.env) == {"X": value}


def test_a_command_with_a_url_in_it_needs_no_name() -> None:
    text = side_text("", {"command": "x --proxy http://localhost --port {port}"})
    assert parse_side(text).launch.command == "x --proxy http://localhost --port {port}"


@pytest.mark.parametrize(
    ("text", "app", "folder", "commit"),
    [
        ("sync@HEAD~1", "sync_app.main:app", ".", "HEAD~1"),
        ("shop.main:app@v1.2,workers=2", "shop.main:app", ".", "v1.2"),
        ("shop.main:make()@HEAD@{1}", "shop.main:make()", ".", "HEAD@{1}"),
        ("old/main.py@fix/x.py", "main:app", "old", "fix/x.py"),
        ("old/main.py:shop@main", "main:shop", "old", "main"),
        ("a@b/main.py", "main:app", "a@b", None),
        ("a@b/main.py@main", "main:app", "a@b", "main"),
        ("main:app,dir=old,commit=v1", "main:app", "old", "v1"),
        ("command='serve --port {port}',commit=v1", "", ".", "v1"),
    ],
)
def test_an_app_can_be_asked_for_at_a_commit(text: str, app: str, folder: str, commit: str | None) -> None:
    side = parse_side(text)
    assert (side.app, side.launch.dir, side.launch.commit) == (app, folder, commit)
    assert has_commit(text) is (commit is not None)
    assert not is_commit_alone(text)


@pytest.mark.parametrize(
    ("a", "b", "both"),
    [
        ("@HEAD~1", "@HEAD", ("sync@HEAD~1", "sync@HEAD")),
        ("@HEAD~1", None, ("sync@HEAD~1", "sync")),
        (
            "main:app@v1,dir=old,port=80",
            "@v2,workers=2",
            ("main:app@v1,dir=old,port=80", "main:app@v2,dir=old,workers=2"),
        ),
        ("@v1", "old/main.py", ("old/main.py@v1", "old/main.py")),
        ("main:app@v1,dir=old", None, ("main:app@v1,dir=old", "main:app,dir=old")),
        ("main:app,commit=v1", None, ("main:app,commit=v1", "main:app")),
        ("sync@v1", "async", ("sync@v1", "async")),
    ],
)
def test_a_commit_alone_is_one_of_the_other_sides_app(a: str, b: str | None, both: tuple[str, str]) -> None:
    assert of_one_app(a, b, "sync") == both


def test_a_running_server_has_no_commits() -> None:
    with pytest.raises(UsageError, match="is a running server, which has no commits"):
        of_one_app("@HEAD", "http://127.0.0.1:8000", "sync")


@pytest.mark.parametrize(
    ("spec", "address"),
    [
        ("http://10.0.0.5:8000,agent=9000", "10.0.0.5:9000"),
        ("https://shop.example/api,agent=9000", "shop.example:9000"),
        ("http://[::1]:8000,agent=9000", "[::1]:9000"),
        ("https://shop.example,agent=10.0.0.5:9000", "10.0.0.5:9000"),
        ("http://10.0.0.5:8000", None),
        ("main:app", None),
    ],
)
def test_an_agent_is_on_the_host_of_the_url_unless_it_names_another(spec: str, address: str | None) -> None:
    assert parse_side(spec).agent_address == address
