"""``bench.toml``: what is made of it is what a command line makes, and what is wrong is told in one line."""

import re
import shlex
from pathlib import Path

import pytest

from loadtests.cli.run import run_
from loadtests.experiment.bench_toml import parse_bench_toml
from loadtests.experiment.bench_toml_options import FileOptions, file_options, read_bench_toml
from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import Experiment
from loadtests.system.errors import UsageError

SIDES = '[a]\napp = "main:app"\n[b]\napp = "after/main.py"\n'


def options(text: str, file: str = "bench.toml") -> FileOptions:
    return file_options(parse_bench_toml(text.encode()), Path(file))


def with_scenario(text: str) -> str:
    return text if "[[scenario]]" in text else f'{text}\n[[scenario]]\nname = "list_posts"\n'


def experiment(text: str, **typed: object) -> Experiment:
    return options(with_scenario(text)).run_options(typed).experiment()


def of_command(line: str) -> Experiment:
    given = run_.make_context("run", shlex.split(line)).params
    return RunOptions.model_validate(given).experiment()


@pytest.mark.parametrize(
    ("text", "command"),
    [
        (SIDES, "--a main:app --b after/main.py"),
        ('[a]\napp = "sync"\n[b]\napp = "sync"\nsettings = { session_limit = "none" }', "--b sync,session_limit=none"),
        (
            '[a]\nurl = "http://127.0.0.1:8000"\nready = "/up"\n[b]\ncommand = "x --port {port}, --w {workers}"\n'
            'workers = 2\nenv = { A = "b,c", T = "${TOKEN}", N = "" }',
            "--a http://127.0.0.1:8000,ready=/up --b \"command='x --port {port}, --w {workers}',workers=2,"
            "env.A='b,c',env.T=${TOKEN},env.N=''\"",
        ),
        ('users = [8, 1]\nbudget = "4m"\n' + SIDES, "--users 1,8 --budget 4m --a main:app --b after/main.py"),
        (
            "users = 8\nbudget = 90\nprecision = 0.03\nseed = 7\n" + SIDES,
            "--users 8 --budget 90s --precision 3% --seed 7",
        ),
        (
            'rate = [100, 2.5]\narrivals = "constant"\nblocks = 4\ntime = 8\nslice = 2.5\n' + SIDES,
            "--rate 100,2.5 --arrivals constant --blocks 4 --time 8 --slice 2.5",
        ),
        (
            'timeout = 3\nstart_limit = 40\ncontrol = false\nobserve = true\ndatabase = "postgres"\n' + SIDES,
            "--timeout 3 --start-limit 40 --no-control --observe --database postgres",
        ),
        (SIDES + '[[scenario]]\nrequest = "/orders"', "/orders"),
        (
            SIDES + '[[scenario]]\nname = "query[wait_ms=20]"\n[[scenario]]\nname = "list_posts"',
            "query[wait_ms=20] list_posts",
        ),
        (
            'headers = { accept = "a/b" }\n' + SIDES + '[[scenario]]\nrequest = "POST /o"\n'
            'json = { item = "tea", n = [1, 2.5] }\n'
            'headers = { Authorization = "Bearer ${HOME}" }\nexpect = 201\ncontains = "tea"',
            "'POST /o' --header 'accept: a/b' --json '{\"item\": \"tea\", \"n\": [1, 2.5]}' "
            "--header 'Authorization: Bearer ${HOME}' --expect 201 --contains tea",
        ),
        (SIDES + "[[scenario]]\nrequest = 'POST /o'\njson = '{\"n\": ${HOME}}'", "'POST /o' --json '{\"n\": ${HOME}}'"),
        (
            SIDES + '[[scenario]]\nrequest = "POST /o"\nform = { a = "b c", d = "${HOME}", n = 1 }',
            "'POST /o' --form 'a=b+c&d=${HOME}&n=1'",
        ),
        (SIDES + '[[scenario]]\nrequest = "POST /o"\ndata = "x"', "'POST /o' --data x"),
        (SIDES + '[[scenario]]\nrequest = "GET /o"\nb_request = "/p"', "'GET /o' --b-request /p"),
        (SIDES + "[[scenario]]\nrequest = \"curl -H 'A: b' localhost/x\"", "--curl \"curl -H 'A: b' localhost/x\""),
        (
            SIDES + '[[scenario]]\nsequence = true\nheaders = { A = "b" }\nexpect = 200\nrequests = [\n'
            '{ request = "POST /login", form = "p=${HOME}", take = { token = "$.t" }, once = true, expect = 204 },\n'
            '{ request = "GET /o", headers = { Authorization = "Bearer ${token}" } },\n"GET /p" ]',
            "--sequence --header 'A: b' --expect 200 'POST /login' --form 'p=${HOME}' --take 'token=$.t' --once "
            "--expect 204 'GET /o' --header 'Authorization: Bearer ${token}' 'GET /p'",
        ),
    ],
)
def test_a_file_asks_what_its_command_line_asks(text: str, command: str) -> None:
    sides = "" if "--b" in command.split() else " --a main:app --b after/main.py"
    scenario = "" if "[[scenario]]" in text else " list_posts"
    assert experiment(text) == of_command(command + sides + scenario)


