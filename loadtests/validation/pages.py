"""The report of a validation as an HTML page that works offline, and the archive of validations.

The archive has a folder for each validation, and a file with the latest figures for each machine.
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from loadtests.records.json_files import write_json
from loadtests.records.run_folder import VALIDATIONS, digest_path
from loadtests.report.html.page import data_uri
from loadtests.report.html.templating import template
from loadtests.report.wording import STATUS_SIGNS, STATUS_WORDS, listed
from loadtests.system.errors import UsageError
from loadtests.validation.chart import title
from loadtests.validation.findings import covers, findings
from loadtests.validation.record import KnownComparison, Validation
from loadtests.validation.wording import TITLES, aim, commits, digest, found

STUDIES = {"alike": "itself", "cpu_10": "+10 % CPU", "cpu_5": "+5 % CPU", "wait_2": "+2 ms wait"}


def render(validation: Validation, chart: Path) -> str:
    """Return the page.

    Args:
        validation: the measurements.
        chart: the SVG file that ``chart.draw`` wrote.
    """
    provenances = [getattr(validation, check).occasion for check in validation.checked()]
    return template("validation.html.j2").render(
        validation=validation,
        headline=title(validation),
        created=max(each.created for each in provenances),
        minutes=sum(each.seconds for each in provenances) / 60,
        commits=commits(validation),
        groups=findings(validation),
        chart=data_uri(chart),
        rows=list(_rows(validation)),
        covers=covers,
        studies=STUDIES,
        titles=TITLES,
        signs=STATUS_SIGNS,
        words=STATUS_WORDS,
        found=found,
        aim=aim,
        listed=listed,
    )


def _rows(validation: Validation) -> Iterator[KnownComparison]:
    for part in (validation.aa, validation.effects):
        if part is not None:
            yield from part.rows


class Archive:
    """The validations in a folder."""

    def __init__(self, path: Path = VALIDATIONS) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"<Archive {self.path}>"

    def latest_path(self, machine: str) -> Path:
        """Return the path of a machine's latest figures."""
        return self.path / f"{machine}.json"

    def latest(self, machine: str) -> Validation | None:
        """Read the latest figures of each check on a machine; None if there are none or they can't be read."""
        try:
            return Validation.model_validate_json(self.latest_path(machine).read_bytes())
        except (OSError, ValidationError):
            return None

    def open(self, name: str) -> Path:
        """Create the folder of a new validation; raises UsageError if that fails."""
        folder = self.path / name
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise UsageError(f"--out {self.path}: {name} cannot be made there ({error.strerror})") from None
        return folder

    def keep(self, validation: Validation, folder: Path) -> None:
        """Write the validation into its folder; if complete and not quick, update the machine's latest figures."""
        write_json(folder / "validation.json", validation)
        if validation.complete and not validation.quick and validation.checked():
            merged = validation.onto(self.latest(validation.machine))
            write_json(self.latest_path(validation.machine), merged)
            write_json(digest_path(self.path, validation.machine), digest(merged))
