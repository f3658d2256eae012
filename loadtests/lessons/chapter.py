"""What each change of the tutorial's chapter brings or costs: the table in docs/tutorial.md (pure)."""

from loadtests.lessons import text
from loadtests.lessons.catalogue import LESSONS
from loadtests.lessons.example import Example
from loadtests.report.view import RunView

SCENARIOS = (
    ("a JSON route that reads a post and its author, made `async def`", "get_post"),
    ("a page that does the same and renders a template", "post_page"),
    ("a route that writes a post", "create_post"),
    ("a route with a query that takes long in the database", "query"),
    ("a route that calls an external API", "external_api"),
    ("a route that computes", "hash"),
)
"""Changes that the default run measures, with the scenario: from sync to async."""
BY_LESSON = (
    ("`selectinload` in place of lazy loading, both sync", "n_plus_one"),
    ("the same with as many authors as posts", "an_author_each"),
    ("lazy loading left in, sync and async", "missing_greenlet"),
    ("`expire_on_commit` left on, and off", "after_commit"),
    ("`refresh` after the commit, or the author already loaded", "refresh_author"),
    ("one user, and many", "one_user"),
    ("independent calls awaited together, with `asyncio.gather`", "fan_out"),
    ("a file read with AnyIO, and with plain `open`, against `open` in a `def` route", "reading_files"),
    ("a blocking call or a sync session left in, sync and async", "blocked_loop"),
    ("`def` and `async def` mixed, against `def` alone", "mixing"),
)
"""Changes that lessons measure, with the lesson: from the left side of its table to the right one."""


def chapter(example: Example) -> str:
    """Return the table of the chapter's changes with their figures."""
    lines = ["| change | requests/s after ÷ before, or before against after | measured with |", "| --- | --- | --- |"]
    for change, scenario in SCENARIOS:
        lines.append(f"| {change} | {_by_load(example.run, scenario)} | `bench run {scenario}` |")
    for change, name in BY_LESSON:
        lesson = LESSONS[name]
        figures = "; ".join(": ".join(text.short(row)) for row in text.figures(lesson, example.lessons[name].outcome))
        lines.append(f"| {change} | {figures} | [{lesson.title}](lessons/{name}.md) |")
    manifest = example.run.manifest
    where = f"{manifest.environment.cpu}, {manifest.environment.cores} cores, {manifest.database_version}"
    note = f"With 95 % intervals; from results/example, {where}, {manifest.created:%-d %B %Y}."
    return "\n".join([*lines, "", note])


def _by_load(run: RunView, scenario: str) -> str:
    """Return a scenario's ratios, load by load, each with its interval."""
    figures = [
        f"{c.load}: {c.ratio:.2f}" + (f" ({c.interval[0]:.2f} to {c.interval[1]:.2f})" if c.interval else "")
        for c in run.headlines()
        if c.scenario == scenario and c.ratio is not None
    ]
    return "; ".join(figures) or "not decided"