def test_a_scenario_has_a_name_a_hypothesis_and_requests_that_weigh() -> None:
    [scenario] = experiment(
        SIDES + '[[scenario]]\nname = "read and write"\nhypothesis = "No difference."\n'
        'requests = [{ request = "GET /a", weight = 3 }, { request = "POST /b", json = { x = 1 } }]'
    ).scenarios
    assert (scenario.name, scenario.hypothesis) == ("read and write", "No difference.")
    assert scenario.title == "GET /a, then POST /b, in turn"
    assert [request.weight for request in scenario.requests] == [3, 1]
    assert scenario.writes


def test_paths_are_relative_to_the_folder_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "perf" / "own").mkdir(parents=True)
    (tmp_path / "perf" / "own" / "python").touch()
    (tmp_path / "perf" / "o.json").write_text('{"u": "${user}"}')
    (tmp_path / "perf" / "users.csv").write_text("user\nada\n")
    (tmp_path / "perf" / "c.txt").write_text("curl localhost/x")
    (tmp_path / "perf" / "bench.toml").write_text(
        'junit = "j.xml"\nfail_if = ["p99 > 1s"]\n[a]\napp = "before/main.py"\npython = "own/python"\n'
        '[b]\napp = "main:app"\n'
        '[[scenario]]\nrequest = "POST /o"\njson = "@o.json"\nvalues = "users.csv"\n'
        '[[scenario]]\nrequest = "curl @c.txt"\n'
    )
    found = read_bench_toml(Path("perf/bench.toml"))
    run = found.run_options({}).experiment()
    assert run.a.spec == "perf/before/main.py,python=perf/own/python"
    assert run.b.spec == "main:app,dir=perf"
    first, second = run.scenarios
    assert first.requests[0].body_file == "perf/o.json"
    assert first.values is not None
    assert first.values.file == "perf/users.csv"
    assert second.name == "GET /x"
    assert found.conditions["junit"] == "perf/j.xml"
    assert found.curl == ("curl @perf/c.txt",)


SOME = (
    'users = [1, 8]\nbudget = "2m"\nnot_decided = "fail"\n'
    """fail_if = ["p99 > 1s", "'buy tea'.p99 > 2s", "'buy tea'@8.p95 > 1s"]\n"""
    + SIDES
    + '[[scenario]]\nname = "buy tea"\nrequest = "POST /o"\n[[scenario]]\nrequest = "GET /o"\n'
)


def test_what_is_typed_wins() -> None:
    run = experiment(SOME, users="3", b="other:app")
    assert [str(load) for load in run.loads] == ["3 users"]
    assert (run.a.spec, run.b.spec, run.budget_s) == ("main:app", "other:app", 120.0)
    assert experiment(SOME, blocks=3, time_s=1.0).budget_s is None
    assert [str(load) for load in experiment(SOME, rate="50").loads] == ["50/s"]
    assert experiment("insecure = true\n" + SIDES, insecure=False).insecure is False


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        ((), ["buy tea", "GET /o"]),
        (("buy tea",), ["buy tea"]),
        (("GET /o", "list_posts", "GET /other"), ["GET /o", "list_posts", "GET /other"]),
    ],
)
def test_scenarios_are_chosen_by_name_and_others_can_be_asked(names: tuple[str, ...], asked: list[str]) -> None:
    assert [scenario.name for scenario in experiment(SOME, scenarios=names).scenarios] == asked


def test_a_scenario_that_is_almost_named_is_told() -> None:
    with pytest.raises(UsageError, match="unknown scenario 'buy te'; did you mean 'buy tea'"):
        experiment(SOME, scenarios=("buy te",))


