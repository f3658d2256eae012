"""What is installed is bench alone, with a licence; in a clone the blog stands beside it."""

import tomllib
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_wheel_has_one_package_at_its_top() -> None:
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"] == {"packages": ["loadtests"]}


def test_a_clone_imports_the_blog_from_its_own_folder() -> None:
    assert PROJECT["tool"]["hatch"]["build"]["dev-mode-dirs"] == ["."]
    for package in ("shared", "sync_app", "async_app", "loadtests"):
        assert (ROOT / package / "__init__.py").is_file()


def test_the_licence_is_there_and_named() -> None:
    project = PROJECT["project"]
    assert project["license"] == "MIT"
    ours, *vendored = project["license-files"]
    assert (ROOT / ours).read_text(encoding="utf-8").startswith("MIT License")
    assert vendored == [str(path.relative_to(ROOT)) for path in (ROOT / "loadtests").rglob("LICENSE*")]
    assert all("MIT License" in (ROOT / file).read_text(encoding="utf-8") for file in vendored)
    assert metadata.version(project["name"]) == project["version"]


def test_the_changelog_tells_of_what_is_not_released() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
