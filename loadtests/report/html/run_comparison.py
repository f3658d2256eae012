"""The page of ``bench compare``: several runs side by side, one HTML file with everything in it."""

from loadtests.analysis.across_runs import RunsComparison
from loadtests.report.html.templating import template
from loadtests.report.run_comparison import LEGEND, STYLES, change_text, change_word, figure_text, row_name, titles
from loadtests.report.wording import listed, printable


def comparison_page(comparison: RunsComparison) -> str:
    """Return the page."""
    return template("compare.html.j2").render(
        comparison=comparison,
        names=[run.name for run in comparison.runs],
        headline=f"{listed([printable(run.name) for run in comparison.runs])} side by side",
        tables=titles(comparison),
        legend=LEGEND,
        strong=STYLES,
        figure_text=figure_text,
        change_text=change_text,
        change_word=change_word,
        row_name=row_name,
        printable=printable,
    )