def test_conditions_about_what_is_not_asked_now_are_left_out() -> None:
    def judged(**typed: object) -> tuple[tuple[str, ...], str, int]:
        found = options(SOME)
        demands, left_out = found.threshold_options(typed, found.run_options(typed).experiment())
        return demands.fail_if, demands.not_decided, len(left_out)

    assert judged() == (("p99 > 1s", "'buy tea'.p99 > 2s", "'buy tea'@8.p95 > 1s"), "fail", 0)
    assert judged(scenarios=("GET /o",)) == (("p99 > 1s",), "fail", 2)
    assert judged(users="1") == (("p99 > 1s", "'buy tea'.p99 > 2s"), "fail", 1)
    assert judged(fail_if=("p50 > 1s",), not_decided="pass") == (("p50 > 1s",), "pass", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user = 3", "unknown key 'user'; did you mean 'users'?"),
        ("[a]\napp = 'x:y'\nwrokers = 2", "[a]: unknown key 'wrokers'; did you mean 'workers'?"),
        (
            "[[scenario]]\nrequest='/a'\n[[scenario]]\nreqest = 'GET /a'",
            "[[scenario]] 2: unknown key 'reqest'; did you mean 'request'?",
        ),
        (
            "[[scenario]]\nrequests = [{ reqest = '/' }]",
            "[[scenario]] 1, request 1: unknown key 'reqest'; did you mean 'request'?",
        ),
        (
            "[[scenario]]\nrequest = '/'\nbudget = '4m'",
            "[[scenario]] 1: unknown key 'budget'; it belongs to the top of the file, before the first table",
        ),
        ("users = []", "users is not a number"),
        ("users = '8'", "users should be a whole number or a list"),
        ("users = [1, '8']", "users should be a whole number"),
        ("blocks = true", "blocks should be a whole number"),
        ("a = 'main:app'", "a should be a table"),
        ("[a]\napp = 'main:app'\nworkers = '2'", "[a]: workers should be a whole number"),
        ("[a]\napp = 'main:app'\nenv = { N = 1 }", "[a]: env.N should be a text, in quotes"),
        ("[scenario]\nrequest = '/'", "scenario should be a list of tables: write [[scenario]], in two brackets"),
        ("[[scenario]]\nrequest = '/'\njson = { at = 2026-01-01 }", "[[scenario]] 1: json"),
        ("[[scenario]]\nrequests = [{ once = true }]", "[[scenario]] 1, request 1: request is missing"),
        (
            "[[scenario]]\nrequests = [{ request = '/', expect = '201' }]",
            "[[scenario]] 1, request 1: expect should be a whole number",
        ),
        ("arrivals = 'even'", "arrivals: input should be 'poisson' or 'constant'"),
        ("users = ", "Invalid value (at end of document)"),
        ("users = 1\nusers = 2\n", "Cannot overwrite a value (at line 2, column 10)"),
        ("[a]\nworkers = 2", "[a]: name one of app, url and command"),
        ("[a]\napp = 'x:y'\nurl = 'http://localhost'", "[a]: name one of app, url and command"),
        ("[a]\napp = 'x:y,workers=2'", "[a]: 'x:y,workers=2' can't hold a ,"),
        ("[a]\napp = 'x:y'\nworkers = 99", "[a]: side 'x:y,workers=99': workers"),
        ("[a]\ncommand = '''x \"y\" 'z' {port}'''", "[a]: command can't hold both kinds of quotes"),
        (
            "[a]\napp = 'x:y'\nenv = { TOKEN = 'abc' }",
            "[a]: side: what is typed for env.TOKEN would be written into run.json",
        ),
        ("[[scenario]]\nhypothesis = 'x'", "[[scenario]] 1: request is missing, as in"),
        ("[[scenario]]\nname = 'buy tea'\nsequence = true", "[[scenario]] 1: say with request what is asked"),
        ("[[scenario]]\nname = 'GET /a'", "[[scenario]] 1: 'GET /a' is a request: write it as request"),
        (
            "[[scenario]]\nname = 'list_post'",
            "[[scenario]] 1: unknown scenario 'list_post'; did you mean 'list_posts'?",
        ),
        (
            "[[scenario]]\nname = 'list_posts'\nrequest = '/a'",
            "[[scenario]] 1: name 'list_posts' is a scenario in the catalogue",
        ),
        ("[[scenario]]\nrequest = 'a'", "[[scenario]] 1: request 'a': write a method and a path"),
        ("[[scenario]]\nrequest = '/a'\nonce = true", "[[scenario]] 1: take and once are for a user"),
        ("[[scenario]]\nrequests = ['/a']\nonce = true", "[[scenario]] 1: once applies to one of the requests"),
        ("[[scenario]]\nrequests = ['/a']\nb_request = '/b'", "[[scenario]] 1: b_request applies to one of the"),
        ("[[scenario]]\nrequest = '/a /c'\nb_request = '/b'", "[[scenario]] 1: b_request replaces one"),
        ("[[scenario]]\nrequest = '/a'\nrequests = ['/a']", "[[scenario]] 1: give one request, or a list"),
        ("[[scenario]]\nsequence = true\nrequests = [{ request = '/a', weight = 2 }]", "[[scenario]] 1: weight is for"),
        ("[[scenario]]\nrequest = '/a'\n[[scenario]]\nrequest = '/a'", "[[scenario]] 2: 'GET /a' is used twice"),
        (
            "[[scenario]]\nrequest = '/a'\nheaders = { Authorization = 'Bearer abc' }",
            "[[scenario]] 1: header Authorization: a credential",
        ),
        (
            "[[scenario]]\nrequest = 'POST /a'\njson = { password = 'abc' }",
            "[[scenario]] 1: password in the body of POST /a: a credential",
        ),
        ("[[scenario]]\nrequest = '/a'\nvalues = 'none.csv'", "[[scenario]] 1: --values none.csv: it can't be read"),
        ("fail_if = ['p99']", "--fail-if 'p99': write"),
    ],
)
def test_what_is_wrong_is_told_in_one_line_with_its_place(text: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        options(text)
    assert str(error.value).startswith(f"bench.toml: {message}")
    assert "\n" not in str(error.value)
    assert "abc" not in str(error.value)


def test_a_file_that_is_no_text_is_told_with_its_line() -> None:
    with pytest.raises(UsageError, match=r"bench\.toml: this is not UTF-8 text \(at line 2\)"):
        parse_bench_toml(b"users = 1\n\xff")


def test_side_b_is_the_same_app_where_it_is_told_what_it_is_asked() -> None:
    chosen = options('[a]\napp = "main:app"\n[[scenario]]\nrequest = "/o"\nb_request = "/p"').run_options({})
    assert (chosen.a, chosen.b) == ("main:app", "main:app")
    assert chosen.experiment().scenarios[0].requests[0].b == ("GET", "/p")


def test_both_sides_have_to_be_named_somewhere() -> None:
    with pytest.raises(UsageError, match=re.escape("bench.toml: [b] is missing")):
        experiment('[a]\napp = "main:app"\n')
    assert experiment('[a]\napp = "main:app"\n', b="x:y").b.spec == "x:y"


def test_a_file_without_scenarios_is_for_the_blog_or_for_requests_that_are_typed() -> None:
    with pytest.raises(UsageError, match=re.escape("bench.toml: it has no [[scenario]]")):
        options(SIDES).run_options({})
    assert len(options('[a]\napp = "sync"\n[b]\napp = "async"').run_options({}).experiment().scenarios) > 3
    assert options(SIDES).run_options({"scenarios": ("/a",)}).experiment().scenarios[0].name == "GET /a"


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ('[a]\napp = "main:app"\nworkers = 2\n', ("main:app@v1,workers=2", "main:app@v2,workers=2")),
        ('[a]\napp = "main:app@v0"\n[b]\napp = "main:app"\n', ("main:app@v1", "main:app@v2")),
    ],
)
def test_commits_alone_are_those_of_the_files_app(text: str, sides: tuple[str, str]) -> None:
    chosen = options(with_scenario(text)).run_options({"a": "@v1", "b": "@v2"})
    assert (chosen.a, chosen.b) == sides


def test_one_commit_alone_is_compared_with_the_app_on_disk() -> None:
    chosen = options(with_scenario('[a]\napp = "old/main.py"\n')).run_options({"a": "@v1"})
    assert (chosen.a, chosen.b) == ("old/main.py@v1", "old/main.py")


@pytest.mark.parametrize(("text", "which"), [(SIDES, "its sides are two apps"), ("users = 8\n", "it names no app")])
def test_commits_alone_need_one_app(text: str, which: str) -> None:
    with pytest.raises(UsageError, match=f"a commit alone is one of an app, and {which}"):
        options(with_scenario(text)).run_options({"a": "@v1", "b": "@v2"})


def test_a_side_of_a_file_may_be_at_a_commit() -> None:
    found = options(with_scenario('[a]\napp = "old/main.py@v1"\n[b]\napp = "main:app"\ncommit = "v2"\n'), "x/b.toml")
    assert (found.run["a"], found.run["b"]) == ("x/old/main.py,commit=v1", "main:app,commit=v2,dir=x")
