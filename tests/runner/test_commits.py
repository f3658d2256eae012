"""Sides at commits: what is checked out, what is said of it, and what is refused."""

from pathlib import Path

import pytest

from loadtests.experiment.options import RunOptions
from loadtests.experiment.plan import Experiment
from loadtests.experiment.sides import LABELS
from loadtests.runner.commits import commit_of, with_checkouts
from loadtests.servers.app_check import check_sides
from loadtests.servers.launch import environment_of, folder_of, python_of
from loadtests.system.errors import UsageError
from loadtests.system.git import Checkouts, GitFailed, Repository
from tests.made_up_repository import commit, git, make_repository


def experiment(a: str, b: str) -> Experiment:
    return RunOptions(a=a, b=b, scenarios=("GET /",)).experiment()


@pytest.fixture
def commits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The two commits of the repository that the test is called in."""
    found = make_repository(tmp_path / "r")
    monkeypatch.chdir(tmp_path / "r")
    return found


def test_each_side_is_started_in_the_folder_of_its_commit(commits: tuple[str, str]) -> None:
    with Checkouts() as checkouts:
        made, said = with_checkouts(experiment("main:app@HEAD~1,dir=backend", "backend/main.py@main"), checkouts)
        assert [commit_of(side) for side in (made.a, made.b)] == list(commits)
        assert [(folder_of(side) / "words.py").read_text() for side in (made.a, made.b)] == [
            "WORD = b'tea'\n",
            "WORD = b't' + b'ea'\n",
        ]
        assert made.a.settings()["commit"] == "HEAD~1"
        assert made.a.settings()["dir"] == "backend"
        assert made.side("control").checkout == made.a.checkout
    assert said == [
        f"side a is commit {commits[0][:12]} (HEAD~1)",
        f"side b is commit {commits[1][:12]} (main)",
        "uv.lock differs between the commits, but both sides use the packages of one interpreter; to measure the"
        " packages too, give each side its own interpreter with python=PATH",
    ]


def test_nothing_is_told_of_a_side_that_is_not_measured(commits: tuple[str, str]) -> None:
    with Checkouts() as checkouts:
        _, said = with_checkouts(
            experiment("backend/main.py@HEAD", "backend/main.py@HEAD"), checkouts, measured=LABELS[:1]
        )
    assert said == [f"side a is commit {commits[1][:12]} (HEAD)"]


def test_what_is_not_committed_is_told(commits: tuple[str, str]) -> None:
    Path("backend/words.py").write_text("WORD = b'soup'\n")
    at_commits = experiment("backend/main.py@HEAD", "backend/main.py@HEAD,workers=2")
    on_disk = experiment("backend/main.py@HEAD", "backend/main.py")
    with Checkouts() as checkouts:
        assert with_checkouts(at_commits, checkouts)[1][2:] == [
            "uncommitted changes are not measured: backend/words.py",
            "both sides are the same commit, so only their settings can make a difference",
        ]
        made, said = with_checkouts(on_disk, checkouts)
        assert said == [
            f"side a is commit {commits[1][:12]} (HEAD)",
            f"side b is the folder on disk: commit {commits[1][:12]} with uncommitted changes in backend/words.py",
        ]
        assert commit_of(made.b) == f"{commits[1]}+"


def test_a_repository_that_git_takes_too_long_over_ends_no_run(
    commits: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_long(_: Repository) -> list[str]:
        raise GitFailed("git status took more than 10 s")

    monkeypatch.setattr(Repository, "changed", too_long)
    with Checkouts() as checkouts:
        made, said = with_checkouts(experiment("backend/main.py@HEAD~1", "backend/main.py@HEAD"), checkouts)
        assert (folder_of(made.a) / "words.py").is_file()
    assert said == [
        f"side a is commit {commits[0][:12]} (HEAD~1)",
        f"side b is commit {commits[1][:12]} (HEAD)",
        "other differences between the sides are not known: git status took more than 10 s",
    ]


def test_a_run_that_goes_on_keeps_its_commits(commits: tuple[str, str]) -> None:
    asked = experiment("backend/main.py@main", "backend/main.py@main")
    commit(Path(), {"backend/words.py": "WORD = b'soup'\n"})
    with Checkouts() as checkouts:
        made, _ = with_checkouts(asked, checkouts, {"a": commits[0], "b": commits[1]})
        assert [commit_of(side) for side in (made.a, made.b)] == list(commits)


def test_what_a_side_changes_in_its_checkout_is_no_other_commit(commits: tuple[str, str]) -> None:
    asked = experiment("backend/main.py@main", "backend/main.py@main")
    with Checkouts() as checkouts:
        made, _ = with_checkouts(asked, checkouts)
        (folder_of(made.a) / "words.py").write_text("WORD = b'made by setup'\n")
        assert commit_of(made.a) == commits[1]
        made, _ = with_checkouts(asked, checkouts, {"a": f"{commits[0]}+", "b": commits[1]})
        assert commit_of(made.a) == commits[0]


def test_an_environment_that_is_not_committed_is_taken_from_disk(commits: tuple[str, str]) -> None:
    python = Path("backend/.venv/bin/python")
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    Path("backend/.env").write_text("WORD=tea\n")
    with Checkouts() as checkouts:
        made, _ = with_checkouts(
            experiment("backend/main.py@HEAD,python=.venv/bin/python,env_file=.env", "backend/main.py"), checkouts
        )
        assert python_of(made.a) == str(python.absolute())
        assert environment_of(made.a, {})["WORD"] == "tea"


def test_a_folder_that_was_removed_since_is_there_at_its_commit(commits: tuple[str, str]) -> None:
    git(Path(), "rm", "-r", "--quiet", "backend")
    with Checkouts() as checkouts:
        made, _ = with_checkouts(experiment("backend/main.py@HEAD", "http://127.0.0.1:1"), checkouts)
        assert (folder_of(made.a) / "main.py").is_file()


@pytest.mark.parametrize(
    ("side", "complaint"),
    [
        ("backend/main.py@v9", r"its repository has no commit 'v9'; git log lists its commits"),
        ("other/main.py@HEAD", r"commit \w{12} has no folder other"),
        ("main:app@HEAD,dir=..", r"its folder is in no git repository, so there is no commit HEAD; .* dir="),
    ],
)
def test_what_is_no_commit_is_refused_in_one_sentence(commits: tuple[str, str], side: str, complaint: str) -> None:
    with Checkouts() as checkouts, pytest.raises(UsageError, match=complaint):
        with_checkouts(experiment(side, "backend/main.py"), checkouts)


def test_a_shallow_clone_is_named(commits: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{tmp_path / 'r'}", "shallow")
    monkeypatch.chdir(tmp_path / "shallow")
    with Checkouts() as checkouts, pytest.raises(UsageError, match="git fetch --unshallow"):
        with_checkouts(experiment("backend/main.py@HEAD~1", "backend/main.py"), checkouts)


def test_a_side_at_a_commit_is_started_by_a_run_alone() -> None:
    with pytest.raises(UsageError, match="only bench run, curve and dial start a side at a commit; leave out HEAD"):
        folder_of(experiment("sync@HEAD", "async").a)


def test_an_app_that_is_imported_from_disk_is_not_taken_for_its_commit(
    commits: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with an editable install: Python would find the package on disk, and both sides would be the same code."""
    commit(Path(), {"src/tea.py": "WORD = b'tea'\n", "main.py": "import tea\nasync def app(s, r, t): ...\n"})
    monkeypatch.setenv("PYTHONPATH", str(Path("src").absolute()))
    with Checkouts() as checkouts:
        made, _ = with_checkouts(experiment("main:app@HEAD", "main:app"), checkouts)
        with pytest.raises(UsageError, match="its module tea comes from the folder on disk, not from the commit"):
            check_sides([made.a])
        assert check_sides([made.b]).installed
