"""A command that only a shell would understand is refused, with the way to have one."""

import shlex

import pytest

from loadtests.experiment.bench_toml import SideTable
from loadtests.experiment.bench_toml_options import text_of
from loadtests.experiment.shell import needs_a_shell
from loadtests.experiment.side_parser import parse_side
from loadtests.system.errors import UsageError


@pytest.mark.parametrize(
    ("command", "sign"),
    [
        ("cd app && serve --port {port}", "&&"),
        ("migrate || true", "||"),
        ("migrate; serve --port {port}", ";"),
        ("migrate ; serve --port {port}", ";"),
        ("serve --port {port} | tee log", "|"),
        ("serve --port {port} &", "&"),
        ("serve --port {port} > log", ">"),
        ("serve --port {port} >log", ">"),
        ("serve --port {port} 2>&1", "2>"),
        ("serve --port {port} >> log", ">>"),
        ("serve --port {port} < answers", "<"),
        ("serve --port {port} --workers $(nproc)", "$("),
        ('serve --port {port} --workers "$(nproc)"', "$("),
        ("serve --port {port} --workers `nproc`", "`"),
        ("serve --port $PORT", "$PORT"),
        ("serve --port {port} --token ${TOKEN}", "${TOKEN}"),
    ],
)
def test_signs_of_a_shell_are_refused(command: str, sign: str) -> None:
    said = needs_a_shell("command", command)
    assert said is not None
    assert said.startswith(f"no shell reads command, so that {sign} would be one of its arguments; write command=")


@pytest.mark.parametrize(
    "command",
    [
        "serve --port {port} --match 'a && b; c | d > $(e) $F `g`'",
        'serve --port {port} --match "a && b; c | d > e"',
        "serve --port {port} --dsn postgres://h/x?a=1&b=2 --match a|b;c --arrow a->b --price 5\\$",
        "sh -c 'cd app && serve --port {port}'",
        '/bin/bash -c "serve --port {port} | tee $LOG"',
        "serve 'unclosed",
        "",
    ],
)
def test_what_is_an_argument_of_its_own_is_left(command: str) -> None:
    assert needs_a_shell("command", command) is None


@pytest.mark.parametrize("name", ["command", "setup", "reset"])
def test_what_is_to_be_written_instead_works_as_it_stands(name: str) -> None:
    command, start = "cd app && serve a,b --port {port}", "" if name == "command" else "main:app,"
    with pytest.raises(UsageError) as error:
        parse_side(f"{start}{name}='{command}'")
    mended = str(error.value).partition("; write ")[2]
    read = getattr(parse_side(start + mended).launch, name)
    assert shlex.split(read) == ["sh", "-c", command]
    table = SideTable.model_validate({name: read, **({} if name == "command" else {"app": "main:app"})})
    assert getattr(parse_side(text_of(table)).launch, name) == read


@pytest.mark.parametrize("command", ["cd 'a b' && serve {port}", 'cd "a b" && serve {port}'])
def test_a_command_with_quotes_goes_into_a_file(command: str) -> None:
    said = needs_a_shell("command", command)
    assert said is not None
    assert said.endswith("write command=sh FILE {port}, with all of it in that file")
