"""A request written as a curl command is read as the same request, by the harness and by a shell."""

import shutil
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.experiment.curl import parse_curl
from loadtests.experiment.curl_text import curl_text
from loadtests.experiment.request import Request

TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
PATHS = st.text(st.sampled_from("abc/?&=%'\"$`!\\*~é😀{}"), max_size=20).map("/".__add__)
VALUES = st.text(st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs"]))
HEADERS = st.lists(st.tuples(st.sampled_from(["x-one", "content-type"]), VALUES.map(str.strip)), max_size=2)


@given(method=st.sampled_from(["GET", "HEAD", "POST", "DELETE"]), path=PATHS, headers=HEADERS, body=st.none() | TEXT)
def test_what_is_written_is_read_again(
    method: str, path: str, headers: list[tuple[str, str]], body: str | None
) -> None:
    if any(character.isspace() for character in path):
        return
    if body is not None and not any(name == "content-type" for name, _ in headers):
        headers = [("content-type", "text/plain"), *headers]
    request = Request(method, path, tuple(headers), (body or "").encode(), status=None)
    if method == "HEAD":
        request = replace(request, body=b"")
    assert parse_curl(curl_text(request, "http://h")).request == request


def test_a_value_that_is_a_colon_is_a_value() -> None:
    assert parse_curl("curl -H 'x-one: :' -H 'accept:' http://h/").request.headers == (("x-one", ":"),)


@pytest.mark.parametrize("text", ["a b", "it's", "line\nfeed\t", "é \x1b[0m", "\U000e0001 ${X} `x` \\n"])
def test_a_shell_reads_it_too(text: str) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here")
    request = Request("POST", "/x", (("x-a", "${TOKEN}"),), text.encode())
    printed = curl_text(request, "http://h:1").replace("curl", "printf '%s\\0'", 1)
    said = subprocess.run([bash, "-c", printed], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"}).stdout
    assert said.decode().split("\0")[:-1] == ["-X", "POST", "http://h:1/x", "-H", "x-a: ${TOKEN}", "--data-raw", text]


def test_a_body_that_is_no_text_is_left_out() -> None:
    line = curl_text(Request("PUT", "/x", body=b"\xff" * 2000), "http://h")
    assert line == "curl -X PUT http://h/x --data-binary @FILE # 2,000 bytes"
