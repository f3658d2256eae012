"""``bench init``: write a ``bench.toml`` from the routes of an app."""

from pathlib import Path

import click

from loadtests.experiment.bench_toml import FILE_NAME, parse_bench_toml
from loadtests.experiment.bench_toml_options import file_options
from loadtests.experiment.blog import BUILDS
from loadtests.experiment.from_openapi import bench_toml, routes
from loadtests.experiment.side_parser import parse_side
from loadtests.experiment.side_text import name_and_settings, side_text
from loadtests.servers.app_check import openapi_of
from loadtests.system.errors import UsageError


@click.command(name="init")
@click.argument("side")
@click.option("--b", metavar="SIDE", help="The side to compare it with.  [default: the same, to be changed]")
@click.option("--force", is_flag=True, help=f"Overwrite an existing {FILE_NAME}.")
def init_(side: str, b: str | None, force: bool) -> None:
    """Write bench.toml, the file with the requests of bench run, from the routes of SIDE.

    SIDE is written as for `bench run`: package.module:app or folder/main.py, with settings after commas. Its
    OpenAPI document is read with its own interpreter. Routes that are certain to work become scenarios; routes that
    write, need a credential or need a guessed value are commented out.
    """
    file = Path(FILE_NAME)
    if file.exists() and not force:
        raise UsageError(f"{file} already exists; --force overwrites it")
    parse_side(b if b is not None else side)
    document = openapi_of(parse_side(side))
    other = b if b is not None else _other(side)
    text = bench_toml(document, side, other).encode()
    file_options(parse_bench_toml(text), file)
    file.write_bytes(text)
    found = routes(document)
    active = sum(not route.reasons for route in found)
    click.echo(f"wrote {file}: {active} of {len(found)} routes are scenarios, the others are commented out")
    if other == side:
        click.echo("set [b] to what you want to compare with, then run: bench run")
    else:
        click.echo("review it, then run: bench run")


def _other(side: str) -> str:
    """Return what a side is compared with where nobody said it: the other build of the blog, else itself."""
    name, given = name_and_settings(side)
    if name in BUILDS:
        return next(build for build in BUILDS if build != name)
    given.pop("port", None)
    return side_text(name, given) if "port" in name_and_settings(side)[1] else side
