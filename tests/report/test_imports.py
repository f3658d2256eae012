"""What needs no heavy library imports none: it takes a second, in which a user waits."""

import subprocess
import sys

TEXT_MODULES = (
    "loadtests.report.wording",
    "loadtests.report.view",
    "loadtests.report.highlights",
    "loadtests.report.titles",
    "loadtests.report.verdict_table",
    "loadtests.report.doubts",
    "loadtests.report.doubts_on_conditions",
    "loadtests.check.table",
    "loadtests.check.sarif",
    "loadtests.check.html",
    "loadtests.lessons.text",
    "loadtests.lessons.catalogue",
)
IMPORT_ALL = """
import sys
from importlib import import_module
heavy, *modules = sys.argv[1:]
for module in modules:
    import_module(module)
    for name in heavy.split():
        if name in sys.modules:
            sys.exit(f"{module} imports {name}")
"""


def imported(heavy: str, *modules: str) -> str:
    """Import modules one after the other; return which is the first to import a heavy library, if one does."""
    command = [sys.executable, "-c", IMPORT_ALL, heavy, *modules]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


def test_a_module_of_words_imports_neither_the_drawing_nor_the_statistics_library() -> None:
    assert imported("matplotlib scipy", *TEXT_MODULES) == ""


def test_a_run_imports_no_library_that_only_some_runs_need() -> None:
    """Matplotlib and SciPy are for its end, SQLAlchemy is for the blog's SQL, Locust for who chose it."""
    assert imported("matplotlib scipy sqlalchemy locust aiohttp", "loadtests.cli.run", "loadtests.runner.runner") == ""


def test_a_heavy_library_is_noticed() -> None:
    assert imported("numpy scipy", "json", "numpy") == "numpy imports numpy"
