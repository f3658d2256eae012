"""The baseline: small, stable, and honest about what it no longer knows."""

import json
from pathlib import Path

import pytest

from loadtests.check.baseline import MOST_TOLD, accept, outdated, read, write
from loadtests.check.record import Check, Site
from loadtests.system.errors import UsageError
from tests.check.made_up_checks import async_blog, check, finding, gain, other_scripts, route, shop


def one_at(line: int, seconds: float = 0.05, path: str = "/") -> Check:
    site = Site(file="main.py", line=line, function="f", call="time.sleep")
    found = finding("blocks-by-waiting", "main.f", seconds, site, route=f"GET {path}")
    return check([route("GET", path, "main.f", "make-def", found, line=line)])


def test_what_is_written_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "bench-check.json"
    for found in (async_blog(), shop(), other_scripts()):
        assert write(file, found) == len(read(file))
        accepted = accept(found, read(file))
        assert all(len(each.accepted) == len(each.findings) for each in accepted.routes)
        assert len(accepted.accepted) == len(found.startup)
        assert outdated(file, found) == []


def test_an_empty_baseline_accepts_nothing() -> None:
    accepted = accept(shop(), frozenset())
    assert accepted == shop()


def test_the_verdict_is_what_is_left_to_do() -> None:
    blocks = finding("blocks-by-waiting", "main.f", 0.05)
    waits = finding("waits-in-thread", "main.get_user", 0.01).model_copy(update={"verdict": "make-async"})
    one = check([route("GET", "/", "main.f", "make-def", blocks, remarks=[waits], advice="Write def", gain=gain(3.0))])
    (unchanged,) = accept(one, frozenset({waits.fingerprint})).routes
    assert (unchanged.verdict, unchanged.advice) == ("make-def", "Write def")
    (left,) = accept(one, frozenset({blocks.fingerprint})).routes
    assert (left.verdict, left.advice, left.gain) == ("make-async", "", None)
    (nothing_left,) = accept(one, frozenset({blocks.fingerprint, waits.fingerprint})).routes
    assert nothing_left.verdict == "make-def"


def test_the_file_is_for_readers_too(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write(file, async_blog())
    text = file.read_text(encoding="utf-8")
    assert text.endswith("}\n")
    first, *others = json.loads(text)["accepted"]
    assert first == {
        "route": "GET /blocking",
        "problem": "blocks-by-waiting",
        "part": "the handler async_app.routers.workloads.blocking",
        "call": "time.sleep",
        "fingerprint": async_blog().routes[0].findings[0].fingerprint,
        "reason": "",
    }
    assert [each["route"] for each in others] == ["GET /blocking-client", "GET /blocking-session"]


def test_names_in_other_scripts_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write(file, other_scripts())
    assert "GET /投稿/{番号}" in file.read_text(encoding="utf-8")


def test_moved_lines_other_figures_and_another_order_do_not_change_the_file(tmp_path: Path) -> None:
    one, other = tmp_path / "one.json", tmp_path / "other.json"
    both = [one_at(3, path="/a").routes[0], one_at(9, path="/b").routes[0]]
    moved = [one_at(300, 0.07, path="/b").routes[0], one_at(40, 0.01, path="/a").routes[0]]
    write(one, check(both))
    write(other, check(moved))
    assert one.read_bytes() == other.read_bytes()


def test_what_is_no_longer_found_is_told(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write(file, async_blog())
    mended = check([route("GET", "/blocking", "main.f"), *async_blog().routes[1:2]])
    assert outdated(file, mended) == [
        "The baseline accepts blocks-by-waiting of GET /blocking (the handler"
        " async_app.routers.workloads.blocking: time.sleep), which is no longer found",
        "The baseline accepts blocks-by-waiting of GET /blocking-client (the handler"
        " async_app.routers.workloads.blocking_client: httpx.Client.get), but the app has no such route",
    ]


def test_many_that_are_no_longer_found_are_counted(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    entries = write(file, shop())
    said = outdated(file, check([]))
    assert len(said) == MOST_TOLD + 1
    assert said[-1] == f"The baseline accepts {entries - MOST_TOLD} more findings that no longer exist"


def test_of_a_route_that_could_not_be_judged_nothing_is_lost(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write(file, async_blog())
    silent = check([route("GET", "/blocking", "main.f", "not-known", note="it answered 500"), *async_blog().routes[1:]])
    assert outdated(file, silent) == []
    before = read(file)
    write(file, silent)
    assert read(file) == before


def test_what_was_mended_leaves_the_file_when_it_is_written_anew(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write(file, async_blog())
    assert write(file, check([route("GET", "/blocking", "main.f")])) == 0
    assert read(file) == frozenset()


def test_reasons_stay(tmp_path: Path) -> None:
    file = tmp_path / "baseline.json"
    write(file, async_blog())
    content = json.loads(file.read_text(encoding="utf-8"))
    content["accepted"][1]["reason"] = "it shows the mistake"
    file.write_text(json.dumps(content), encoding="utf-8")
    write(file, async_blog())
    assert [each["reason"] for each in json.loads(file.read_text(encoding="utf-8"))["accepted"]] == [
        "",
        "it shows the mistake",
        "",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file; --write-baseline creates it"),
        ("", "it is not a baseline: Invalid JSON"),
        ("[]", "it is not a baseline: Input should be an object"),
        ('{"acepted": []}', "it is not a baseline: acepted: Extra inputs are not permitted"),
        ('{"accepted": [{"route": "GET /"}]}', "it is not a baseline: accepted[0].problem: Field required"),
        ('{"schema_version": 2}', "it has schema 2, and this bench reads schema 1"),
    ],
)
def test_what_is_no_baseline_is_refused_in_one_line(tmp_path: Path, content: str | None, said: str) -> None:
    file = tmp_path / "baseline.json"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as refused:
        read(file)
    assert str(refused.value).startswith(f"--baseline {file}: {said}")
    assert "\n" not in str(refused.value)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it can't be written"):
        write(tmp_path / "none" / "baseline.json", async_blog())
    with pytest.raises(UsageError, match="it can't be read"):
        read(tmp_path)


def test_a_file_that_is_no_baseline_is_not_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "app.json"
    file.write_text("{}garbage", encoding="utf-8")
    with pytest.raises(UsageError, match="it is not a baseline"):
        write(file, async_blog())
    assert file.read_text(encoding="utf-8") == "{}garbage"
