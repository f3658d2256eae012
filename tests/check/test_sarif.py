"""SARIF: what a code scanner needs is there, and each result stands on a line of the repository.

The whole structure was validated against the official schema by hand; it is too large to be kept here.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import pytest

from loadtests.check.record import Check, Problem, Site
from loadtests.check.sarif import FINGERPRINT, sarif
from tests.check.made_up_checks import ALL, async_blog, check, finding, gain, other_scripts, route, shop, unseen_code

RULES = get_args(Problem)


def run_of(found: Check, root: Path | None = None) -> dict[str, Any]:
    document = json.loads(json.dumps(sarif(found, root)))
    assert document["$schema"].endswith("sarif-2.1.0.json")
    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert isinstance(run, dict)
    return run


def results_of(found: Check, root: Path | None = None) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = run_of(found, root)["results"]
    return results


def uri(result: Mapping[str, Any]) -> str:
    address: str = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    return address


def told(found: Check) -> list[str]:
    """Return what stands on no line."""
    (invocation,) = run_of(found)["invocations"]
    assert invocation["executionSuccessful"] is True
    return [each["message"]["text"] for each in invocation["toolExecutionNotifications"]]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository in whose folder we are, with the shop of the checks in a folder of its own."""
    (tmp_path / ".git").mkdir()
    (tmp_path / "services" / "shop" / "shop").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_problem_is_a_rule_with_help() -> None:
    rules = run_of(async_blog())["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [*RULES]
    for rule in rules:
        assert re.fullmatch("[A-Z][A-Za-z]+", rule["name"])
        assert rule["help"]["text"]
        assert rule["help"]["text"] in rule["help"]["markdown"]
        assert 0 < len(rule["shortDescription"]["text"]) < len(rule["fullDescription"]["text"]) <= 1024
        assert rule["defaultConfiguration"]["level"] in ("error", "warning", "note")
        assert rule["properties"]["problem.severity"] in ("error", "warning", "recommendation")
        assert rule["properties"]["precision"] in ("very-high", "high", "medium", "low")


@pytest.mark.parametrize("name", sorted(ALL))
def test_every_result_has_what_a_scanner_needs(name: str) -> None:
    run = run_of(ALL[name]())
    assert run["tool"]["driver"]["name"] == "bench check"
    for result in run["results"]:
        assert RULES[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in ("error", "warning", "note")
        assert result["message"]["text"]
        assert not set("{}\x1b") & set(result["message"]["text"])
        (location,) = result["locations"]
        _is_a_place(location["physicalLocation"])
        (fingerprint,) = result["partialFingerprints"].values()
        assert fingerprint in result["properties"]["fingerprints"]
        linked = {int(number) for number in re.findall(r"\]\((\d+)\)", result["message"]["text"])}
        assert linked == {related["id"] for related in result.get("relatedLocations", [])}
        for related in result.get("relatedLocations", []):
            _is_a_place(related["physicalLocation"])


def _is_a_place(place: Mapping[str, Any]) -> None:
    address = place["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?!/|\.\.)[\w./~%-]+", address, re.ASCII), address
    assert "site-packages" not in address
    assert place["region"]["startLine"] >= 1


def test_a_result_says_first_what_is_wrong_then_what_to_do() -> None:
    first, *_ = results_of(async_blog())
    assert (first["ruleId"], first["level"]) == ("blocks-by-waiting", "error")
    assert first["message"]["text"].startswith(
        "time.sleep takes 50.2 ms of each request. Make it def. It awaits nothing: write def, and FastAPI runs it in a"
        " thread. Predicted with 64 users: 12.1 × (10.3 – 13.9) as many requests per second, measured 11.7 ×"
    )
    assert first["message"]["text"].endswith(" For [GET /blocking](1).")
    assert first["partialFingerprints"] == {FINGERPRINT: async_blog().routes[0].findings[0].fingerprint}
    assert first["locations"][0]["logicalLocations"][0]["fullyQualifiedName"] == "blocking"


def test_addresses_begin_at_the_root_of_the_repository(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert uri(results_of(shop())[0]) == "services/shop/shop/middleware.py"
    monkeypatch.chdir(repository / "services")
    inside = shop().model_copy(update={"folder": "shop"})
    assert uri(results_of(inside)[0]) == "services/shop/shop/middleware.py"
    absolute = shop().model_copy(update={"folder": str(repository / "services" / "shop")})
    assert uri(results_of(absolute)[0]) == "services/shop/shop/middleware.py"


def test_the_root_can_be_named(repository: Path) -> None:
    assert uri(results_of(shop(), repository / "services")[0]) == "shop/shop/middleware.py"


def test_without_a_repository_addresses_begin_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outer = next((each for each in tmp_path.parents if (each / ".git").exists()), None)
    assert outer is None
    monkeypatch.chdir(tmp_path)
    assert uri(results_of(shop())[0]) == "services/shop/shop/middleware.py"


def test_a_file_behind_a_link_is_named_by_where_it_is(repository: Path) -> None:
    (repository / "real").mkdir()
    (repository / "linked").symlink_to(repository / "real")
    one = check([route("GET", "/", "main.f", "make-def", finding("blocks-by-waiting", "main.f", 1.0))], folder="linked")
    assert uri(results_of(one)[0]) == "real/main.py"


def test_addresses_are_written_as_addresses() -> None:
    first, second = results_of(other_scripts())
    assert uri(first) == "%E3%82%A2%E3%83%97%E3%83%AA/%E6%8A%95%E7%A8%BF.py"
    assert uri(second) == "%5Bbold%5D/x%20y%23%3F.py"


def test_a_line_is_marked_from_its_first_letter_to_its_last(repository: Path) -> None:
    (repository / "main.py").write_text("async def f():\n    time.sleep(1)  \n", encoding="utf-8")
    site = Site(file="main.py", line=2, call="time.sleep")
    one = check([route("GET", "/", "main.f", "make-def", finding("blocks-by-waiting", "main.f", 1.0, site))])
    region = results_of(one)[0]["locations"][0]["physicalLocation"]["region"]
    assert region == {"startLine": 2, "endLine": 2, "startColumn": 5, "endColumn": 18}


def test_a_fault_in_a_package_is_shown_where_the_app_has_its_part() -> None:
    (result,) = results_of(unseen_code())
    assert uri(result) == "main.py"
    assert "That is in .venv/lib/python3.11/site-packages/legacy/client.py:88." in result["message"]["text"]


def test_what_has_no_line_does_not_spoil_the_document() -> None:
    assert "Requests wait for each other, 20 ms each. Give it more room. For GET /b." in told(unseen_code())


def test_routes_that_share_a_fault_are_one_result() -> None:
    shared, hop, startup = results_of(shop())
    assert len(shared["properties"]["routes"]) == len(shared["properties"]["fingerprints"]) == 6
    assert "In the middleware Timing, for [GET /api/v1/orders](1)," in shared["message"]["text"]
    assert shared["message"]["text"].endswith("and 1 more route.")
    assert (hop["level"], startup["level"]) == ("note", "note")
    assert startup["message"]["text"].endswith("This happens before the first request.")


def test_handlers_that_share_a_line_are_one_result_too() -> None:
    site = Site(file="client.py", line=22, function="fetch", call="httpx.Client.get")
    both = [
        route("GET", path, name, "make-async", finding("waits-in-thread", name, 0.05, site, route=path), line=line)
        for path, name, line in (("/a", "main.a", 3), ("/b", "main.b", 7))
    ]
    (result,) = results_of(check(both))
    assert result["message"]["text"].endswith(" For [GET /a](1), [GET /b](2).")
    assert [each["physicalLocation"]["region"]["startLine"] for each in result["relatedLocations"]] == [3, 7]
    assert len(result["properties"]["fingerprints"]) == 2


def test_a_remark_on_a_route_to_keep_is_no_result() -> None:
    (keep,) = [each for each in shop().routes if each.path == "/api/v1/stock" and each.method == "GET"]
    assert results_of(check([keep])) == []
    assert any("takes 4.1 ms of each request" in text for text in told(check([keep])))


def test_what_is_not_known_and_notes_are_told() -> None:
    text = told(ALL["only_notes"]())
    assert "GET /me could not be judged: it answered 401: it needs a log-in." in text
    assert "GET /static could not be judged: it gave no good answer." in text
    assert "No route answered, so nothing can be said about the app." in text


def test_what_is_accepted_is_suppressed_and_nothing_else() -> None:
    found = async_blog()
    first, *others = found.routes
    settled = first.model_copy(update={"accepted": tuple(each.fingerprint for each in first.findings)})
    results = results_of(found.model_copy(update={"routes": (settled, *others)}))
    assert [len(result.get("suppressions", [])) for result in results] == [1, 0, 0]
    assert (results[0]["suppressions"][0]["kind"], results[0]["suppressions"][0]["status"]) == ("external", "accepted")


def test_a_shared_fault_that_is_accepted_of_some_routes_is_two_results() -> None:
    found = shop()
    first, *others = found.routes
    settled = first.model_copy(update={"accepted": tuple(each.fingerprint for each in first.findings)})
    mixed: Sequence[dict[str, Any]] = results_of(found.model_copy(update={"routes": (settled, *others)}))
    of_timing = [result for result in mixed if result["ruleId"] == "blocks-by-waiting" and result["level"] == "error"]
    assert [(len(each["properties"]["routes"]), "suppressions" in each) for each in of_timing] == [
        (1, True),
        (5, False),
    ]


def test_fingerprints_do_not_move_with_the_lines() -> None:
    def at(line: int) -> dict[str, str]:
        site = Site(file="main.py", line=line, function="f", call="time.sleep")
        found = finding("blocks-by-waiting", "main.f", line / 100, site, route="GET /")
        (result,) = results_of(check([route("GET", "/", "main.f", "make-def", found, gain=gain(2.0))]))
        fingerprints: dict[str, str] = result["partialFingerprints"]
        return fingerprints

    assert at(3) == at(300)
