"""Sides at https URLs whose certificate nobody has signed: named before a run begins, and measured if it is trusted."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.system.resources import free_port
from tests.e2e.harness import bench_here, eventually, summary
from tests.owned import owned

SHORT = ("--users=2", "--blocks=1", "--time=0.3", "--no-control")


@contextmanager
def https(certificate: Path) -> Iterator[str]:
    """Serve by https, with a certificate that nobody has signed but itself."""
    port = free_port()
    files = [f"--ssl-keyfile={certificate / 'key.pem'}", f"--ssl-certfile={certificate / 'cert.pem'}"]
    command = [sys.executable, "-m", "uvicorn", "tests.e2e.faulty:fine", f"--port={port}", "--log-level=info", *files]
    with subprocess.Popen(owned(command), stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        try:
            assert eventually(lambda: "running on" in str(server.stderr and server.stderr.readline()))
            yield f"https://localhost:{port}"
        finally:
            server.terminate()
            server.communicate(timeout=30)


def test_a_certificate_that_is_not_trusted_ends_a_run_before_it_begins(certificate: Path, tmp_path: Path) -> None:
    with https(certificate) as url:
        status, output, errors = bench_here("run", "GET /ping", f"--a={url}", f"--b={url}", f"--out={tmp_path / 'run'}")
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert errors.replace("self signed", "self-signed").startswith(
        f"bench: side '{url}': certificate verify failed: self-signed certificate; trust it (SSL_CERT_FILE=cert.pem, or"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("how", "driver"),
    [
        ("--cafile", "httpx"),
        *(pytest.param(how, "locust", marks=pytest.mark.slow) for how in ("environment", "--insecure")),
    ],
)
def test_a_certificate_is_trusted_in_three_ways(
    how: str, driver: str, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each way reaches each driver; that all that asks a side trusts alike is what the tests of the rooms say."""
    file, out = certificate / "cert.pem", tmp_path / "run"
    options = {"--cafile": [f"--cafile={file}"], "--insecure": ["--insecure"]}.get(how, [])
    if how == "environment":
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with https(certificate) as url:
        sides = (f"--a={url}", f"--b={url}", f"--driver={driver}", f"--out={out}")
        status, _, errors = bench_here("run", "GET /ping", *SHORT, *sides, *options)
    assert status == 0, errors
    assert all(cell["failures"] == {} and cell["collapsed"] == [] for cell in summary(out)["cells"])
    page = (out / "report.html").read_text()
    assert ("Certificates were not checked" in page) == (how == "--insecure")
