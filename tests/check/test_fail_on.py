"""Conditions: each means what it says, a wrong one is refused, and what is accepted fails nothing."""

from typing import get_args

import pytest

from loadtests.check.baseline import accept
from loadtests.check.fail_on import MEANINGS, failures, parse
from loadtests.check.record import Check, Problem, Verdict
from loadtests.system.errors import UsageError
from tests.check.made_up_checks import ALL, async_blog, check, finding, only_notes, route, shop, sync_blog

BLOCKING = [
    "GET /blocking: time.sleep takes 50.2 ms of each request (async_app/routers/workloads.py:104) [blocking]",
    "GET /blocking-session: sqlalchemy.orm.Session.execute takes 50.2 ms of each request"
    " (async_app/routers/workloads.py:111) [blocking]",
    "GET /blocking-client: httpx.Client.get takes 50.2 ms of each request (async_app/routers/workloads.py:118)"
    " [blocking]",
]


def failed(found: Check, *texts: str) -> list[str]:
    return failures(found, parse(texts))


def all_accepted(found: Check) -> Check:
    everything = [each for one in found.routes for each in one.findings] + list(found.startup)
    return accept(found, frozenset(each.fingerprint for each in everything))


def test_every_problem_and_every_verdict_is_a_condition() -> None:
    assert {*get_args(Problem), *get_args(Verdict)} - {"keep"} <= {*MEANINGS}


def test_each_finding_is_a_line_with_its_place() -> None:
    assert failed(async_blog(), "blocking") == BLOCKING
    assert failed(sync_blog(), "blocking") == []


@pytest.mark.parametrize(
    ("condition", "lines"),
    [
        ("any", 15 + 1),
        ("blocking", 6),
        ("blocks-by-waiting", 6),
        ("blocks-by-computing", 0),
        ("computing", 0),
        ("move-out-of-loop", 6),
        ("hop-for-nothing", 9),
        ("make-dependency-async", 9),
        ("make-def", 0),
        ("not-known", 16),
        ("startup", 1),
        ("limits", 0),
    ],
)
def test_a_condition_is_about_what_it_names(condition: str, lines: int) -> None:
    said = failed(shop(), condition)
    assert len(said) == lines
    assert all(line.endswith(f" [{condition}]") and "\n" not in line for line in said)


def test_computing_is_not_blocking() -> None:
    found = finding("blocks-by-computing", "main.f", 0.03)
    one = check([route("GET", "/", "main.f", "move-out-of-loop", found)])
    assert failed(one, "blocking") == []
    assert failed(one, "computing") == ["GET /: main.f takes 30 ms of each request [computing]"]


def test_a_finding_is_told_once_whatever_it_fails() -> None:
    assert failed(async_blog(), "blocking", "make-def, any") == BLOCKING
    assert failed(async_blog(), "any,blocking") == [line.replace("[blocking]", "[any]") for line in BLOCKING]
    assert failed(async_blog(), "make-def") == [line.replace("[blocking]", "[make-def]") for line in BLOCKING]


def test_a_remark_on_a_route_to_keep_fails_nothing() -> None:
    found = finding("blocks-by-computing", "main.f", 0.004)
    assert failed(check([route("GET", "/", "main.f", "keep", found)]), "any", "blocking", "not-known") == []


def test_a_verdict_without_a_finding_fails_with_its_note() -> None:
    one = check([route("GET", "/", "main.f", "make-def", note="it was proved")])
    assert failed(one, "make-def") == ["GET /: make it def: it was proved [make-def]"]


def test_a_route_of_which_nothing_is_known_fails_where_that_is_asked() -> None:
    assert failed(only_notes(), "any", "blocking") == []
    said = failed(only_notes(), "not-known")
    assert said[0] == "GET /me: not known: it answered 401: it needs a log-in [not-known]"
    assert said[-1] == "GET /static: not known [not-known]"


@pytest.mark.parametrize("name", sorted(ALL))
def test_what_is_accepted_never_fails(name: str) -> None:
    everything = [word for word in MEANINGS if word != "not-known"]
    assert failed(all_accepted(ALL[name]()), *everything) == []


def test_what_is_new_in_a_route_fails_though_the_rest_is_accepted() -> None:
    old = finding("blocks-by-waiting", "main.f", 0.05)
    new = finding("waits-in-thread", "main.get_user", 0.01, place="dependency").model_copy(
        update={"verdict": "make-async"}
    )
    one = check([route("GET", "/", "main.f", "make-def", old, remarks=[new])])
    accepted = accept(one, frozenset({old.fingerprint}))
    assert failed(accepted, "make-def", "blocking") == []
    line = "GET /: main.get_user takes 10 ms of each request [any]"
    assert failed(accepted, "any", "make-async") == [line]
    assert len(failed(accept(one, frozenset({new.fingerprint})), "make-def")) == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("bloking", "--fail-on 'bloking': unknown condition; did you mean 'blocking'?"),
        ("make_def", "--fail-on 'make_def': unknown condition; did you mean 'make-def'?"),
        ("keep", "--fail-on 'keep': a route to keep is not a failure; choose one of: any, blocking"),
        ("xyzzy", "--fail-on 'xyzzy': unknown condition; choose one of: any, blocking"),
        ("blocking,", "--fail-on '': unknown condition; choose one of: any"),
    ],
)
def test_a_wrong_condition_is_refused_with_the_one_that_was_meant(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse([typed])
    assert str(refused.value).startswith(said)


def test_no_condition_fails_nothing() -> None:
    assert failed(async_blog()) == []
