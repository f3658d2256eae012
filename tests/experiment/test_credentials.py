"""What may not be typed, for it would be written down."""

import pytest

from loadtests.experiment.credentials import check_credentials
from loadtests.experiment.request import JSON, Request
from loadtests.experiment.side_parser import parse_side
from loadtests.system.errors import UsageError


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", (("Authorization", "Bearer hidden"),)),
        Request("GET", "/", (("authorization", "Bearer "),)),
        Request("GET", "/", (("Cookie", "theme=${T}; session=hidden"),)),
        Request("GET", "/", (("X-API-Key", "hidden"),)),
        Request("GET", "/", (("X-Csrf-Token", "hidden"),)),
        Request("GET", "/?x=1&api_key=hidden"),
        Request("GET", "/?access_token=hidden"),
        Request("POST", "/", (JSON,), b'{"name": "x", "password" : "hidden"}'),
        Request("POST", "/", (JSON,), b'{"clientSecret":"hidden"}'),
        Request("POST", "/", (("content-type", "application/x-www-form-urlencoded"),), b"user=x&password=hidden"),
    ],
)
def test_a_credential_that_is_typed_is_refused_and_not_repeated(request_: Request) -> None:
    with pytest.raises(UsageError, match=r"export TOKEN=… and write '.*\$\{TOKEN\}' in single quotes") as refused:
        check_credentials(request_)
    assert "hidden" not in str(refused.value)


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/", (("Authorization", "Bearer ${TOKEN}"),)),
        Request("GET", "/", (("Cookie", "theme=${T}; session=${S}"),)),
        Request("GET", "/signed?sig=ab%2Fcd%3D%3D&id=%7Ebob&token=${T}"),
        Request("GET", "/", (("Accept", "text/html"), ("X-Request-Id", "1"))),
        Request("POST", "/", (JSON,), b'{"max_tokens": 5, "token_type": "bearer", "tokenizer": "x", "password": ""}'),
        Request("POST", "/", (JSON,), b'{"password": "${PASSWORD}"}'),
        Request("POST", "/", (("content-type", "text/plain"),), b"password=free text"),
    ],
)
def test_what_comes_from_elsewhere_is_no_credential_that_is_typed(request_: Request) -> None:
    check_credentials(request_)


@pytest.mark.parametrize("url", ["http://me:hidden@127.0.0.1:8000", "https://hidden@there/api"])
def test_the_url_of_a_side_holds_no_credential(url: str) -> None:
    with pytest.raises(UsageError, match=r"'Authorization: Basic .*' in single quotes") as refused:
        parse_side(url)
    assert "hidden" not in str(refused.value)
