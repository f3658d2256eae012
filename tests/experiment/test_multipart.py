"""Forms with files: how their fields are typed, and what is sent."""

import email
import re
from base64 import b64encode
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.experiment.bench_toml import parse_bench_toml
from loadtests.experiment.bench_toml_options import file_options
from loadtests.experiment.message import filled
from loadtests.experiment.multipart import Part, multipart, parse_part, parse_upload
from loadtests.experiment.request import Request
from loadtests.experiment.request_options import TypedOption, custom_scenarios
from loadtests.experiment.scenario import Scenario
from loadtests.records.scenario_record import ScenarioRecord, record_of, scenario_of
from loadtests.system.errors import UsageError

PNG = b"\x89PNG\r\n${name}$${x}\xff"
"""A file, in which something looks like a place."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tea.png").write_bytes(PNG)
    (tmp_path / "note.txt").write_text("a note")
    return tmp_path


def fields(request: Request) -> list[tuple[str, str | None, str | None, bytes]]:
    """Return what another reader finds in a request's form: name, file's name, type and content of each field."""
    head = f"Content-Type: {request.header('content-type')}\r\n\r\n".encode()
    message = email.message_from_bytes(head + request.body)
    assert message.is_multipart()
    return [
        (
            str(part.get_param("name", header="content-disposition")),
            part.get_filename(),
            part["content-type"],
            content if isinstance(content := part.get_payload(decode=True), bytes) else b"",
        )
        for part in message.walk()
        if not part.is_multipart()
    ]


def request(*options: tuple[str, str]) -> Request:
    typed = [TypedOption(1, *option) for option in options]
    [scenario] = custom_scenarios(["POST /photos"], typed, sequence=False, values=None)
    return scenario.requests[0]


def test_fields_and_files_are_one_form() -> None:
    made = request(
        ("--upload", "photo=@tea.png"), ("--form", "title=Tea+%26+${item}&empty="), ("--upload", "more=@note.txt")
    )
    assert filled(made, {"item": "salt"}).body == filled(made, {"item": "salt"}).body
    assert fields(filled(made, {"item": "salt"})) == [
        ("title", None, None, b"Tea & salt"),
        ("empty", None, None, b""),
        ("photo", "tea.png", "image/png", PNG),
        ("more", "note.txt", "text/plain", b"a note"),
    ]
    assert made.names == ("item",)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a=1", Part("a", "1")),
        ("a=", Part("a")),
        ("a=b=c", Part("a", "b=c")),
        ('a="x;\\"y\\""', Part("a", 'x;"y"')),
        ("a={};type=application/json", Part("a", "{}", type="application/json")),
        ("a=@tea.png", Part("a", "", "tea.png", "tea.png", "image/png")),
        ("a=@dir/x.unknown", Part("a", "", "dir/x.unknown", "x.unknown", "application/octet-stream")),
        ("a=@tea.png;type=text/x; charset=utf-8", Part("a", "", "tea.png", "tea.png", "text/x;charset=utf-8")),
        ('a=@"t,e;a";filename="n;m"', Part("a", "", "t,e;a", "n;m", "application/octet-stream")),
        ("a=<note.txt", Part("a", "", "note.txt")),
        ("a=x;filename=n.txt", Part("a", "x", "", "n.txt", "text/plain")),
    ],
)
def test_a_field_is_written_as_curl_has_it(text: str, part: Part) -> None:
    assert parse_part(text, "curl -F") == part


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("a", "--upload a: write FIELD=@FILE"),
        ("a=hidden", "--upload a: write FIELD=@FILE"),
        ("=@tea.png", "write it as FIELD=VALUE"),
        ("a=@", "name a file, as in a=@FILE"),
        ("a=@tea.png;size=1", "a semicolon is followed by type=… or filename=…"),
        ("a=@tea.png,note.txt", "give each file a field of its own"),
        ('a=@"tea.png"x', "there is text after its closing quote"),
    ],
)
def test_what_is_no_upload_is_named_with_its_mend(text: str, mend: str) -> None:
    with pytest.raises(UsageError, match=re.escape(mend)) as refused:
        parse_upload(text)
    assert "hidden" not in str(refused.value)


def test_names_can_not_break_out_of_their_quotes() -> None:
    _, body = multipart([Part('a"\r\nX: 1', "v", "", 'f"\n', "text/plain")])
    assert b'name="a%22%0D%0AX: 1"; filename="f%22%0A"\r\n' in body


@pytest.mark.parametrize(
    ("options", "mend"),
    [
        ([("--json", "{}"), ("--upload", "a=@tea.png")], "POST /photos has another body"),
        ([("--upload", "a=@tea.png"), ("--header", "Content-Type: text/x")], "leave out the header Content-Type"),
        ([("--upload", "a=@no.png")], "no.png: it can't be read"),
        ([("--form", "@tea.png"), ("--upload", "a=@tea.png")], "not UTF-8 text"),
        ([("--form", "password=hidden"), ("--upload", "a=@tea.png")], "password in the body of POST /photos"),
    ],
)
def test_what_can_not_be_one_form_is_named(options: list[tuple[str, str]], mend: str) -> None:
    with pytest.raises(UsageError, match=re.escape(mend)) as refused:
        request(*options)
    assert "hidden" not in str(refused.value)


def test_a_header_that_says_what_a_form_is_anyway_does_no_harm() -> None:
    made = request(("--header", "Content-Type: multipart/form-data"), ("--upload", "a=@tea.png"))
    assert [name for name, _ in made.headers] == ["content-type"]
    assert fields(made)[0][0] == "a"


def test_a_record_has_the_fields_and_reads_the_files_again(folder: Path) -> None:
    made = request(("--form", "title=${T}"), ("--upload", "photo=@tea.png"))
    scenario = Scenario("x", "custom", "", "", (made,), writes=True)
    written = record_of(scenario).model_dump_json()
    assert "PNG" not in written
    read = ScenarioRecord.model_validate_json(written)
    assert scenario_of(read) == scenario
    (folder / "tea.png").write_bytes(b"another")
    with pytest.raises(UsageError, match=r"tea\.png: this file has changed"):
        scenario_of(read)


def test_a_file_of_scenarios_has_forms_too(folder: Path) -> None:
    text = (
        '[a]\napp = "x:app"\n[b]\napp = "x:app"\n[[scenario]]\nrequest = "POST /photos"\n'
        'form = { title = "a b" }\n'
        'upload = { photo = "@tea.png;type=image/x", more = ["@note.txt", \'@"note.txt"\'] }\n'
    )
    (folder / "perf").mkdir()
    for name in ("tea.png", "note.txt"):
        (folder / name).rename(folder / "perf" / name)
    offered = file_options(parse_bench_toml(text.encode()), Path("perf/bench.toml")).offered
    assert fields(filled(offered[0].requests[0], {})) == [
        ("title", None, None, b"a b"),
        ("photo", "tea.png", "image/x", PNG),
        ("more", "note.txt", "text/plain", b"a note"),
        ("more", "note.txt", "text/plain", b"a note"),
    ]


def test_user_and_password_are_filled_before_they_are_encoded() -> None:
    made = replace(Request("GET", "/"), basic="zoë:${PW}")
    assert made.names == ("PW",)
    sent = filled(made, {"PW": "s3:x"})
    assert sent.headers == (("authorization", "Basic " + b64encode("zoë:s3:x".encode()).decode()),)
    assert filled(sent, {}) == sent
