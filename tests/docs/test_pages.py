"""The docs hold together: links lead somewhere, commands are commands, and figures come from measured runs."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import click
import pytest

from loadtests.cli import SUBCOMMANDS, bench
from loadtests.experiment.loads import parse_rates, parse_users
from loadtests.experiment.rate_schedule import is_schedule, parse_schedule
from loadtests.experiment.scenario_text import parse_scenario
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.side_text import is_commit_alone
from loadtests.experiment.thresholds import parse_threshold
from loadtests.lessons.catalogue import CLAIMS, LESSONS, Claim
from loadtests.lessons.docs import BLOCKS, fill
from loadtests.lessons.example import Example
from loadtests.lessons.record import ClaimsRecord
from loadtests.records.summary import Seen
from loadtests.report.view import view_of
from loadtests.system.errors import BenchError
from loadtests.validation.record import CHECKS
from tests.made_up_runs import make_run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
MOST_WORDS = 900
PAGES = [README, ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
GENERATED = {ROOT / "docs" / "lessons" / f"{name}.md" for name in ["README", *LESSONS]}
FENCE = re.compile(r"^(?P<mark>```+)(?P<kind>\w*)[^\n]*\n(?P<body>.*?)^(?P=mark)$", re.DOTALL | re.MULTILINE)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)")
MARKS = re.compile(r"<!-- from the example: ([a-z-]+) -->\n")
TYPED = re.compile(r"(?:uv run (?:--extra (?:postgres|explore) )?)?bench (?P<arguments>.*)", re.DOTALL)
PLACEHOLDERS = {"RUN", "SIDE", "URL", "NAME", "SCENARIO", "CLAIM", "DATABASE"}
"""What a reader is to put a word of their own in for."""
ADDED = {"search_posts", "place an order"}
"""Scenarios that a page adds; whether that works is tested by test_adding_a_scenario and test_bench_toml_page."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return what links to a page's headings may name, as GitHub makes it."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def linked(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files that a page links to, with the anchor in them; other sites are left out."""
    for match in LINK.finditer(prose(page)):
        target, _, anchor = match["target"].partition("#")
        if "://" not in target:
            path = (page.parent / unquote(target)).resolve() if target else page
            yield path / "README.md" if path == ROOT / "docs" / "lessons" else path, anchor


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for path, anchor in linked(page):
        assert path.exists() or path in GENERATED, path
        if anchor and path.suffix == ".md" and path not in GENERATED:
            assert anchor in anchors(path), f"{path.name} has no heading #{anchor}"


def test_every_page_is_found_from_the_readme() -> None:
    found = {path for path, _ in linked(README)}
    assert set(PAGES) - {README} - GENERATED <= found


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len(README.read_text(encoding="utf-8").split()) <= MOST_WORDS


def test_pictures_drawn_by_hand_are_whole_and_need_no_network() -> None:
    for picture in (ROOT / "docs").glob("*.svg"):
        text = picture.read_text(encoding="utf-8")
        drawn = ElementTree.fromstring(text)  # noqa: S314 - our own file
        assert drawn.get("viewBox")
        assert all(float(size) >= 12 for size in re.findall(r'font-size="([\d.]+)"', text))
        assert "href" not in text
        assert "url(http" not in text


def lines_of(kind: str, body: str) -> Iterator[str]:
    """Yield the commands of a fenced block, without prompts, comments and what a shell puts around them."""
    for line in body.replace("\\\n", " ").splitlines():
        if kind == "console" and not line.startswith("$ "):
            continue
        words = shlex.split(line.removeprefix("$ "), comments=True)
        command = shlex.join(words[words.index("&&") + 1 :] if "&&" in words else words)
        yield re.sub(r"^ip netns exec \w+ ", "", command)


def typed(page: Path) -> Iterator[str]:
    """Yield every `bench` command of a page."""
    for match in FENCE.finditer(page.read_text(encoding="utf-8")):
        if match["kind"] in ("sh", "console"):
            yield from filter(TYPED.fullmatch, lines_of(match["kind"], match["body"]))
    for span in SPAN.findall(prose(page)):
        yield from filter(TYPED.fullmatch, [" ".join(span.split())])


def check(command: str) -> None:
    """Raise if a command is none, or names a scenario, a side, a load, a lesson or a claim that there is not."""
    match = TYPED.fullmatch(command)
    assert match, command
    words = [word for word in shlex.split(match["arguments"]) if word != "…"]
    if words in ([], ["--version"]):
        return
    name, *arguments = words
    subcommand = bench.get_command(click.Context(bench), name)
    if subcommand is None:
        raise click.UsageError(f"there is no bench {name}")
    if not arguments:  # the command is only mentioned
        return
    context = subcommand.make_context(name, arguments)
    given = {key: value for key, value in context.params.items() if value not in PLACEHOLDERS}
    of_files = {scenario for scenario in named(given, "scenarios", "scenario") if scenario.startswith("curl @")}
    for scenario in {*named(given, "scenarios", "scenario")} - ADDED - of_files:
        parse_scenario(scenario)
    for side in named(given, "a", "b", "side", "sides"):
        parse_side(f"sync{side}" if is_commit_alone(str(side)) else str(side))
    for lesson in named(given, "name") if name == "lesson" else ():
        assert lesson in LESSONS
    for claim in named(given, "names"):
        assert claim in {known.name for known in CLAIMS}
    for condition in named(given, "fail_if"):
        parse_threshold(condition)
    for checks in named(given, "only"):
        assert set(checks.split(",")) <= set(CHECKS)
    if name == "run":
        for users in named(given, "users"):
            parse_users(users)
        for rates in named(given, "rate"):
            parse_schedule(rates, "poisson") if is_schedule(rates) else parse_rates(rates, "poisson")


def named(given: dict[str, object], *names: str) -> Iterator[str]:
    """Yield the words that were given under some names, be it one or several; not the placeholders."""
    for value in map(given.get, names):
        words = value if isinstance(value, tuple) else (value,)
        yield from (word for word in words if isinstance(word, str) and word not in PLACEHOLDERS)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_on_a_page_are_commands(page: Path) -> None:
    for command in typed(page):
        check(command)


def test_every_command_is_told_of_on_the_page_of_commands() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert [name for name in SUBCOMMANDS if f"bench {name}" not in text] == []


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_the_list_of_commands_says_of_each_what_its_own_help_says(name: str) -> None:
    command = bench.get_command(click.Context(bench), name)
    assert command is not None
    assert command.help is not None
    assert not command.hidden
    first, _, _ = command.help.partition("\n\n")
    assert " ".join(first.split()) == SUBCOMMANDS[name]


@pytest.mark.parametrize("name", LESSONS)
def test_commands_of_a_lesson_are_commands(name: str) -> None:
    lesson = LESSONS[name]
    for command, _purpose in lesson.next:
        check(command)
    if lesson.measure.compares == "sides":
        check(lesson.measure.command)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.name)
def test_commands_of_a_claim_are_commands(claim: Claim) -> None:
    measure = claim.measured_by
    if measure is not None and measure.compares == "sides":
        check(measure.command)


def test_the_classroom_sheet_tells_the_users_of_its_lessons() -> None:
    sheet = (ROOT / "docs" / "classroom.md").read_text(encoding="utf-8")
    exercises = re.split(r"^## ", sheet, flags=re.MULTILINE)[1:]
    command = re.compile(r"^uv run bench lesson (\w+)$", re.MULTILINE)
    taught = {name: text for text in exercises for name in command.findall(text)}
    assert len(taught) == 5
    for name, text in taught.items():
        for users in (LESSONS[name].measure.users or "").split(","):
            assert re.search(rf"\b{users} users?\b", text), name


@pytest.mark.parametrize(
    "wrong",
    [
        "bench runn",
        "bench run --user 8",
        "bench run querry",
        "bench run query[wait=5]",
        "bench run --a asink",
        "bench run --a sync,threads=4",
        "bench run --users many",
        "bench run --fail-if 'p99 > 200'",
        "bench run --driver wrk",
        "bench lesson wating",
        "bench claims no-oi",
        "bench validate --only queues",
        "uv run bench timeline RUN query --blocks 2",
    ],
)
def test_what_is_no_command_is_noticed(wrong: str) -> None:
    with pytest.raises((AssertionError, click.ClickException, BenchError)):
        check(wrong)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_figures_on_a_page_can_be_written(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(MARKS.findall(text)) <= set(BLOCKS)
    assert len(MARKS.findall(text)) == len(re.findall(r"^<!-- end -->$", text, re.MULTILINE))


def test_every_block_is_on_some_page() -> None:
    used = {name for page in PAGES for name in MARKS.findall(page.read_text(encoding="utf-8"))}
    assert used == set(BLOCKS)


@pytest.fixture(scope="module")
def example() -> Example:
    """Return figures of a default run that never happened; the other parts are not looked at."""
    manifest, outcome = make_run()
    seen = Seen(100, 128.0, 40.0, 88.0, None, None, None, 0.001, 0.002)
    cells = [
        replace(cell, seen=seen, limit="threads", limit_seen="threads", predicted_rps=1.05 * cell.throughput.value)
        for cell in outcome.cells
        if cell.throughput
    ]
    run = view_of(manifest.model_copy(update={"seconds": 240.0}), replace(outcome, cells=cells))
    record = ClaimsRecord(
        created=datetime.now(UTC), seconds=1.0, environment=manifest.environment, claims=[], evidence={}
    )
    curve = view_of(*make_run(["external_api"]))
    return Example(run=run, curve=curve, dial=run, deadlock=[], lessons={}, claims=record)


@pytest.mark.parametrize("name", ["headline", "verdicts", "limits", "model", "precision", "timeline", "claims"])
def test_a_block_says_what_was_measured(example: Example, name: str) -> None:
    page = f"before\n<!-- from the example: {name} -->\nold\n<!-- end -->\nafter\n"
    filled = fill(page, BLOCKS, example)
    assert filled.startswith(f"before\n<!-- from the example: {name} -->\n")
    assert filled.endswith("<!-- end -->\nafter\n")
    assert "old" not in filled
    assert fill(filled, BLOCKS, example) == filled


def test_the_readme_s_picture_is_the_curve_and_names_the_ceiling_that_each_side_meets_first(example: Example) -> None:
    picture, _, caption = BLOCKS["headline"](example).partition("\n\n")
    assert picture.endswith("](results/example/curve.png)")
    for name in example.curve.names.values():
        assert re.search(rf"{name}: 1 core ÷ [\d.]+\sms of CPU ≈ [\d,]+/s", caption)


def test_the_model_is_judged_by_all_that_it_predicted(example: Example) -> None:
    sides = len(example.run.cells)
    assert f"Median error 5.0%; {sides} of {sides} within 10 %" in BLOCKS["model"](example)
    assert f"the predicted limit was the observed one in {sides} of {sides}" in BLOCKS["model"](example)


def test_the_width_of_intervals_is_told_load_by_load(example: Example) -> None:
    said = BLOCKS["precision"](example)
    loads = [line.split(" | ")[0] for line in said.splitlines()[2:6]]
    assert loads == ["| 1 user", "| 8 users", "| 32 users", "| 128 users"]
    assert "It took 4 minutes to measure." in said


def test_a_timeline_says_how_many_wait(example: Example) -> None:
    assert "of 128 requests in sync 88 wait for a thread" in BLOCKS["timeline"](example)
