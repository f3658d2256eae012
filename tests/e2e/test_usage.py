from pathlib import Path

import pytest

from loadtests.records.run_folder import RunFolder
from tests.e2e.harness import bench, bench_here


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["nonsense"], "`bench list`"),
        (["--users=0"], "outside 1 to 4096"),
        (["--users=x"], "--users 1,16,64"),
        (["--slice=-1"], "more than 0"),
        (["--slice=nan"], "more than 0"),
        (["--time=0"], "more than 0"),
        (["--blocks=0"], "from 1 to"),
        (["--a=asink"], "write sync, async"),
        (["--a=no_such_module:app"], "name the app's folder with dir="),
        (["--a=sync,port=8123", "--b=async,port=8123"], "another"),
        (["--full", "noop"], "--full"),
        (["--a=http://[bad"], "write the base URL alone"),
        (["--a=http://127.0.0.1:99999"], "write the base URL alone"),
        (["--a=sync,database_url=sqlite:///mine.db"], "leave it out"),
        (["--slice=5", "--time=6"], "raise --time"),
        (["--rate=0"], "not above 0"),
        (["--rate=x"], "--rate 200,400"),
        (["--rate=100", "--users=8"], "give one of them"),
        (["--start-limit=0"], "above 0"),
        (["--timeout=0"], "above 0"),
        (["--timeout=7200"], "at most 3,600 seconds"),
        (["reader"], "add --driver locust"),
        (["--driver=locust", "--rate=100"], "--users instead of --rate"),
        (["--driver=wrk"], "'httpx', 'locust'"),
        (["--database=mysql"], "write sqlite, postgres, or"),
        (
            ["GET /orders", "--header=Authorization: Bearer letmein"],
            "'Authorization: Bearer ${TOKEN}' in single quotes",
        ),
        (["GET http://127.0.0.1:8000/orders"], 'write "GET /orders", and give the host as a side'),
        (["GET orders"], "a path that starts with /"),
        (["POST /orders", "--json={a: 1}"], "this is not JSON"),
        (["GET /orders", "--sequence", "--rate=5"], "--sequence needs users"),
        (["GET /orders", "--values=no-such.csv"], "no-such.csv: it can't be read"),
        (["--curl=curl --proxy x http://h/"], "--proxy not recognized"),
        (["noop", "--expect=200"], "is fixed in the catalogue"),
        (["--a=http://me:letmein@127.0.0.1:8000"], "leave them out"),
        (["--database=postgresql://me:secret@h/x"], "PGPASSWORD"),
        (["--b=async,database_driver=asyncpg"], "add --database postgres"),
        (["--a=sync,database_driver=asyncpg", "--database=postgres"], "that is for the async build"),
        (["--insecure"], "neither side is an https URL"),
        (["--cafile=cert.pem"], "neither side is an https URL"),
        (["--cafile=none.pem", "--insecure", "--a=https://127.0.0.1:9"], "give one of them"),
        (["--cafile=none.pem", "--a=https://127.0.0.1:9"], "--cafile none.pem: can't be read"),
        (["--unknown"], "No such option"),
        (["--blocks=many"], "not a valid integer"),
        (["--fail-if=p99 > 200"], "write it as in 'p99 > 200ms'"),
        (["noop", "--fail-if=npoo.errors > 1%"], "did you mean 'noop'?"),
        (["--users=8", "--fail-if=get_post@32.errors > 1%"], "choose one of: 8"),
        (["--junit=junit.xml"], "add --fail-if"),
        (["--not-decided=fail"], "add --fail-if"),
        (["--markdown=no/such/folder/summary.md"], "create it first"),
    ],
)
def test_bad_usage_is_one_line_that_names_the_mend(arguments: list[str], mend: str, tmp_path: Path) -> None:
    out = tmp_path / "run"
    status, output, errors = bench_here("run", f"--out={out}", *arguments)
    assert status == 2
    assert mend in errors
    assert len(errors.splitlines()) == 1
    assert output == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["noop"], "leave out the scenarios"),
        (["--users=8"], "leave out --users"),
        (["--out=elsewhere"], "leave out --out"),
        ([], "is not a run"),
    ],
)
def test_resuming_takes_a_run_and_nothing_else(arguments: list[str], mend: str, tmp_path: Path) -> None:
    status, output, errors = bench_here("run", f"--resume={tmp_path}", *arguments)
    assert (status, output, len(errors.splitlines())) == (2, "", 1)
    assert mend in errors
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_exists_is_not_touched(tmp_path: Path) -> None:
    status, _, errors = bench_here("run", "noop", f"--out={tmp_path}")
    assert (status, len(errors.splitlines())) == (2, 1)
    assert "exists already" in errors
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    status, _, errors = bench_here("run", "noop", f"--out={tmp_path / 'file' / 'run'}")
    assert (status, len(errors.splitlines())) == (2, 1)
    assert "cannot be written" in errors
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("arguments", [[], ["--help"], ["run", "--help"], ["list"]])
def test_help_is_there(arguments: list[str]) -> None:
    status, output, errors = bench_here(*arguments)
    assert "Usage" in output + errors or "external_api" in output
    assert status in (0, 2)


def test_a_fault_of_the_harness_is_no_missed_threshold(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Python ends with status 1 where nobody expects an error; that status means a missed target."""

    def fails(_folder: RunFolder) -> bool:
        raise RuntimeError("nobody expects this")

    monkeypatch.setattr(RunFolder, "exists", property(fails))
    status, _, errors = bench_here("report", str(tmp_path))
    assert status == 3
    assert "Traceback" in errors
    assert "nobody expects this" in errors


def test_a_terminal_that_can_not_show_a_sign_shows_another(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    out, fine = tmp_path / "run", "tests.e2e.faulty:fine"
    options = (f"--a={fine}", f"--b={fine}", "--users=2", "--blocks=1", "--time=0.2", "--no-control", f"--out={out}")
    for arguments in (("list",), ("run", "/x", *options)):
        status, output, errors = bench(*arguments)
        assert (status, errors) == (0, "")
        assert "?" in output
    assert (out / "report.html").exists()
    assert (out / "summary.json").exists()


def test_reporting_on_what_is_no_run_is_told(tmp_path: Path) -> None:
    status, _, errors = bench_here("report", str(tmp_path))
    assert (status, len(errors.splitlines())) == (2, 1)
    assert "is not a run" in errors
