"""What a validation leaves behind: chart, page, table, and the lines that later reports quote."""

import re
from pathlib import Path

import pytest

from loadtests.analysis.comparison import Finding, Proportion, share_finding
from loadtests.records.run_folder import digest_path, quoted_validation
from loadtests.report.html.page import render as render_report
from loadtests.system.errors import UsageError
from loadtests.system.machine import machine_id
from loadtests.validation import chart, pages
from loadtests.validation.findings import findings
from loadtests.validation.pages import Archive
from loadtests.validation.record import Validation
from loadtests.validation.wording import aim, digest, found, markdown
from tests.made_up_runs import make_run
from tests.validation.made_up import comparisons, environment, row, whole


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("validation")
    assert chart.draw(whole(), folder) == [folder / "validation.svg", folder / "validation.png"]
    return folder


def test_the_chart_is_the_same_for_the_same_figures(drawn: Path, tmp_path: Path) -> None:
    assert chart.draw(whole(), tmp_path)[0].read_bytes() == (drawn / "validation.svg").read_bytes()


def test_the_headline_counts_what_was_missed() -> None:
    assert chart.title(whole()) == "25 of 26 targets met, 1 missed"
    assert "not decided" in chart.title(whole(8))


def test_the_page_holds_every_finding_and_fetches_nothing(drawn: Path) -> None:
    html = pages.render(whole(), drawn / "validation.svg")
    for each in findings(whole()).values():
        for finding in each:
            assert found(finding) in html
    assert "missed" in html
    assert set(re.findall(r'src="(.{9})', html)) == {"data:imag"}
    assert not re.search(r"(href|url\()\s*=?\s*[\"']?https?:", html)


def test_part_of_a_validation_has_a_page_too(tmp_path: Path) -> None:
    part = whole(
        queue=None, stall=None, drivers=None, overload=None, capacity=None, aa=None, complete=False, quick=True
    )
    html = pages.render(part, chart.draw(part, tmp_path)[0])
    assert "incomplete" in html
    assert "smoke test" in html


def test_the_table_can_be_pasted_as_it_is() -> None:
    table = [line for line in markdown(whole()).splitlines() if line.startswith("|")]
    assert {line.count("|") for line in table} == {6}
    assert "| dispatch lag, p99 at 1,000/s | 1.90 ms | at most 1.50 ms | ✗ missed | the client's own delay |" in table


def share(low: float, high: float) -> Finding:
    return share_finding("x", Proportion(9, 200), (low, high), least=1, of="things")


def test_figures_and_targets_read_as_sentences_do() -> None:
    assert found(share(0, 0.05)) == "4.5 % (2.1 to 8.4)"
    assert [aim(share(*ends)) for ends in ((0, 0.05), (0.95, 1), (0.93, 0.97))] == [
        "at most 5.0 %",
        "at least 95.0 %",
        "93.0 to 97.0 %",
    ]


def kept(archive: Archive, validation: Validation, name: str) -> None:
    archive.keep(validation, archive.open(name))


def test_the_latest_whole_figures_are_kept_by_machine_and_quoted(tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    here = environment()
    assert quoted_validation(here, tmp_path) is None
    validation = whole(machine=machine_id(here))
    kept(archive, validation, "first")
    assert archive.latest(validation.machine) == validation
    assert quoted_validation(here, tmp_path) == digest(validation)
    assert quoted_validation(environment(cores=64), tmp_path) is None


@pytest.mark.parametrize("changes", [{"quick": True}, {"complete": False}])
def test_what_is_short_or_cut_off_replaces_nothing(changes: dict[str, bool], tmp_path: Path) -> None:
    archive = Archive(tmp_path)
    kept(archive, whole(), "first")
    kept(archive, whole(aa=comparisons([row("b")]), **changes), "second")
    assert archive.latest("m") == whole()
    assert (tmp_path / "second" / "validation.json").exists()


def test_a_damaged_file_is_no_validation(tmp_path: Path) -> None:
    digest_path(tmp_path, machine_id(environment())).write_text("{")
    assert quoted_validation(environment(), tmp_path) is None
    Archive(tmp_path).latest_path("m").write_text("{}")
    assert Archive(tmp_path).latest("m") is None


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be made"):
        Archive(tmp_path / "file").open("x")


def test_a_report_quotes_its_machines_validation_and_what_it_missed() -> None:
    manifest, outcome = make_run()
    html = render_report(manifest.model_copy(update={"validation": digest(whole())}), outcome, [])
    assert "How often this harness is wrong on this machine" in html
    assert "1 of 26 targets were missed" in html
    for words in ("false verdicts", "0.0 % (0.0 to 1.8)", "✗ missed", "2 January 2026", "commit abc"):
        assert words in html


def test_a_report_without_one_says_so() -> None:
    html = render_report(*make_run(), [])
    assert "was not validated on this machine" in html
    assert "<code>bench validate</code>" in html
