"""What only words need is quick to import: neither the drawing library nor the statistics one."""

import subprocess
import sys

import pytest

HEAVY = ("matplotlib", "scipy")
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


@pytest.mark.parametrize("module", TEXT_MODULES)
def test_a_module_of_words_imports_no_heavy_library(module: str) -> None:
    program = f"import sys, {module}; print(*[name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
