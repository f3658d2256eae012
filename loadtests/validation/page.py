"""A validation as one page of HTML that opens offline."""

from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from loadtests.report.html.page import data_uri
from loadtests.report.wording import listed
from loadtests.validation.chart import title
from loadtests.validation.findings import covers, findings
from loadtests.validation.record import Known, Validation
from loadtests.validation.wording import SIGNS, TITLES, WORDS, aim, commits, found

STUDIES = {"alike": "itself", "cpu_10": "+10 % CPU", "cpu_5": "+5 % CPU", "wait_2": "+2 ms wait"}


def render(validation: Validation, chart: Path) -> str:
    """Return the page.

    Args:
        validation: what was measured.
        chart: the SVG that ``chart.draw`` wrote.
    """
    templates = Environment(loader=PackageLoader("loadtests.report.html"), autoescape=True, undefined=StrictUndefined)
    templates.trim_blocks = templates.lstrip_blocks = True
    occasions = [getattr(validation, check).occasion for check in validation.checked()]
    return templates.get_template("validation.html.j2").render(
        validation=validation,
        headline=title(validation),
        created=max(occasion.created for occasion in occasions),
        minutes=sum(occasion.seconds for occasion in occasions) / 60,
        commits=commits(validation),
        groups=findings(validation),
        chart=data_uri(chart),
        rows=list(_rows(validation)),
        covers=covers,
        studies=STUDIES,
        titles=TITLES,
        signs=SIGNS,
        words=WORDS,
        found=found,
        aim=aim,
        listed=listed,
    )


def _rows(validation: Validation) -> Iterator[Known]:
    for part in (validation.aa, validation.effects):
        if part is not None:
            yield from part.rows
