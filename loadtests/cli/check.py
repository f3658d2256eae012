"""``bench check``: which routes of an app should change, and what that would bring."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.status import Status

from loadtests.cli.bench_toml import config_options, found_file
from loadtests.cli.run import DEFAULTS
from loadtests.experiment.bench_toml_options import FileOptions
from loadtests.experiment.options import SQLITE, parse_duration
from loadtests.experiment.request import parse_header
from loadtests.records.run_folder import check_free, new_folder
from loadtests.system.errors import BenchError, RunError, UsageError
from loadtests.system.terminal import PipeConsole

if TYPE_CHECKING:
    from loadtests.check.checking import Checked, CheckOptions, Tell
    from loadtests.check.record import Check

MOST_USERS = 10_000
PAGE_FILE = "check.html"


class Failing(BenchError):
    """A finding is one that ``--fail-on`` forbids."""

    exit_status = 1


@click.command(name="check")
@click.argument("app", required=False)
@click.option("--users", default=64, help="Concurrent users for whom gains are predicted.")
@click.option("--budget", default="2m", metavar="TIME", help="How long testing the routes may take: 90s, 4m.")
@click.option(
    "--header",
    multiple=True,
    metavar="'NAME: VALUE'",
    help="A header for every request; may be repeated. Take credentials from the environment: 'Authorization:"
    " Bearer ${TOKEN}', in single quotes.",
)
@click.option(
    "--writes",
    is_flag=True,
    help="Also test routes that write: POST, PUT, PATCH, DELETE, and a GET whose name says delete or similar.",
)
@click.option(
    "--prove",
    multiple=True,
    metavar="ROUTE",
    help="Measure the gain from changing this route, without editing a file: 'GET /items', a path, or all. May be"
    " repeated.",
)
@click.option("--prove-budget", default="4m", metavar="TIME", help="How long measuring each route may take.")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["table", "json", "sarif", "html"]),
    default="table",
    help="Output format: a table, the record, SARIF for code review, or an HTML page.",
)
@click.option("--all", "all_routes", is_flag=True, help="Also show routes to keep.")
@click.option(
    "--fail-on",
    multiple=True,
    metavar="CONDITION",
    help="Exit with status 1 if this is found: blocking, a verdict, a problem. May be repeated.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Known and accepted findings: they are marked as such, and --fail-on ignores them.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Accept all current findings: write them to this file.",
)
@click.option("--start-limit", default=DEFAULTS.start_limit, help="Seconds the app may take to start answering.")
@click.option("--database", default=SQLITE, help="Database of a build of the blog, as for `bench run`.")
@config_options
@click.option("--out", type=click.Path(path_type=Path), help="The folder for check.json, which must not exist yet.")
def check_(**options: object) -> None:
    """Say which routes of APP should change, at which line, and what the gain would be.

    APP is written as for `bench run`: package.module:app or folder/main.py, with settings after commas. The default is
    the app in bench.toml. bench starts it and sends each route a few requests: those in bench.toml, or else those
    derived from its OpenAPI document. Routes that write are tested only with --writes.
    """
    from loadtests.check import baseline, fail_on
    from loadtests.check.checking import carry_out, write

    conditions = fail_on.parse(_texts(options["fail_on"]))
    accepted = baseline.read(Path(str(options["baseline"]))) if options["baseline"] is not None else frozenset[str]()
    asked = _asked(options)
    parse_duration(str(options["prove_budget"]), "--prove-budget")
    out = Path(str(options["out"])) if options["out"] is not None else new_folder("check")
    check_free(out)
    with _telling() as tell:
        try:
            checked = carry_out(asked, out / "work", tell)
        except BaseException:
            with contextlib.suppress(OSError):
                out.rmdir()
            raise
        write(checked.check, out)
        check = _proved(checked, asked, options, out, tell)
    if options["write_baseline"] is not None:
        file = Path(str(options["write_baseline"]))
        click.echo(f"bench: {file} accepts {baseline.write(file, check)} findings", err=True)
    if options["baseline"] is not None:
        check = baseline.accept(check, accepted)
        for line in baseline.outdated(Path(str(options["baseline"])), check):
            click.echo(f"bench: {line}", err=True)
    write(check, out)
    _show(check, options, out)
    if checked.interrupted is not None:
        raise type(checked.interrupted)(f"{checked.interrupted}; the findings so far are in {out}")
    if check.routes and all(route.verdict == "not-known" for route in check.routes):
        raise RunError(f"no route could be judged: {check.routes[0].note or 'none answered'}")
    if not check.routes:
        raise RunError(f"{check.app} has no routes")
    if failing := fail_on.failures(check, conditions):
        raise Failing("\n".join(["there are findings that --fail-on forbids", *failing]))


def _texts(value: object) -> tuple[str, ...]:
    return tuple(map(str, value)) if isinstance(value, tuple) else ()


def _asked(options: Mapping[str, object]) -> "CheckOptions":
    """Return what is to be checked; raises UsageError."""
    from loadtests.check.checking import CheckOptions

    users = options["users"]
    if not isinstance(users, int) or not 1 <= users <= MOST_USERS:
        raise UsageError(f"--users {users}: must be from 1 to {MOST_USERS:,}")
    budget_s = parse_duration(str(options["budget"]), "--budget")
    headers = tuple(parse_header(text) for text in _texts(options["header"]))
    file = found_file(options, {})
    app = options["app"] or _app_of(file)
    chosen = CheckOptions(
        app=str(app),
        users=users,
        budget_s=budget_s,
        headers=headers,
        writes=bool(options["writes"]),
        offered=file.offered if file is not None else (),
        start_limit_s=float(str(options["start_limit"])),
        database=str(options["database"]),
    )
    chosen.side()
    return chosen


def _app_of(file: FileOptions | None) -> object:
    if file is None:
        raise UsageError("name the app, as in bench check main:app; or name it in [a] of bench.toml")
    if "a" not in file.run:
        raise UsageError(f'{file.file}: [a] is missing; name the app in it, as in app = "main:app"')
    return file.run["a"]


def _proved(
    checked: "Checked", asked: "CheckOptions", options: Mapping[str, object], out: Path, tell: "Tell"
) -> "Check":
    """Return the record with what was measured of the routes that are to be proved."""
    wanted = _texts(options["prove"])
    if not wanted or checked.interrupted is not None:
        return checked.check
    from loadtests.check.checking import write
    from loadtests.check.prove import ProofOptions, chosen, prove

    how = ProofOptions(
        asked.app, asked.users, str(options["prove_budget"]), out / "proofs", asked.database, asked.start_limit_s
    )
    check = checked.check
    for route in chosen(check.routes, wanted):
        found = prove(route, checked.scenarios.get((route.method, route.path)), how, tell)
        check = check.model_copy(update={"routes": tuple(found if each == route else each for each in check.routes)})
        write(check, out)
    return check


def _show(check: "Check", options: Mapping[str, object], out: Path) -> None:
    """Print what was found in the form that was asked for; the page is in the folder in any case."""
    from loadtests.check.html import page
    from loadtests.check.sarif import sarif
    from loadtests.check.table import table
    from loadtests.records.json_files import replace_file

    html = page(check)
    replace_file(out / PAGE_FILE, html.encode())
    if options["format_"] == "json":
        click.echo(check.model_dump_json(indent=1))
    elif options["format_"] == "sarif":
        click.echo(json.dumps(sarif(check), indent=1))
    elif options["format_"] == "html":
        click.echo(html)
    else:
        console = PipeConsole()
        console.print(table(check, all_routes=bool(options["all_routes"])))
        console.print(f"\nrecord   {out / 'check.json'}\npage     {out / PAGE_FILE}", highlight=False, markup=False)


@contextlib.contextmanager
def _telling() -> "Iterator[Tell]":
    """Show what is being done, beside standard output, which may be for a program."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda what: console.print(what, highlight=False, markup=False)
        return
    with Status("", console=console) as status:
        yield status.update
