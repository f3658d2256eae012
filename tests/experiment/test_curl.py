"""Curl commands, as browsers copy them and documentation has them."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.experiment.curl import parse_curl
from loadtests.experiment.multipart import Part
from loadtests.experiment.request import JSON, Request, with_parts
from loadtests.system.errors import UsageError

FORM = ("content-type", "application/x-www-form-urlencoded")


def asked(method: str, path: str, *headers: tuple[str, str], body: bytes = b"", file: str = "") -> Request:
    return Request(method, path, headers, body, status=None, body_file=file)


@pytest.mark.parametrize(
    ("command", "request_"),
    [
        ("curl http://127.0.0.1:8000/items?a=1", asked("GET", "/items?a=1")),
        ("curl localhost:8000", asked("GET", "/")),
        ("curl https://host?next=http://other/", asked("GET", "/?next=http://other/")),
        ("curl /items", asked("GET", "/items")),
        ("curl -sSf -i -o /dev/null --url http://h/x", asked("GET", "/x")),
        ("curl -I http://h/x", asked("HEAD", "/x")),
        ("curl -XDELETE http://h/x", asked("DELETE", "/x")),
        ("curl http://h/x -d a=1 --data b=2", asked("POST", "/x", FORM, body=b"a=1&b=2")),
        ("curl --request=PUT http://h/x --data-raw @a", asked("PUT", "/x", FORM, body=b"@a")),
        ("curl -G http://h/x?y=0 -d a=1 -d b=2", asked("GET", "/x?y=0&a=1&b=2")),
        (
            "curl http://h/x --data-urlencode 'q=a b&c' --data-urlencode é --data-urlencode =1=2 -d 'x=${X} y'",
            asked("POST", "/x", FORM, body=b"q=a+b%26c&%C3%A9&1%3D2&x=${X} y"),
        ),
        ("curl -G http://h/x --data-urlencode 'q=a ${X}/$${Y}'", asked("GET", "/x?q=a+${X}%2F%24%7BY%7D")),
        ("curl --json '[1,' --json '2]' h/x", asked("POST", "/x", JSON, ("accept", "application/json"), body=b"[1,2]")),
        ("curl -u 'me:${PW}' --basic http://h/x", replace(asked("GET", "/x"), basic="me:${PW}")),
        ("curl --user '${KEY}:' http://h/x", replace(asked("GET", "/x"), basic="${KEY}:")),
        ("curl -u '${BOTH}' http://h/x", replace(asked("GET", "/x"), basic="${BOTH}")),
        (
            "curl -u '${BOTH}' -H 'authorization: Bearer ${T}' http://h/x",
            asked("GET", "/x", ("authorization", "Bearer ${T}")),
        ),
        (
            """curl --json '{"a": 1}' h/x""",
            asked("POST", "/x", JSON, ("accept", "application/json"), body=b'{"a": 1}'),
        ),
        (
            "curl -A me -e http://from -b 'session=${S}' -H 'Accept:' -H 'X-Y: z' http://h/x",
            asked(
                "GET", "/x", ("user-agent", "me"), ("referer", "http://from"), ("cookie", "session=${S}"), ("X-Y", "z")
            ),
        ),
        (
            "curl 'http://h/orders' \\\n  -H 'Content-Type: text/plain' \\\r\n"
            "  --data-raw $'it\\'s \\u00e9\\n\\x41\\ud83d\\ude00'",
            asked("POST", "/orders", ("Content-Type", "text/plain"), body="it's é\nA😀".encode()),
        ),
        ("""curl "http://h/x" -d "a \\"b\\" '$'" """, asked("POST", "/x", FORM, body=b"""a "b" '$'""")),
    ],
)
def test_a_command_is_the_request_that_curl_would_send(command: str, request_: Request) -> None:
    assert parse_curl(command).request == request_


def test_what_does_not_count_here_is_told() -> None:
    assert parse_curl("curl -kL --compressed https://host:1/x").notes == (
        "curl -k is left out: which certificates are trusted is said with --insecure or --cafile",
        "curl -L is left out: a redirect is an answer here, and is not followed",
        "https://host:1 is left out: sides say where servers are (--a, --b)",
    )
    assert parse_curl("curl -s /x").notes == ()


def test_a_body_and_a_command_may_be_in_files(tmp_path: Path) -> None:
    body = tmp_path / "body"
    body.write_bytes(b"a=1&\r\nb=2\n")
    binary = parse_curl(f"curl h/x --data-binary @{body}").request
    assert (binary.body, binary.body_file) == (b"a=1&\r\nb=2\n", str(body))
    text = parse_curl(f"curl h/x -d @{body}").request
    assert (text.body, text.body_file) == (b"a=1&b=2", "")
    command = tmp_path / "request.txt"
    command.write_text("curl 'h/y' \\\n -X PUT\n")
    assert str(parse_curl(f"curl @{command}").request) == "PUT /y"
    body.write_bytes(b"\xff")
    with pytest.raises(UsageError, match="give it with --data-binary"):
        parse_curl(f"curl h/x -d @{body}")


@pytest.mark.parametrize(
    ("command", "mend"),
    [
        ("curl --http2 http://h/x", "curl: option --http2 not recognized; these options are understood: -A, -F, -G"),
        ("curl -Z http://h/x", "curl: option -Z not recognized"),
        ("curl http://h/x -H", "curl: option -H requires argument"),
        ("curl", "there is no URL in it"),
        ("curl http://h/x http://h/y", "one URL at a time"),
        ("curl 'http://h/x", "No closing quotation"),
        ("curl 'http://h/a b'", "a URL contains no spaces"),
        ("curl -u me:hidden http://h/x", "curl -u: a credential that is typed"),
        ("curl -u '${ME}:hidden' http://h/x", "-u 'user:${PASSWORD}' in single quotes"),
        ("curl -u hidden http://h/x", "-u 'user:${PASSWORD}' in single quotes"),
        ("curl -u hidden: http://h/x", "-u 'user:${PASSWORD}' in single quotes"),
        ("curl --digest -u 'me:${PW}' http://h/x", "option --digest not recognized"),
        ("curl --url-query a=1 http://h/x", "option --url-query not recognized"),
        ("curl -T file http://h/x", "option -T not recognized"),
        ("curl -b jar.txt http://h/x", "curl -b jar.txt: cookies are not read from a file"),
        ("curl http://me:hidden@h/x", "'Authorization: Basic ${TOKEN}' in single quotes"),
        ("curl -F a=@no.txt http://h/x", "no.txt: it can't be read"),
        ("curl -F a=1 -d b=2 http://h/x", "a form with files is the whole body; leave out -d"),
        ("curl -G -F a=1 http://h/x", "a form with files is the whole body; leave out -G"),
        ("curl -F a=1 -H 'Content-Type: text/plain' http://h/x", "leave out the header Content-Type"),
        ("curl -F 'a=1;headers=\"X: 1\"' http://h/x", "curl -F a: a semicolon is followed by type=… or filename=…"),
        ("curl -F a http://h/x", "curl -F: write it as FIELD=VALUE"),
        ("curl --form-string =1 http://h/x", "curl --form-string: write it as FIELD=VALUE"),
        ("curl -H hidden http://h/x", "curl -H: write it as Name: value"),
        ("curl http://h/x#top", "what follows a # is never sent"),
        ("curl @no.txt", "--curl no.txt: it can't be read"),
    ],
)
def test_what_is_not_understood_is_named(command: str, mend: str) -> None:
    with pytest.raises(UsageError, match=re.escape(mend)) as refused:
        parse_curl(command)
    assert "hidden" not in str(refused.value)


def test_a_form_is_made_of_its_fields(tmp_path: Path) -> None:
    file = tmp_path / "tea.png"
    file.write_bytes(b"\x89PNG")
    command = f"curl -H 'Content-Type: multipart/form-data' h/x -F a=1 --form-string 'b=@1;2' -F 'c=@{file}'"
    request = parse_curl(command).request
    assert (request.method, str(request)) == ("POST", "POST /x")
    assert request.parts == (
        Part("a", "1"),
        Part("b", "@1;2"),
        Part("c", file=str(file), filename="tea.png", type="image/png"),
    )
    assert request == with_parts(asked("POST", "/x"), request.parts)
    urlencoded = parse_curl(f"curl h/x --data-urlencode 'p@{file}'").request
    assert urlencoded.body == b"p=%89PNG"


def test_a_file_with_another_command_is_named(tmp_path: Path) -> None:
    file = tmp_path / "request.txt"
    file.write_text("wget http://h/x")
    with pytest.raises(UsageError, match="begins with curl, not with 'wget'"):
        parse_curl(f"curl @{file}")
